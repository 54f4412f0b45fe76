"""One job on the hosted API: what each thread of `RequestThreads` does for its task."""

from __future__ import annotations

import time
from weakref import WeakValueDictionary

from augmentai.dataset.paid_answers import Item
from augmentai.engines.base import EngineUnavailableError, JobView, Made, Refused, Task
from augmentai.engines.budget import Budget, CapReachedError, Reservation
from augmentai.engines.canvas import AnswerError, restore
from augmentai.engines.circuit_breaker import jittered
from augmentai.engines.ledger import LedgerError
from augmentai.engines.paid import item_of, largest_answer_bytes
from augmentai.engines.request_threads import Problem, RequestThreads, TaskReturnedError
from augmentai.engines.stability.client import RequestFailure, Response
from augmentai.engines.stability.connection import Call
from augmentai.engines.stability.endpoints import FieldError, RequestPlan
from augmentai.engines.stability.generation import Generation, fetch, generation_in
from augmentai.engines.stability.request import AUTO_STRENGTH, Files, Requests, SharedSource, UnsuitedError
from augmentai.engines.stability.responses import Success, parse_failure, parse_response
from augmentai.engines.stability.service import Service

ENGINE = "stability"
_MAX_LOCK_OUTS_IN_A_ROW = 4  # without a success in between; then the circuit breaker opens


