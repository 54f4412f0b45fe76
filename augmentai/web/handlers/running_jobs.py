"""The jobs at work, so that a server that is to end can end them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from threading import Event

from augmentai.pipeline.job import Job
from augmentai.web.jobs.run import JobRequest

_CHECK_SECONDS = 0.05


class RunningJobs:
    """The stop events of the jobs at work.

    Attributes:
        ending: set once the server is to end.

    Example:
        >>> jobs = RunningJobs()
        >>> with jobs.running(Event()):
        ...     jobs.stop_all(seconds=0)
        True
        >>> jobs.stop_all(seconds=0)
        False
    """

    def __init__(self) -> None:
        self.ending = Event()
        self._stops: list[Event] = []

    @contextmanager
    def running(self, stop: Event) -> Iterator[None]:
        """While a job is at work. stop: set to end it after the current image."""
        self._stops.append(stop)
        try:
            yield
        finally:
            self._end(stop)

    def tracked(self, request: JobRequest, stop: Event) -> JobRequest:
        """A request whose job is at work until the last answer has arrived, even if its visitor has left before."""

        def admit(job: Job) -> None:
            request.admit(job)
            self._stops.append(stop)

        def ended() -> None:
            request.ended()
            self._end(stop)

        return replace(request, admit=admit, ended=ended, ending=self.ending)

    def _end(self, stop: Event) -> None:
        with suppress(ValueError):  # it ended before it was admitted
            self._stops.remove(stop)

    def stop_all(self, seconds: float) -> bool:
        """End all jobs after their current images, and wait so long for it. Returns whether there were any."""
        self.ending.set()
        any_running, deadline = bool(self._stops), time.monotonic() + seconds
        while self._stops:
            for stop in list(self._stops):
                stop.set()
            if time.monotonic() > deadline:
                break
            time.sleep(_CHECK_SECONDS)
        return any_running
