"""The jobs of the page's visitors: each has an address that its visitor alone can open, until its results expire."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import Enum
from threading import Event

from augmentai.web.jobs.finished_job import FinishedJob
from augmentai.web.jobs.snapshot import Snapshot

_MAX_JOBS = 400  # with results, of all visitors; the ones idle for longest are forgotten first
_MAX_TABS = 4_000  # likewise
_MAX_PER_VISITOR = 20
_ENDING_SECONDS = 5.0  # for a job whose page was closed to end by itself; then it is cut off
_ABSENT_SECONDS = 10.0  # a click and its job are two calls
_BLINK_SECONDS = 1.0  # a connection that broke off may be back after this


class JobState(Enum):
    """Where a job of the page is. EXPIRED: its results were deleted."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    EXPIRED = "expired"


class Fate(Enum):
    """What becomes of a job whose tab may be closed."""

    RUNS_ON = "runs on"
    STOPS = "stops"
    IS_CUT_OFF = "is cut off"


@dataclass(eq=False)
class VisitorJob:
    """One job of the page.

    Attributes:
        id: in its address; random.
        visitor: whose it is, see `handlers.visitor.visitor_of`.
        session: the tab that started it, or its latest addition.
        started: when, in seconds since 1970.
        stop: set it to end the job after the current image.
        snapshot: the latest one while it works.
        finished: its results, once it has ended.
        message: why it failed.
        followers: tabs that ask for its progress, rather than being sent it; True once they have got the results.
        present: those of them that are open.
        before: what the tab showed before it.
        absent_since: when it was first missed in the queue, while it should wait there.
    """

    id: str
    visitor: str
    session: str
    started: float
    stop: Event = field(default_factory=Event)
    state: JobState = JobState.QUEUED
    snapshot: Snapshot = field(default_factory=Snapshot)
    finished: FinishedJob | None = None
    message: str = ""
    followers: dict[str, bool] = field(default_factory=dict)
    present: set[str] = field(default_factory=set)
    before: VisitorJob | None = None
    absent_since: float | None = None
    _left: float | None = None

    @property
    def is_live(self) -> bool:
        """Whether it waits or is at work."""
        return self.state in (JobState.QUEUED, JobState.RUNNING)

    def end(self, finished: FinishedJob | None, message: str = "") -> None:
        """It has ended. finished: its results; None if it failed, and then those that it had before stay."""
        self.finished = finished or self.finished
        self.message, self.snapshot, self.before = message, Snapshot(), None
        self.state = JobState.DONE if self.finished is not None else JobState.FAILED

    def check(self) -> JobState:
        """Its state, now that its results may have been deleted."""
        if self.state is JobState.DONE and self.finished is not None and not self.finished.zips[0].is_file():
            self.finished, self.state = None, JobState.EXPIRED
        return self.state

    def fate(self, is_awaited: bool, closed_tab_seconds: float | None, now: float) -> Fate:
        """What becomes of it.

        Args:
            is_awaited: whether the tab that started it is open.
            closed_tab_seconds: how long it runs on when no tab shows it; None: to its end.
            now: in seconds of `time.monotonic`.
        """
        if is_awaited or self.present:
            self._left = None
        elif self._left is None:
            self._left = now
        if self._left is None or closed_tab_seconds is None:
            return Fate.RUNS_ON
        alone = now - self._left - max(_BLINK_SECONDS, closed_tab_seconds)
        if alone < 0:
            return Fate.RUNS_ON
        return Fate.STOPS if self.state is JobState.RUNNING and alone < _ENDING_SECONDS else Fate.IS_CUT_OFF


