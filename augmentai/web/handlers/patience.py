"""Work that a visitor waits for, and that is given up once it takes too long: nobody else waits behind it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

_Made = TypeVar("_Made")


class TooSlowError(Exception):
    """Work was given up, or is not begun since the same was too slow a short while ago."""


class Patience:
    """Runs work in a thread of its own and waits for it, but only so long.

    Work that was given up runs to its end, since nothing can stop it; until then, and for a rest afterwards, the same
    is not begun again, by nobody.

    Args:
        seconds: how long is waited.
        rest_seconds: how long after its end the same is left alone.

    Example:
        >>> patience = Patience(seconds=10)
        >>> patience.run("sum", lambda: 1 + 1)
        2
    """

    def __init__(self, seconds: float = 10.0, rest_seconds: float = 60.0) -> None:
        self._seconds, self._rest_seconds = seconds, rest_seconds
        self._begin_again: dict[str, float] = {}  # when, of what was too slow
        self._lock = threading.Lock()

    def run(self, name: str, work: Callable[[], _Made]) -> _Made:
        """Do work.

        Args:
            name: of what may be slow.
            work: what to do.

        Returns:
            What it returns; what it raises is raised.

        Raises:
            TooSlowError: it takes too long, or work of this name did.
        """
        with self._lock:
            if time.monotonic() < self._begin_again.get(name, 0.0):
                raise TooSlowError(name)
        done: Future[_Made] = Future()
        threading.Thread(target=_do, args=(work, done), name=f"patience-{name}", daemon=True).start()
        try:
            return done.result(self._seconds)
        except TimeoutError:
            if done.done():  # its own
                raise
        with self._lock:
            self._begin_again[name] = float("inf")
        done.add_done_callback(lambda _: self._rest(name))
        raise TooSlowError(name)

    def _rest(self, name: str) -> None:
        with self._lock:
            self._begin_again[name] = time.monotonic() + self._rest_seconds


def _do(work: Callable[[], _Made], done: Future[_Made]) -> None:
    try:
        made = work()
    except BaseException as error:
        done.set_exception(error)
    else:
        done.set_result(made)
