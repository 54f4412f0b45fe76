"""The jobs at work, so that a server that is to end can end them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

_CHECK_SECONDS = 0.05


class RunningJobs:
    """The stop events of the jobs at work.

    Example:
        >>> jobs = RunningJobs()
        >>> with jobs.running(Event()):
        ...     jobs.stop_all(seconds=0)
        True
        >>> jobs.stop_all(seconds=0)
        False
    """

    def __init__(self) -> None:
        self._stops: list[Event] = []

    @contextmanager
    def running(self, stop: Event) -> Iterator[None]:
        """While a job is at work. stop: set to end it after the current image."""
        self._stops.append(stop)
        try:
            yield
        finally:
            self._stops.remove(stop)

    def stop_all(self, seconds: float) -> bool:
        """End all jobs after their current images, and wait so long for it. Returns whether there were any."""
        any_running, deadline = bool(self._stops), time.monotonic() + seconds
        while self._stops:
            for stop in list(self._stops):
                stop.set()
            if time.monotonic() > deadline:
                break
            time.sleep(_CHECK_SECONDS)
        return any_running