class VisitorJobs:
    """The jobs of all visitors. Thread-safe, of bounded size.

    Args:
        closed_tab_seconds: how long a job runs on when no tab shows it; None: to its end.

    Example:
        >>> jobs = VisitorJobs()
        >>> job = jobs.begin("Anna's browser", session="her tab")
        >>> jobs.open("another tab", "Anna's browser", job.id) is job
        True
        >>> jobs.open("his tab", "Bert's browser", job.id) is None
        True
    """

    def __init__(self, closed_tab_seconds: float | None = None) -> None:
        self.closed_tab_seconds = closed_tab_seconds
        self._jobs: OrderedDict[str, VisitorJob] = OrderedDict()
        self._shown: OrderedDict[str, VisitorJob] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, visitor: str, session: str) -> VisitorJob:
        """A tab starts a job."""
        with self._lock:
            job = VisitorJob(secrets.token_urlsafe(16), visitor, session, time.time(), before=self._shown.get(session))
            self._jobs[job.id] = self._shown[session] = job
            self._forget_some(visitor)
            return job

    def again(self, job: VisitorJob, session: str) -> None:
        """A tab starts an addition to a finished job."""
        with self._lock:
            job.session, job.stop, job.state, job.message = session, Event(), JobState.QUEUED, ""
            job.followers.pop(session, None)
            self._shown[session] = job

    def show(self, session: str, job: VisitorJob | None) -> None:
        """What a tab shows now."""
        with self._lock:
            if job is None:
                self._shown.pop(session, None)
            else:
                self._shown[session] = job

    def shown(self, session: str) -> VisitorJob | None:
        """What a tab shows; None if that is no job."""
        with self._lock:
            if session in self._shown:
                self._shown.move_to_end(session)
            return self._shown.get(session)

    def open(self, session: str, visitor: str, job_id: str) -> VisitorJob | None:
        """A tab opens the address of a job. None: there is no such job, or it is another visitor's."""
        with self._lock:
            job = self._jobs.get(job_id)
            if job is None or not secrets.compare_digest(job.visitor.encode(), visitor.encode()):
                return None
            self._jobs.move_to_end(job_id)
            self._shown[session] = job
            self.follow(job, session)
            return job

    def follow(self, job: VisitorJob, session: str) -> None:
        """A tab asks for the progress of a job from now on."""
        job.followers[session] = False
        job.present.add(session)

    def forget(self, job: VisitorJob) -> None:
        """A job that did not begin."""
        with self._lock:
            self._jobs.pop(job.id, None)

    def close(self, session: str) -> None:
        """A tab was closed, or its connection is lost: then it may be back."""
        with self._lock:
            if (job := self._shown.get(session)) is not None:
                job.present.discard(session)

    def of(self, visitor: str) -> list[VisitorJob]:
        """A visitor's jobs, the latest first."""
        with self._lock:
            return sorted((job for job in self._jobs.values() if job.visitor == visitor), key=lambda job: -job.started)

    def live(self, session: str) -> VisitorJob | None:
        """The job that a tab has started and that has not ended; the tab itself may be closed."""
        with self._lock:
            return next((job for job in self._jobs.values() if job.session == session and job.is_live), None)

    def end_absent(self, sessions: Collection[str], now: float, message: str) -> None:
        """End the jobs that were announced and are not in the queue.

        Args:
            sessions: of the jobs that wait or are at work.
            now: in seconds of `time.monotonic`.
            message: why they are ended.
        """
        with self._lock:
            queued = [job for job in self._jobs.values() if job.state is JobState.QUEUED]
        for job in queued:
            if job.session in sessions:
                job.absent_since = None
            elif job.absent_since is None:
                job.absent_since = now
            elif now - job.absent_since > _ABSENT_SECONDS:
                job.end(None, message)

    def _forget_some(self, visitor: str) -> None:
        """Keep the numbers bounded. Jobs that were never made, which anybody can announce, go before results."""
        done = [job for job in self._jobs.values() if not job.is_live and job.finished is not None]
        own = [job for job in done if job.visitor == visitor]
        empty = [job for job in self._jobs.values() if not job.is_live and job.finished is None]
        made_up = [job for job in self._jobs.values() if job.state is JobState.QUEUED and job.absent_since is not None]
        excess = [*own[: max(0, len(own) - _MAX_PER_VISITOR)], *done[: max(0, len(done) - _MAX_JOBS)]]
        excess += [*empty, *made_up][: max(0, len(empty) + len(made_up) - _MAX_JOBS)]
        for job in excess:
            self._jobs.pop(job.id, None)
            job.before = None  # or a tab would hold a chain of all that it ever announced
        while len(self._shown) > _MAX_TABS:
            self._shown.popitem(last=False)
