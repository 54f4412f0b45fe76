"""One job on a hosted provider: what each thread of `RequestThreads` does for its task."""

from __future__ import annotations

import time

from augmentai.engines.base import EngineUnavailableError, JobView, Made, Refused, Task
from augmentai.engines.budget import Reservation
from augmentai.engines.canvas import AnswerError, Canvas, Prepared, prepare, restore
from augmentai.engines.circuit_breaker import CircuitBreaker
from augmentai.engines.concurrency import AdaptiveConcurrency
from augmentai.engines.editing import MOST_SHIFT, has_moved, measured_shift, why_not_edited
from augmentai.engines.huggingface.edit import Edit, Edited, edit
from augmentai.engines.paid import PaidEngine, largest_answer_bytes
from augmentai.engines.prompts import prompt_of
from augmentai.engines.request_threads import Problem, RequestThreads, TaskReturnedError

_MAX_LOCK_OUTS = 4  # of one request; then the provider is left alone for a while
CANVAS = Canvas(max_aspect=4.0, pixels=1_048_576)  # a megapixel, with sides that editors do not round


class Run(RequestThreads):
    """The requests of one call of the engine.

    Args:
        engine: whose requests they are.
        places: how many may be in flight.
        breaker: whether the provider works.
        job: what they are for.
    """

    def __init__(self, engine: PaidEngine, places: AdaptiveConcurrency, breaker: CircuitBreaker, job: JobView) -> None:
        super().__init__(engine.name, places, breaker, job)
        self._engine, self._settings = engine, engine.settings

    # Below: in the task's own thread.

    def answer(self, task: Task) -> Made | Refused:
        """See `RequestThreads.answer`."""
        source = task.photo.flattened()
        if task.recipe.strength == 0:
            details = {"credits": 0.0, "note": "strength 0 is the source itself; nothing was sent"}
            return self._engine.made(task, source.copy(), repainted=False, details=details)
        if reason := why_not_edited(task):
            return Refused(task, reason)
        found = self._engine.bought(task, self._job)
        if found is None and self._cancelled():
            raise TaskReturnedError
        prepared, prompt, begun = prepare(source, CANVAS), prompt_of(task), time.perf_counter()
        if found is not None:  # paid for already, so also after a stop, or once a limit is reached
            data, reservation = found[0].data, found[1]
        else:
            bought, reservation = self._buy(task, prepared, prompt.text)
            if isinstance(bought, Problem):
                return self._refuse(task, bought, reservation.credits)
            data = bought.data
        try:
            image, detailed = restore(data, prepared, source)
        except AnswerError as error:
            reservation.discard(self._engine.model_version())
            problem = Problem("fault", f"the provider answered with {error}", charged=True)
            return self._refuse(task, problem, reservation.credits)
        self._breaker.success()
        if (shift := measured_shift(source, image)) > MOST_SHIFT:
            return self._refuse(task, Problem("refused", has_moved(shift), charged=True), reservation.credits)
        details = {"credits": reservation.credits, "shift": shift, **prompt.as_details()}
        details |= {"fine_detail": "of the source"} if detailed else {}
        seconds = time.perf_counter() - begun
        return self._engine.made(task, image, seconds=seconds, prompt=prompt.text, details=details, strength=1.0)

    def _buy(self, task: Task, prepared: Prepared, prompt: str) -> tuple[Edited | Problem, Reservation]:
        """Ask for an image, with one retry if it was not charged and may work. Raises TaskReturnedError."""
        wanted = Edit(prepared.data, prompt, prepared.sent_wh, task.seed)
        retried, lock_outs = False, 0
        while True:
            answer, reservation = self._asked(task, wanted, largest_answer_bytes(prepared.sent_wh))
            if isinstance(answer, Edited):
                self._places.success()
                return answer, reservation
            if answer.kind == "transient" and not retried:
                retried = True
                self._nap(self._settings.huggingface_wait_seconds / 10)
            elif answer.kind == "locked":
                lock_outs += 1
                self._wait_out(answer, lock_outs)
            elif answer.kind == "out":
                raise EngineUnavailableError(answer.reason, for_good=True)
            else:
                return answer, reservation

    def _asked(self, task: Task, wanted: Edit, answer_bytes: int) -> tuple[Edited | Problem, Reservation]:
        self._place()
        try:
            reservation = self._engine.reserve(task, self._job, answer_bytes=answer_bytes)
            if reservation is None:
                raise TaskReturnedError
            sent_at, answer = time.monotonic(), None
            try:
                answer = edit(self._settings, wanted, self._closed.is_set)
                if isinstance(answer, Edited):
                    reservation.store(self._engine.model_version(), answer.data)
            finally:
                reservation.settle(None if answer is None else answer.charged)
            if answer is None:
                raise TaskReturnedError
            if isinstance(answer, Problem) and answer.kind == "locked":
                self._places.turned_away(sent_at)
            return answer, reservation
        finally:
            self._places.release()

    def _wait_out(self, problem: Problem, lock_outs: int) -> None:
        """Wait as long as the provider asks for. Raises TaskReturnedError if that is too long, or has not helped."""
        seconds = self._settings.huggingface_wait_seconds if problem.wait_seconds is None else problem.wait_seconds
        if seconds <= self._settings.huggingface_total_seconds and lock_outs < _MAX_LOCK_OUTS:
            return self._nap(seconds)
        self._breaker.trip(problem.reason, seconds)
        raise EngineUnavailableError(self._breaker.open_reason or problem.reason)
