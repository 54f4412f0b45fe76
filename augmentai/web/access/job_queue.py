"""Gradio's queue, in which visitors take turns and only jobs whose caller listens are started."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gradio.queueing import Event, EventQueue, Queue
from gradio.route_utils import get_fn
from gradio.server_messages import ProcessCompletedMessage
from gradio.utils import run_coro_in_background
from starlette.exceptions import HTTPException

from augmentai.plurals import counted
from augmentai.settings import Settings
from augmentai.web.access.rate_limit import wait_words
from augmentai.web.access.turns import Turns
from augmentai.web.access.visitors import address_of
from augmentai.web.jobs.visitor_jobs import Fate, VisitorJob, VisitorJobs
from augmentai.web.texts import CUT_OFF, NOT_QUEUED

_CHECK_SECONDS = 0.25
_LEFT_SECONDS = 1.0  # a caller whose connection broke off has left after this
_UNREAD_SECONDS = 30.0  # a call whose answer nobody has begun to read is dropped after this
_UNREAD_SECONDS_IF_FULL = 2.0  # likewise, while the queue is full
_USUAL_SECONDS = 30.0  # a job takes, as long as none has ended
_AT_ONCE = 4  # calls of each function that is not a job


class JobQueue(Queue):
    """A queue of jobs beside Gradio's own queues of shorter calls. With `ending` set, nothing is started any more.

    A job waits for at most one job of each other visitor (see `Turns`). It starts when its caller reads the answer, so
    that calls nobody listens to take no turn from others, and it ends soon after the caller has left. The job of a tab
    that was closed keeps its place, and runs on for as long as the settings say.
    """

    def __init__(self, page: Any, settings: Settings, jobs: str, visitor_jobs: VisitorJobs) -> None:
        """page: whose calls are queued. jobs: the concurrency id of jobs. visitor_jobs: those that tabs started."""
        super().__init__(
            live_updates=True,
            concurrency_count=page.max_threads,
            update_intervals=1,
            max_size=None,
            blocks=page,
            default_concurrency_limit=_AT_ONCE,
        )
        self.ending = False
        self._settings, self._proxies = settings, settings.proxies or 0
        self._id, self._visitor_jobs = jobs, visitor_jobs
        self._jobs = EventQueue(jobs, settings.jobs_at_once)
        self.event_queue_per_concurrency_id[jobs] = self._jobs
        self._turns: Turns[Event] = Turns()
        self._joining = asyncio.Lock()
        self._listeners: Counter[str] = Counter()  # by session
        self._left: dict[str, float] = {}  # session with jobs: when its last listener left

    def start(self) -> None:
        super().start()
        run_coro_in_background(self._watch)

    async def push(self, body: Any, request: Any, username: str | None) -> Any:
        """Queue a call; one after the other, so that each counts those before it.

        Raises:
            HTTPException: 429 or 503, too many are waiting. Callers that have a session get the same words as the
                answer of their job instead, since Gradio's clients do not show those of a refused request.
        """
        async with self._joining:
            await self._make_room()
            if (refusal := self._refusal(body, request)) is None:
                return await super().push(body, request, username)
        if body.session_hash is None:
            raise refusal
        return True, self._answer(body, request, str(refusal.detail)), "success"

    def _refusal(self, body: Any, request: Any) -> HTTPException | None:
        if body.fn_index is None:
            return None  # Gradio says so
        fn = get_fn(self.blocks, None, body)
        queue = self.event_queue_per_concurrency_id.get(fn.concurrency_id)
        waiting = queue.queue if queue else []
        limit = self._settings.visitor_jobs
        if queue is self._jobs and limit is not None:
            visitor = address_of(request, self._proxies)
            count = sum(address_of(event.request, self._proxies) == visitor for event in waiting)
            if count >= limit:
                reason = f"You already have {counted(count, 'job')} queued (limit: {limit})."
                return self._try_again(429, reason, "or when one has started")
        if len(waiting) >= self._settings.queue_size:
            return self._try_again(503, f"The queue is full: {len(waiting)} calls are waiting.")
        return None

    def _try_again(self, status: int, reason: str, otherwise: str = "") -> HTTPException:
        seconds = self._seconds_until_turn()
        advice = " ".join(filter(None, (f"Try again {wait_words(seconds)}", otherwise)))
        return HTTPException(status, f"{reason} {advice}.", {"Retry-After": str(round(seconds))})

    def _seconds_until_turn(self) -> float:
        """How long until the next waiting job is likely to start."""
        left = []
        for fn, starts in self._jobs.start_times_per_fn.items():
            known = self.process_time_per_fn.get(fn)
            usual = float(known.avg_time) if known else _USUAL_SECONDS
            left += [usual - (time.time() - start) for start in starts]
        return max(5.0, min(left, default=0.0))

    def _answer(self, body: Any, request: Any, message: str) -> str:
        """Answer a call at once, with an error. Returns the id of its event."""
        event = Event(body.session_hash, get_fn(self.blocks, None, body), request, None)
        if body.session_hash not in self.pending_messages_per_session:
            self.pending_messages_per_session[body.session_hash] = asyncio.Queue()
        self.pending_event_ids_session.setdefault(body.session_hash, set()).add(event._id)
        self._fail(event, message)
        return event._id

    def _fail(self, event: Event, message: str) -> None:
        """Answer a call that will not run with an error."""
        output = {"error": message, "title": "Not queued", "visible": True, "duration": None}
        self.send_message(event, ProcessCompletedMessage(output=output, success=False))

    async def process_events(self, events: list[Event], *arguments: Any) -> None:
        """Run a call to its end."""
        try:
            await super().process_events(events, *arguments)
        finally:
            for event in events:
                self._turns.end(event)
                if self._has_left(event):
                    self.pending_event_ids_session.get(event.session_hash, set()).discard(event._id)

    def compute_analytics_summary(self, records: Any) -> dict[str, Any]:
        """Nothing: monitoring is off, and Gradio would compute a table of all calls at the end of each."""
        return {"functions": {}}

    def get_events(self) -> tuple[list[Event], bool, str] | None:
        """The next call that may start; none once the server is to end."""
        if self.ending:
            return None
        for concurrency_id, queue in self.event_queue_per_concurrency_id.items():
            if queue.concurrency_limit is not None and queue.current_concurrency >= queue.concurrency_limit:
                continue
            for event in queue.queue:
                if queue is not self._jobs or self._is_awaited(event):
                    queue.queue.remove(event)
                    if event in self._turns:
                        self._turns.start(event)
                    return [event], False, concurrency_id
        return None

    def broadcast_estimations(self, concurrency_id: str, after: int | None = None) -> None:
        """Send callers their place in the queue. A job that joins can have a place before others."""
        if concurrency_id == self._id:
            self._arrange()
            after = None
        super().broadcast_estimations(concurrency_id, after)

    def place(self, session: str) -> int | None:
        """How many jobs are to start before the first one of a session that waits; None if none waits."""
        return next((place for place, event in enumerate(self._jobs.queue) if event.session_hash == session), None)

    def _arrange(self) -> None:
        """Sort the waiting jobs. Those whose callers do not listen yet are last."""
        waiting = self._jobs.queue
        for event in waiting:
            if event not in self._turns and self._is_awaited(event):
                self._turns.add(event, address_of(event.request, self._proxies))
        for event in set(self._turns.order()).difference(waiting):
            self._turns.end(event)
        ready = self._turns.order()
        waiting[:] = [*ready, *(event for event in waiting if event not in self._turns)]

    @contextmanager
    def listening(self, session: str) -> Iterator[None]:
        """While somebody reads the answers to a session's calls, or to a single call, named by its event."""
        event = self.event_ids_to_events.get(session)
        session = event.session_hash if event else session
        self._listeners[session] += 1
        self._left.pop(session, None)
        self.broadcast_estimations(self._id)
        try:
            yield
        finally:
            self._listeners[session] -= 1
            if not self._listeners[session]:
                del self._listeners[session]
                self._left[session] = time.monotonic()

    async def _watch(self) -> None:
        """Drop the jobs of callers who have left and those that nobody has begun to read; notify the others."""
        notified: list[str] = []
        while not self.stopped:
            await asyncio.sleep(_CHECK_SECONDS)
            now = time.monotonic()
            present = [*self._jobs.queue, *(event for events in self.active_jobs if events for event in events)]
            for event in present:
                if event.fn.concurrency_id != self._id:
                    continue
                if (job := self._job_of_tab(event)) is not None:
                    await self._watch_tab(event, job, now)
                    continue
                if self._listeners[event.session_hash]:
                    continue
                left = self._left.get(event.session_hash, 0.0)
                if left > event.enqueue_time:
                    if now > left + _LEFT_SECONDS:
                        await self._drop(event)
                elif now > event.enqueue_time + _UNREAD_SECONDS:  # its caller has not begun to listen
                    await self._expire(event, f"Its answer was not read for {_UNREAD_SECONDS:g} seconds")
            own = {event.session_hash for event in present if event.fn.concurrency_id == self._id}
            self._visitor_jobs.end_absent(own, now, NOT_QUEUED)
            if (waiting := [event._id for event in self._jobs.queue]) != notified:
                notified = waiting
                self.broadcast_estimations(self._id)
            sessions = {event.session_hash for event in present}
            self._left = {one: left for one, left in self._left.items() if one in sessions}

    def _has_left(self, event: Event) -> bool:
        """Whether its caller was there, and is gone."""
        session = event.session_hash
        return not self._listeners[session] and self._left.get(session, 0.0) > event.enqueue_time

    def _job_of_tab(self, event: Event) -> VisitorJob | None:
        """The job of the page that a call runs, once its tab has listened."""
        if not (self._listeners[event.session_hash] or self._has_left(event)):
            return None
        return self._visitor_jobs.live(event.session_hash)

    def _is_awaited(self, event: Event) -> bool:
        """Whether somebody wants the answer: the caller who reads it, or the visitor of a tab that was closed."""
        return self._listeners[event.session_hash] > 0 or self._job_of_tab(event) is not None

    async def _watch_tab(self, event: Event, job: VisitorJob, now: float) -> None:
        """A job of the page runs on when its tab was closed, if the settings say so."""
        listening = self._listeners[event.session_hash] > 0
        fate = job.fate(listening, self._visitor_jobs.closed_tab_seconds, now)
        if fate is not Fate.RUNS_ON:
            job.stop.set()
        if fate is Fate.IS_CUT_OFF:
            job.end(None, CUT_OFF)
            await self._drop(event)

    async def clean_events(self, *, session_hash: str | None = None, event_id: str | None = None) -> None:
        """The connection of a session is lost, or a call is to end. What a closed tab may leave behind stays."""
        if session_hash is None or self._visitor_jobs.live(session_hash) is None:
            await super().clean_events(session_hash=session_hash, event_id=event_id)
            return
        waiting = [event for queue in self.event_queue_per_concurrency_id.values() for event in queue.queue]
        for event in [*waiting, *(event for events in self.active_jobs if events for event in events)]:
            if event.session_hash == session_hash and event.fn.concurrency_id != self._id:
                await super().clean_events(event_id=event._id)

    def send_message(self, event: Event, event_message: Any) -> None:
        """Answer a caller; nobody collects the messages to a tab that was closed."""
        if event.session_hash in self.pending_messages_per_session and not self._has_left(event):
            super().send_message(event, event_message)

    def has_job(self, session: str) -> bool:
        """Whether a job of a session waits or is at work."""
        at_work = [event for events in self.active_jobs if events for event in events]
        own = (event for event in [*self._jobs.queue, *at_work] if event.fn.concurrency_id == self._id)
        return any(event.session_hash == session for event in own)

    async def _make_room(self) -> None:
        """While the queue is full, calls that nobody has begun to read are dropped sooner, the oldest first."""
        if len(self._jobs.queue) < self._settings.queue_size:
            return
        unread = [event for event in self._jobs.queue if not self._is_awaited(event)]
        oldest = min(unread, key=lambda event: event.enqueue_time, default=None)
        if oldest is not None and time.monotonic() > oldest.enqueue_time + _UNREAD_SECONDS_IF_FULL:
            await self._expire(oldest, f"The queue is full, and {_UNREAD_SECONDS_IF_FULL:g} seconds passed unread")

    async def _expire(self, event: Event, reason: str) -> None:
        """Take a job out of the queue that nobody has begun to read. Whoever reads it later learns why."""
        if not event.alive or event not in self._jobs.queue:
            return
        self._fail(event, f"This job lost its place in the queue. {reason}. Send it again.")
        await self.clean_events(event_id=event._id)
        self._arrange()

    async def cancel(self, event_id: str) -> None:
        """End a job or take it out of the queue: Gradio resets only those that have answered."""
        event = self.event_ids_to_events.get(event_id)
        if event is not None and event.fn.concurrency_id == self._id:
            await self._drop(event)

    async def _drop(self, event: Event) -> None:
        await self.clean_events(event_id=event._id)
        if ids := self.pending_event_ids_session.get(event.session_hash):
            ids.discard(event._id)
        self._arrange()
