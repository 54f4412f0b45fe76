"""Processes that this one forks end when it is killed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Thread

_POLL_S = 0.5
_ending: list[int] = []  # processes whose children end with them


@contextmanager
def children_end_with_it() -> Iterator[None]:
    """Children that are forked meanwhile end within a second of this process, however it ends.

    datatrove's local executor forks one that shares its locks, which otherwise waits forever when this one is killed.

    Example:
        >>> with children_end_with_it():
        ...     pass
    """
    _watch_forks()
    _ending.append(os.getpid())
    try:
        yield
    finally:
        _ending.pop()


@cache
def _watch_forks() -> None:
    """Once: what is registered cannot be taken back."""
    os.register_at_fork(after_in_child=_in_child)


def _in_child() -> None:
    if os.getppid() in _ending:
        Thread(target=_end_with, args=[os.getppid()], daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_POLL_S)
    os._exit(1)
