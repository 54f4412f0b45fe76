"""Lanes of work for threads that wait: so many at once, visitors in turn, and a bounded number that wait."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from augmentai.web.access.turns import Turns

_WAITING_PER_VISITOR = 3
_WAITING = 16  # each holds one of Gradio's 40 threads


class BusyError(Exception):
    """Too many wait; the message says when to try again."""


class Lane:
    """Lets a few threads work at once. A visitor's calls are done one after the other, and visitors take turns.

    Example:
        >>> lane = Lane(at_once=2)
        >>> with lane.turn("a visitor"):
        ...     print("at work")
        at work
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._changed = threading.Condition()
        self._turns: Turns[object] = Turns()
        self._present: list[str] = []  # the visitors whose calls wait or are at work
        self._working: list[str] = []

    def __len__(self) -> int:
        """How many wait or are at work."""
        return len(self._present)

    @contextmanager
    def turn(self, visitor: str) -> Iterator[None]:
        """Wait for a turn, and work. Raises BusyError."""
        call = object()
        with self._changed:
            if self._present.count(visitor) >= _WAITING_PER_VISITOR:
                raise BusyError("Your last files are still being read. Try again in a few seconds.")
            if len(self._present) >= _WAITING:
                raise BusyError("The server is reading the files of others. Try again in a minute.")
            self._present.append(visitor)
            self._turns.add(call, visitor)
            self._changed.wait_for(lambda: self._may_start(call, visitor))
            self._turns.start(call)
            self._working.append(visitor)
        try:
            yield
        finally:
            with self._changed:
                self._working.remove(visitor)
                self._present.remove(visitor)
                self._turns.end(call)
                self._changed.notify_all()

    def _may_start(self, call: object, visitor: str) -> bool:
        if len(self._working) >= self._at_once or visitor in self._working:
            return False
        return self._turns.order()[0] is call
