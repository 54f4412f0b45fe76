"""One job on the hosted API: tasks in, requests in flight, results out as they finish.

Each task has its own thread. It prepares the image, waits for one of the few connections, sends, and reads the
response, so that images are prepared and unpacked while the connections wait for the service. Threads are daemons: a
request that hangs delays neither the end of the job nor that of the program.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from weakref import WeakValueDictionary

from augmentai.dataset.paid_answers import Item
from augmentai.engines.base import EngineUnavailableError, JobView, Made, Refused, Task
from augmentai.engines.budget import Budget, CapReachedError, Reservation
from augmentai.engines.canvas import AnswerError, Prepared, SharedSource, restore
from augmentai.engines.circuit_breaker import jittered
from augmentai.engines.ledger import LedgerError
from augmentai.engines.paid import item_of, largest_answer_bytes
from augmentai.engines.stability.client import RequestFailure, Response
from augmentai.engines.stability.connection import Call
from augmentai.engines.stability.endpoints import FieldError, RequestPlan
from augmentai.engines.stability.generation import Generation, fetch, generation_in
from augmentai.engines.stability.request import AUTO_STRENGTH, Requests, UnsuitedError
from augmentai.engines.stability.responses import Problem, Success, parse_failure, parse_response
from augmentai.engines.stability.service import Service

ENGINE = "stability"
_TICK_SECONDS = 0.2
_AFTER_STOP_SECONDS = 15.0  # what is in flight is paid for and nearly done; nobody waits for it longer than this
_MAX_LOCK_OUTS_IN_A_ROW = 4  # without a success in between; then the circuit breaker opens


@dataclass(frozen=True)
class _Outage:
    """The engine cannot continue."""

    reason: str
    for_good: bool
    fall_back: bool = True


class _TaskReturnedError(Exception):
    """The task was not begun, or not finished: it goes back to the router."""


class Run:
    """The requests of one call of `StabilityEngine.make`.

    Raises:
        KeyFormatError: the key cannot be sent.
    """

    def __init__(self, service: Service, plan: RequestPlan, budget: Budget, job: JobView) -> None:
        self._service, self._plan, self._budget, self._job = service, plan, budget, job
        self._client = service.client()
        self._requests = Requests(plan, job)
        self._settings = service.settings
        self._finished: queue.SimpleQueue[tuple[Task, Made | Refused | None]] = queue.SimpleQueue()
        self._unanswered: dict[int, Task] = {}  # in the order taken
        self._working = 0
        self._closed = threading.Event()
        self._outage: _Outage | None = None
        self._calls: set[Call] = set()
        self._lock = threading.Lock()
        self._sources: WeakValueDictionary[str, SharedSource] = WeakValueDictionary()

    def results(self, tasks: Iterator[Task]) -> Iterator[Made | Refused]:
        """Results as they finish. Raises EngineUnavailableError once what is in flight has ended."""
        returned: set[int] = set()
        stopped_at = 0.0
        more = True
        while True:
            more = more and self._fill(tasks)
            if len(returned) == len(self._unanswered):
                break
            self._abort_overdue()
            try:
                task, result = self._finished.get(timeout=_TICK_SECONDS)
            except queue.Empty:
                if self._job.stop.is_set():
                    stopped_at = stopped_at or time.monotonic()
                    if time.monotonic() - stopped_at > _AFTER_STOP_SECONDS:
                        return
                continue
            self._working -= 1
            if result is None:
                returned.add(id(task))
                continue
            del self._unanswered[id(task)]
            yield result
        if self._outage is not None and not self._job.stop.is_set():
            out = self._outage
            raise EngineUnavailableError(
                out.reason, tuple(self._unanswered.values()), for_good=out.for_good, fall_back=out.fall_back
            )

    def close(self) -> None:
        """Begin nothing more and hang up: nobody waits for the responses."""
        self._closed.set()
        with self._lock:
            calls = list(self._calls)
        for call in calls:
            call.abort("stopped")

    def _fill(self, tasks: Iterator[Task]) -> bool:
        """Take tasks while there is room. False once there are no more."""
        while not self._cancelled():
            connections = self._service.connections.limit
            room = 1 if self._service.breaker.on_trial else 2 * connections
            if len(self._unanswered) >= room:
                return True
            if self._working >= connections and not self._finished.empty():
                return True  # results first; the connections are busy enough
            task = next(tasks, None)
            if task is None:
                return False
            self._unanswered[id(task)] = task
            self._working += 1
            source = self._sources.setdefault(task.source.sha256, SharedSource())
            try:
                threading.Thread(target=self._work, args=(task, source), name=ENGINE, daemon=True).start()
            except RuntimeError:  # the system allows no more threads
                self._finished.put((task, Refused(task, "the hosted engine could not start a thread for this image")))
        return True

    def _cancelled(self) -> bool:
        return self._outage is not None or self._closed.is_set() or self._job.stop.is_set()

    def _abort_overdue(self) -> None:
        now = time.monotonic()
        with self._lock:
            overdue = [call for call in self._calls if now > call.deadline]
        for call in overdue:
            call.abort("deadline")

    def _end(self, reason: str, for_good: bool, fall_back: bool = True) -> None:
        """Take nothing more; the first reason counts."""
        with self._lock:
            self._outage = self._outage or _Outage(reason, for_good, fall_back)

    # Below: in the task's own thread.

    def _work(self, task: Task, source: SharedSource) -> None:
        result: Made | Refused | None = None
        try:
            with suppress(_TaskReturnedError):
                result = self._make(task, source)
        except (FieldError, UnsuitedError) as error:
            result = Refused(task, str(error))
        except MemoryError:
            result = Refused(task, "not enough memory to prepare this image for the hosted API")
        except Exception as error:  # a thread that dies silently would block the job forever
            result = Refused(task, f"the hosted engine failed on this image ({type(error).__name__})")
        finally:
            self._finished.put((task, result))

    def _make(self, task: Task, source: SharedSource) -> Made | Refused:
        if task.recipe.strength == 0:
            return self._source_itself(task)
        found = self._budget.find(item_of(ENGINE, task), self._plan.model)
        if found is None and self._cancelled():
            raise _TaskReturnedError
        prepared = self._requests.prepare(task, source)
        form, prompt = self._requests.form(task)
        begun = time.perf_counter()
        answer: Success | Problem
        if found is not None:  # paid for already, so also after a stop, or once a limit is reached
            (stored, reservation), uncertain, answer = found, 0.0, Success(found[0].data, found[0].note)
            if stored.pending:
                answer = self._fetched(stored.data.decode("ascii", "replace"), reservation)
        else:
            begun, (answer, reservation, uncertain) = self._connected(task, prepared, form)
        if isinstance(answer, Problem):
            return self._refuse(task, answer, reservation)
        try:
            image, detailed = restore(answer.data, prepared, task.photo.flattened())
        except (AnswerError, MemoryError) as error:
            if isinstance(error, AnswerError):
                reservation.discard(self._plan.model)
            words = str(error) or "an image that is too large for the memory"
            problem = Problem("fault", f"the hosted API answered 200 with {words}", charged=True)
            return self._refuse(task, problem, reservation)
        self._service.breaker.success()
        details = self._requests.details(prepared, form, prompt) | {"credits": reservation.credits}
        details |= {"service_seed": answer.seed} | ({"fine_detail": "of the source"} if detailed else {})
        details |= {"credits_perhaps_besides": uncertain} if uncertain else {}
        made_by = self._plan.model, time.perf_counter() - begun, prompt.text
        return Made(task, ENGINE, image, *made_by, details=details, strength=AUTO_STRENGTH)

    def _connected(
        self, task: Task, prepared: Prepared, form: dict[str, str]
    ) -> tuple[float, tuple[Success | Problem, Reservation, float]]:
        """Wait for a connection, then send: when that began, and what `_send` returns. Raises _TaskReturnedError."""
        while not self._service.connections.acquire(timeout=_TICK_SECONDS):
            if self._cancelled():
                raise _TaskReturnedError
        try:
            return time.perf_counter(), self._send(task, prepared, form)
        finally:
            self._service.connections.release()

    def _source_itself(self, task: Task) -> Made:
        note = "strength 0 is the source itself; nothing was sent"
        details = {"endpoint": "none", "credits": 0.0, "note": note}
        image = task.photo.flattened().copy()
        return Made(task, ENGINE, image, self._plan.model, 0.0, repainted=False, details=details)

    def _send(
        self, task: Task, prepared: Prepared, form: dict[str, str]
    ) -> tuple[Success | Problem, Reservation, float]:
        """Send a request, with one retry if it was not charged and may work.

        Returns:
            An image, or a problem of this image alone; its settled reservation; and the credits that an earlier attempt
            may have been charged.

        Raises:
            _TaskReturnedError: the engine cannot continue, or the job ends.
        """
        item = item_of(ENGINE, task)
        retried, uncertain = False, 0.0
        while True:
            reservation = self._reserve(item, prepared)
            if not self._service.rate_limiter.wait_turn(self._cancelled):
                reservation.settle(False)
                raise _TaskReturnedError
            if reason := self._service.breaker.open_reason:  # another job has found out meanwhile
                reservation.settle(False)
                self._end(reason, for_good=False)
                raise _TaskReturnedError
            answer = self._post(prepared, form, reservation)
            if isinstance(answer, Success):
                reservation.store(self._plan.model, answer.data, answer.seed)
            elif isinstance(answer, Generation):
                reservation.store(self._plan.model, answer.number.encode(), pending=True)
            reservation.settle(answer.charged)
            if isinstance(answer, Generation):
                answer = self._fetched(answer.number, reservation)
            if isinstance(answer, Success) or answer.kind in {"refused", "fault"}:
                self._service.rate_limiter.success()
                self._service.connections.success()
                return answer, reservation, uncertain
            if answer.kind == "transient" and retried:
                return answer, reservation, uncertain
            if answer.kind == "transient":
                retried = True
                uncertain += reservation.credits if answer.charged is None else 0.0
                self._nap(jittered(self._settings.stability_retry_seconds))
            elif answer.kind == "locked":
                self._lock_out(answer)
            else:
                if answer.kind == "down":
                    self._service.breaker.trip(answer.reason)
                self._end(answer.reason, for_good=answer.kind == "out")
                raise _TaskReturnedError

    def _fetched(self, number: str, reservation: Reservation) -> Success | Problem:
        """The image of a generation that is paid for. Raises _TaskReturnedError if nobody waits for it any more."""
        answer = fetch(self._client, number, self._settings.stability_poll_seconds, self._closed.is_set)
        if answer is None:
            raise _TaskReturnedError
        if isinstance(answer, Success):
            reservation.store(self._plan.model, answer.data, answer.seed)
        else:
            reservation.discard(self._plan.model)
        return answer

    def _reserve(self, item: Item, prepared: Prepared) -> Reservation:
        room_bytes = largest_answer_bytes(prepared.sent_wh)
        try:
            reservation = self._budget.reserve(self._plan.credits, self._cancelled, item, room_bytes)
        except CapReachedError as error:
            self._end(str(error), for_good=True, fall_back=self._settings.credits_on_cap == "fallback")
        except LedgerError as error:
            self._end(str(error), for_good=True)
        else:
            if reservation is not None:
                return reservation
        raise _TaskReturnedError

    def _post(
        self, prepared: Prepared, form: dict[str, str], reservation: Reservation
    ) -> Success | Problem | Generation:
        calls: list[Call] = []

        def register(call: Call) -> None:
            with self._lock:
                calls.append(call)
                self._calls.add(call)
            if self._closed.is_set():
                call.abort("stopped")

        response: Response | RequestFailure | None = None
        try:
            files = prepared.data, prepared.media_type, register, prepared.files, prepared.image_field
            response = self._client.post(self._plan.endpoint.path, form, *files)
        finally:
            if response is None:  # an unexpected error
                reservation.settle(None)
            with self._lock:
                self._calls.difference_update(calls)
        if not isinstance(response, RequestFailure):
            generation = generation_in(response) if self._plan.endpoint.is_async else None
            return generation or parse_response(response, self._client.key)
        if response.why == "stopped":
            reservation.settle(False if response.stage in {"connect", "send"} else None)
            raise _TaskReturnedError
        return parse_failure(response)

    def _lock_out(self, problem: Problem) -> None:
        """Every thread waits. Raises _TaskReturnedError if that would take too long, or has not helped."""
        service, settings = self._service, self._settings
        service.connections.turned_away(problem.sent_at)
        seconds = settings.stability_lock_seconds if problem.wait_seconds is None else problem.wait_seconds
        if seconds > settings.stability_longest_lock_seconds:
            service.breaker.trip(problem.reason, seconds)
        elif service.rate_limiter.lock_out(seconds, problem.sent_at) >= _MAX_LOCK_OUTS_IN_A_ROW:
            service.breaker.trip(problem.reason)
        else:
            return
        self._end(service.breaker.open_reason or problem.reason, for_good=False)
        raise _TaskReturnedError

    def _nap(self, seconds: float) -> None:
        """Raises _TaskReturnedError if the job ends meanwhile."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._cancelled():
                raise _TaskReturnedError
            time.sleep(min(left, _TICK_SECONDS))

    def _refuse(self, task: Task, problem: Problem, reservation: Reservation) -> Refused:
        breaker, reason = self._service.breaker, problem.reason
        if problem.kind == "refused":
            breaker.success()  # it rejects this image, but it works
        else:
            breaker.fault(reason)
            if opened := breaker.open_reason:
                self._end(opened, for_good=False)
        if problem.charged is None:
            reason += f" ({reservation.credits:g} credits may have been charged)"
        elif problem.charged:
            reason += f" ({reservation.credits:g} credits were charged)"
        return Refused(task, reason, credits=reservation.credits if problem.charged else 0.0)