class Run(RequestThreads):
    """The requests of one call of `StabilityEngine.make`.

    Args:
        service: the account.
        plan: what is asked for.
        budget: the run's credits.
        job: what they are for.

    Raises:
        KeyFormatError: the key cannot be sent.
    """

    def __init__(self, service: Service, plan: RequestPlan, budget: Budget, job: JobView) -> None:
        super().__init__(ENGINE, service.connections, service.breaker, job, ahead=2)
        self._service, self._plan, self._budget = service, plan, budget
        self._client = service.client()
        self._requests = Requests(plan, job)
        self._settings = service.settings
        self._calls: set[Call] = set()
        self._sources: WeakValueDictionary[str, SharedSource] = WeakValueDictionary()

    def close(self) -> None:
        """Begin nothing more and hang up: nobody waits for the responses."""
        super().close()
        with self._lock:
            calls = list(self._calls)
        for call in calls:
            call.abort("stopped")

    def look_after(self) -> None:
        """Abort what is overdue."""
        now = time.monotonic()
        with self._lock:
            overdue = [call for call in self._calls if now > call.deadline]
        for call in overdue:
            call.abort("deadline")

    # Below: in the task's own thread.

    def answer(self, task: Task) -> Made | Refused:
        """See `RequestThreads.answer`."""
        try:
            return self._make(task)
        except (FieldError, UnsuitedError) as error:
            return Refused(task, str(error))

    def _make(self, task: Task) -> Made | Refused:
        if task.recipe.strength == 0:
            return self._source_itself(task)
        found = self._budget.find(item_of(ENGINE, task), self._plan.model)
        if found is None and self._cancelled():
            raise TaskReturnedError
        with self._lock:
            source = self._sources.setdefault(task.source.sha256, SharedSource())
        files = self._requests.prepare(task, source)
        form, prompt = self._requests.form(task)
        begun = time.perf_counter()
        answer: Success | Problem
        if found is not None:  # paid for already, so also after a stop, or once a limit is reached
            (stored, reservation), uncertain, answer = found, 0.0, Success(found[0].data, found[0].note)
            if stored.pending:
                answer = self._fetched(stored.data.decode("ascii", "replace"), reservation)
        else:
            begun, (answer, reservation, uncertain) = self._connected(task, files, form)
        if isinstance(answer, Problem):
            return self._refuse(task, answer, reservation.credits)
        try:
            image, detailed = restore(answer.data, files.image, task.photo.flattened())
        except (AnswerError, MemoryError) as error:
            if isinstance(error, AnswerError):
                reservation.discard(self._plan.model)
            words = str(error) or "an image that is too large for the memory"
            problem = Problem("fault", f"the hosted API answered 200 with {words}", charged=True)
            return self._refuse(task, problem, reservation.credits)
        self._service.breaker.success()
        details = self._requests.details(files, form, prompt) | {"credits": reservation.credits}
        details |= {"service_seed": answer.seed} | ({"fine_detail": "of the source"} if detailed else {})
        details |= {"credits_perhaps_besides": uncertain} if uncertain else {}
        made_by = self._plan.model, time.perf_counter() - begun, prompt.text
        return Made(task, ENGINE, image, *made_by, details=details, strength=AUTO_STRENGTH)

    def _connected(
        self, task: Task, files: Files, form: dict[str, str]
    ) -> tuple[float, tuple[Success | Problem, Reservation, float]]:
        """Wait for a connection, then send: when that began, and what `_send` returns. Raises TaskReturnedError."""
        self._place()
        try:
            return time.perf_counter(), self._send(task, files, form)
        finally:
            self._service.connections.release()

    def _source_itself(self, task: Task) -> Made:
        note = "strength 0 is the source itself; nothing was sent"
        details = {"endpoint": "none", "credits": 0.0, "note": note}
        image = task.photo.flattened().copy()
        return Made(task, ENGINE, image, self._plan.model, 0.0, repainted=False, details=details)

    def _send(self, task: Task, files: Files, form: dict[str, str]) -> tuple[Success | Problem, Reservation, float]:
        """Send a request, with one retry if it was not charged and may work.

        Returns:
            An image, or a problem of this image alone; its settled reservation; and the credits that an earlier attempt
            may have been charged.

        Raises:
            TaskReturnedError: the engine cannot continue, or the job ends.
        """
        item = item_of(ENGINE, task)
        retried, uncertain = False, 0.0
        while True:
            reservation = self._reserve(item, files)
            if not self._service.rate_limiter.wait_turn(self._cancelled):
                reservation.settle(False)
                raise TaskReturnedError
            if reason := self._service.breaker.open_reason:  # another job has found out meanwhile
                reservation.settle(False)
                self._end(EngineUnavailableError(reason))
                raise TaskReturnedError
            answer = self._post(files, form, reservation)
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
                self._end(EngineUnavailableError(answer.reason, for_good=answer.kind == "out"))
                raise TaskReturnedError

    def _fetched(self, number: str, reservation: Reservation) -> Success | Problem:
        """The image of a generation that is paid for. Raises TaskReturnedError if nobody waits for it any more."""
        answer = fetch(self._client, number, self._settings.stability_poll_seconds, self._closed.is_set)
        if answer is None:
            raise TaskReturnedError
        if isinstance(answer, Success):
            reservation.store(self._plan.model, answer.data, answer.seed)
        else:
            reservation.discard(self._plan.model)
        return answer

    def _reserve(self, item: Item, files: Files) -> Reservation:
        room_bytes = largest_answer_bytes(files.image.sent_wh)
        try:
            reservation = self._budget.reserve(self._plan.credits, self._cancelled, item, room_bytes)
        except CapReachedError as error:
            fall_back = self._settings.credits_on_cap == "fallback"
            self._end(EngineUnavailableError(str(error), for_good=True, fall_back=fall_back))
        except LedgerError as error:
            self._end(EngineUnavailableError(str(error), for_good=True))
        else:
            if reservation is not None:
                return reservation
        raise TaskReturnedError

    def _post(self, files: Files, form: dict[str, str], reservation: Reservation) -> Success | Problem | Generation:
        calls: list[Call] = []

        def register(call: Call) -> None:
            with self._lock:
                calls.append(call)
                self._calls.add(call)
            if self._closed.is_set():
                call.abort("stopped")

        response: Response | RequestFailure | None = None
        try:
            image, field = files.image, self._plan.endpoint.image_field
            sent = image.data, image.media_type, register, files.others, field
            response = self._client.post(self._plan.endpoint.path, form, *sent)
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
            raise TaskReturnedError
        return parse_failure(response)

    def _lock_out(self, problem: Problem) -> None:
        """Every thread waits. Raises TaskReturnedError if that would take too long, or has not helped."""
        service, settings = self._service, self._settings
        service.connections.turned_away(problem.sent_at)
        seconds = settings.stability_lock_seconds if problem.wait_seconds is None else problem.wait_seconds
        if seconds > settings.stability_longest_lock_seconds:
            service.breaker.trip(problem.reason, seconds)
        elif service.rate_limiter.lock_out(seconds, problem.sent_at) >= _MAX_LOCK_OUTS_IN_A_ROW:
            service.breaker.trip(problem.reason)
        else:
            return
        self._end(EngineUnavailableError(service.breaker.open_reason or problem.reason))
        raise TaskReturnedError
