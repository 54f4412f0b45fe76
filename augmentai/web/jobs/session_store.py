"""The last finished or interrupted job that each tab shows."""

from __future__ import annotations

import threading
from collections import OrderedDict

from augmentai.web.jobs.finished_job import FinishedJob
from augmentai.web.jobs.paid_jobs import InterruptedJob

_MAX_SESSIONS = 200  # beyond that, the job of the visitor idle for longest is dropped

_MAX_LABELS = 4_000


class SessionStore:
    """What each open tab shows, by its session: above all its last finished job. Thread-safe, of bounded size."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[str, FinishedJob] = OrderedDict()
        self._offers: OrderedDict[str, InterruptedJob] = OrderedDict()
        self._start_labels: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, session: str, finished: FinishedJob) -> None:
        """Store a session's job in place of its previous one."""
        with self._lock:
            self._jobs[session] = finished
            self._jobs.move_to_end(session)
            self._offers.pop(session, None)
            while len(self._jobs) > _MAX_SESSIONS:
                self._jobs.popitem(last=False)

    def get(self, session: str) -> FinishedJob | None:
        """A session's job; None if it has none, or it has expired."""
        with self._lock:
            if session in self._jobs:
                self._jobs.move_to_end(session)
            return self._jobs.get(session)

    def set_start_label(self, session: str, label: str) -> None:
        """Store what the button of a tab says that starts a job, for the moment at which none runs any more."""
        with self._lock:
            self._start_labels[session] = label
            self._start_labels.move_to_end(session)
            while len(self._start_labels) > _MAX_LABELS:
                self._start_labels.popitem(last=False)

    def start_label(self, session: str) -> str:
        """What that button says; empty if that is not known."""
        with self._lock:
            return self._start_labels.get(session, "")

    def offer(self, session: str, interrupted: InterruptedJob) -> None:
        """Store an interrupted job that a session may resume, in place of its finished one."""
        with self._lock:
            self._offers[session] = interrupted
            self._jobs.pop(session, None)
            while len(self._offers) > _MAX_SESSIONS:
                self._offers.popitem(last=False)

    def offered(self, session: str) -> InterruptedJob | None:
        """The interrupted job that a session may resume; None if there is none."""
        with self._lock:
            return self._offers.get(session)
