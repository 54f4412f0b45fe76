"""One job on a hosted provider: tasks in, requests in flight, results out as they finish."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from queue import Empty, SimpleQueue

from augmentai.engines.base import EngineUnavailableError, JobView, Made, Refused, Task
from augmentai.engines.budget import Reservation
from augmentai.engines.canvas import AnswerError, Prepared, prepare, restore
from augmentai.engines.circuit_breaker import CircuitBreaker
from augmentai.engines.concurrency import AdaptiveConcurrency
from augmentai.engines.huggingface.edit import Edit, Edited, Problem, edit
from augmentai.engines.huggingface.shift import MOST_SHIFT, measured_shift
from augmentai.engines.paid import PaidEngine
from augmentai.engines.prompts import prompt_of
from augmentai.engines.stability.endpoints import Endpoint

_TICK_SECONDS = 0.2
_AFTER_STOP_SECONDS = 15.0  # what is in flight is paid for and nearly done; nobody waits for it longer than this
_MAX_LOCK_OUTS = 4  # of one request; then the provider is left alone for a while
# The canvas of an edit: a megapixel, with sides that editors do not round.
CANVAS = Endpoint("image-to-image", "", {}, {}, "", max_aspect=4.0, canvas_pixels=1_048_576)


class _TaskReturnedError(Exception):
    """The task was not begun, or not finished: it goes back to the router."""


class Run:
    """The requests of one call of the engine. Each task has a thread; threads are daemons.

    Args:
        engine: whose requests they are.
        places: how many may be in flight.
        breaker: whether the provider works.
        job: what they are for.
    """

    def __init__(self, engine: PaidEngine, places: AdaptiveConcurrency, breaker: CircuitBreaker, job: JobView) -> None:
        self._engine, self._places, self._breaker, self._job = engine, places, breaker, job
        self._settings = engine.settings
        self._finished: SimpleQueue[tuple[Task, Made | Refused | None]] = SimpleQueue()
        self._unanswered: dict[int, Task] = {}  # in the order taken
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._outage: EngineUnavailableError | None = None

    def results(self, tasks: Iterator[Task]) -> Iterator[Made | Refused]:
        """Results as they finish. Raises EngineUnavailableError once what is in flight has ended."""
        returned: set[int] = set()
        stopped_at, more = 0.0, True
        while True:
            more = more and self._fill(tasks)
            if len(returned) == len(self._unanswered):
                break
            try:
                task, result = self._finished.get(timeout=_TICK_SECONDS)
            except Empty:
                if self._job.stop.is_set():
                    stopped_at = stopped_at or time.monotonic()
                    if time.monotonic() - stopped_at > _AFTER_STOP_SECONDS:
                        return
                continue
            if result is None:
                returned.add(id(task))
                continue
            del self._unanswered[id(task)]
            yield result
        if self._outage is not None and not self._job.stop.is_set():
            out, left = self._outage, tuple(self._unanswered.values())
            raise EngineUnavailableError(out.reason, left, out.for_good, out.fall_back)

    def close(self) -> None:
        """Begin nothing more: nobody waits for the answers."""
        self._closed.set()

    def _fill(self, tasks: Iterator[Task]) -> bool:
        """Take tasks while there is room. False once there are no more."""
        while not self._cancelled():
            if len(self._unanswered) >= (1 if self._breaker.on_trial else self._places.limit):
                return True
            task = next(tasks, None)
            if task is None:
                return False
            self._unanswered[id(task)] = task
            try:
                threading.Thread(target=self._work, args=(task,), name=self._engine.name, daemon=True).start()
            except RuntimeError:  # the system allows no more threads
                self._finished.put((task, Refused(task, "the hosted engine could not start a thread for this image")))
        return True

    def _cancelled(self) -> bool:
        return self._outage is not None or self._closed.is_set() or self._job.stop.is_set()

    def _end(self, outage: EngineUnavailableError) -> None:
        """Take nothing more; the first reason counts."""
        with self._lock:
            self._outage = self._outage or outage

    # Below: in the task's own thread.

    def _work(self, task: Task) -> None:
        result: Made | Refused | None = None
        try:
            result = self._answer(task)
        except _TaskReturnedError:
            pass
        except EngineUnavailableError as error:  # a limit is reached, or credits cannot be counted
            self._end(error)
        except MemoryError:
            result = Refused(task, "not enough memory to prepare this image for the provider")
        except Exception as error:  # a thread that dies silently would block the job forever
            result = Refused(task, f"the hosted engine failed on this image ({type(error).__name__})")
        finally:
            self._finished.put((task, result))

    def _answer(self, task: Task) -> Made | Refused:
        source = task.photo.flattened()
        if task.recipe.strength == 0:
            details = {"credits": 0.0, "note": "strength 0 is the source itself; nothing was sent"}
            return self._engine.made(task, source.copy(), repainted=False, details=details)
        if reason := _unguarded(task):
            return Refused(task, reason)
        found = self._engine.bought(task, self._job)
        if found is None and self._cancelled():
            raise _TaskReturnedError
        prepared, prompt, begun = prepare(source, CANVAS), prompt_of(task), time.perf_counter()
        if found is not None:  # paid for already, so also after a stop, or once a limit is reached
            data, reservation = found[0].data, found[1]
        else:
            bought, reservation = self._buy(task, prepared, prompt.text)
            if isinstance(bought, Problem):
                return self._refuse(task, bought, reservation)
            data = bought.data
        try:
            image, detailed = restore(data, prepared, source)
        except AnswerError as error:
            reservation.discard(self._engine.model_version())
            problem = Problem("fault", f"the provider answered with {error}", charged=True)
            return self._refuse(task, problem, reservation)
        self._breaker.success()
        if (shift := measured_shift(source, image)) > MOST_SHIFT:
            moved = (
                f"the editor moved or zoomed the image by {shift:.1%} of a side; at most {MOST_SHIFT:.0%} is allowed"
            )
            return self._refuse(task, Problem("refused", moved, charged=True), reservation)
        details = {"credits": reservation.credits, "shift": shift, **prompt.as_details()}
        details |= {"fine_detail": "of the source"} if detailed else {}
        seconds = time.perf_counter() - begun
        return self._engine.made(task, image, seconds=seconds, prompt=prompt.text, details=details, strength=1.0)

    def _buy(self, task: Task, prepared: Prepared, prompt: str) -> tuple[Edited | Problem, Reservation]:
        """Ask for an image, with one retry if it was not charged and may work. Raises _TaskReturnedError."""
        wanted = Edit(prepared.data, prompt, prepared.sent_wh, task.seed)
        retried, lock_outs = False, 0
        while True:
            answer, reservation = self._asked(task, wanted)
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
                self._end(EngineUnavailableError(answer.reason, for_good=True))
                raise _TaskReturnedError
            else:
                return answer, reservation

    def _asked(self, task: Task, wanted: Edit) -> tuple[Edited | Problem, Reservation]:
        while not self._places.acquire(timeout=_TICK_SECONDS):
            if self._cancelled():
                raise _TaskReturnedError
        try:
            reservation = self._engine.reserve(task, self._job)
            if reservation is None:
                raise _TaskReturnedError
            sent_at, answer = time.monotonic(), None
            try:
                answer = edit(self._settings, wanted, self._closed.is_set)
                if isinstance(answer, Edited):
                    reservation.store(self._engine.model_version(), answer.data)
            finally:
                reservation.settle(None if answer is None else answer.charged)
            if answer is None:
                raise _TaskReturnedError
            if isinstance(answer, Problem) and answer.kind == "locked":
                self._places.turned_away(sent_at)
            return answer, reservation
        finally:
            self._places.release()

    def _wait_out(self, problem: Problem, lock_outs: int) -> None:
        """Wait as long as the provider asks for. Raises _TaskReturnedError if that is too long, or has not helped."""
        seconds = self._settings.huggingface_wait_seconds if problem.wait_seconds is None else problem.wait_seconds
        if seconds <= self._settings.huggingface_total_seconds and lock_outs < _MAX_LOCK_OUTS:
            return self._nap(seconds)
        self._breaker.trip(problem.reason, seconds)
        self._end(EngineUnavailableError(self._breaker.open_reason or problem.reason))
        raise _TaskReturnedError

    def _nap(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._cancelled():
                raise _TaskReturnedError
            time.sleep(min(left, _TICK_SECONDS))

    def _refuse(self, task: Task, problem: Problem, reservation: Reservation) -> Refused:
        breaker, reason = self._breaker, problem.reason
        if problem.kind == "refused":
            breaker.success()  # it rejects this image, but it works
        else:
            breaker.fault(reason)
            if opened := breaker.open_reason:
                self._end(EngineUnavailableError(opened))
        if problem.charged is None:
            reason += f" ({reservation.credits:g} credits may have been charged)"
        elif problem.charged:
            reason += f" ({reservation.credits:g} credits were charged)"
        return Refused(task, reason, credits=reservation.credits if problem.charged else 0.0)


def _unguarded(task: Task) -> str:
    """Why a labelled image is not sent: nothing would notice that an object has moved; "" if something would."""
    labels, recipe = task.labels, task.recipe
    if labels is None or not (labels.shapes or labels.masks) or task.region is not None:
        return ""
    if labels.shapes and recipe.filters and recipe.drift == "reject":
        return ""
    needs = "--repaint background" if labels.masks else "--repaint background, or the filters with --drift reject"
    return f"an instruction editor may move what is labelled; labelled images need {needs}"
