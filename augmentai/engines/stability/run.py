"""One job's way through the hosted API: tasks in, requests in flight, results out as they finish.

Each task taken has a thread of its own. It prepares the picture, waits for one of the few wires, sends, and reads the
answer, so that pictures are prepared and unpacked while the wires wait for the service. Threads are daemons: a request
that hangs holds up neither the job's end nor the program's.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from augmentai.engines.base import EngineUnavailableError, JobView, Made, Refused, Task
from augmentai.engines.prompts import negative_prompt_for, prompt_for
from augmentai.engines.stability.budget import Budget, CapReachedError, Hold, LedgerError
from augmentai.engines.stability.client import Answer, Broken, Client
from augmentai.engines.stability.connection import Call
from augmentai.engines.stability.endpoints import Endpoint, FieldError, Plan
from augmentai.engines.stability.prepare import AnswerError, Prepared, prepare, restore
from augmentai.engines.stability.rate_limit import jittered
from augmentai.engines.stability.responses import Picture, Problem, understand, understand_broken

if TYPE_CHECKING:
    from augmentai.engines.stability.engine import StabilityEngine
    from augmentai.images import Photo

BEST_STRENGTH = 0.35  # for "auto": a careful choice, not measured: every try costs credits
_TICK_SECONDS = 0.2
_AFTER_STOP_SECONDS = 15.0  # what is in flight is paid for and nearly done; longer than this nobody waits for it
_LOCKS_IN_A_ROW = 4  # lock-outs without a success between, after which the service is left alone for a while


@dataclass(frozen=True)
class _Out:
    """The engine cannot go on."""

    reason: str
    for_good: bool
    fall_back: bool = True


class _Dropped(Exception):  # noqa: N818 (it is no error)
    """The task was not begun, or not finished: it goes back to the router."""


class _Source:
    """A picture prepared once for all its variations."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._prepared: Prepared | None = None

    def prepared(self, photo: Photo, endpoint: Endpoint) -> Prepared:
        with self._lock:
            if self._prepared is None:
                self._prepared = prepare(photo.flattened(), endpoint)
            return self._prepared


class Run:
    """Made for one call of `StabilityEngine.make`."""

    def __init__(self, engine: StabilityEngine, client: Client, plan: Plan, budget: Budget, job: JobView) -> None:
        self._engine, self._client, self._plan, self._budget, self._job = engine, client, plan, budget, job
        self._settings = engine.settings
        self._done: queue.SimpleQueue[tuple[Task, Made | Refused | None]] = queue.SimpleQueue()
        self._hand: dict[int, Task] = {}  # taken and not yielded, in the order taken
        self._at_work = 0
        self._closed = threading.Event()
        self._out: _Out | None = None
        self._calls: set[Call] = set()
        self._lock = threading.Lock()
        self._sources: WeakValueDictionary[str, _Source] = WeakValueDictionary()

    def results(self, tasks: Iterator[Task]) -> Iterator[Made | Refused]:
        """As they finish. Raises EngineUnavailableError once what is in flight has ended."""
        dropped: set[int] = set()
        stopped_at = 0.0
        more = True
        while True:
            more = more and self._fill(tasks)
            if len(dropped) == len(self._hand):
                break
            self._break_off_overdue()
            try:
                task, result = self._done.get(timeout=_TICK_SECONDS)
            except queue.Empty:
                if self._job.stop.is_set():
                    stopped_at = stopped_at or time.monotonic()
                    if time.monotonic() - stopped_at > _AFTER_STOP_SECONDS:
                        return
                continue
            self._at_work -= 1
            if result is None:
                dropped.add(id(task))
                continue
            del self._hand[id(task)]
            yield result
        if self._out is not None and not self._job.stop.is_set():
            out = self._out
            raise EngineUnavailableError(
                out.reason, tuple(self._hand.values()), for_good=out.for_good, fall_back=out.fall_back
            )

    def close(self) -> None:
        """Begin nothing more and hang up: nobody waits for the answers."""
        self._closed.set()
        with self._lock:
            calls = list(self._calls)
        for call in calls:
            call.break_off("stopped")

    def _fill(self, tasks: Iterator[Task]) -> bool:
        """Take tasks while there is room. False once there are no more."""
        wires = self._settings.stability_concurrency
        while not self._given_up():
            room = 1 if self._engine.breaker.on_trial else 2 * wires
            if len(self._hand) >= room:
                return True
            if self._at_work >= wires and not self._done.empty():
                return True  # results first; the wires have enough to do
            task = next(tasks, None)
            if task is None:
                return False
            self._hand[id(task)] = task
            self._at_work += 1
            source = self._sources.setdefault(task.source.sha256, _Source())
            try:
                threading.Thread(target=self._work, args=(task, source), name="stability", daemon=True).start()
            except RuntimeError:  # the system gives no more threads
                self._done.put((task, Refused(task, "the hosted engine could not start a thread for this picture")))
        return True

    def _given_up(self) -> bool:
        return self._out is not None or self._closed.is_set() or self._job.stop.is_set()

    def _break_off_overdue(self) -> None:
        now = time.monotonic()
        with self._lock:
            overdue = [call for call in self._calls if now > call.deadline]
        for call in overdue:
            call.break_off("deadline")

    def _go_out(self, reason: str, for_good: bool, fall_back: bool = True) -> None:
        with self._lock:
            self._out = self._out or _Out(reason, for_good, fall_back)

    # Below: in the task's own thread.

    def _work(self, task: Task, source: _Source) -> None:
        result: Made | Refused | None = None
        try:
            result = self._make(task, source)
        except _Dropped:
            pass
        except FieldError as error:
            result = Refused(task, str(error))
        except MemoryError:
            result = Refused(task, "not enough memory to prepare this picture for the hosted API")
        except Exception as error:  # a thread that dies in silence would hold up the job for ever
            result = Refused(task, f"the hosted engine failed on this picture ({type(error).__name__})")
        finally:
            self._done.put((task, result))

    def _make(self, task: Task, source: _Source) -> Made | Refused:
        if task.recipe.strength == 0:
            return self._source_itself(task)
        if self._given_up():
            raise _Dropped
        prepared = source.prepared(task.photo, self._plan.endpoint)
        form, prompt = self._form(task)
        while not self._engine.wires.acquire(timeout=_TICK_SECONDS):
            if self._given_up():
                raise _Dropped
        begun = time.perf_counter()
        try:
            got, hold, uncertain = self._send(prepared, form)
        finally:
            self._engine.wires.release()
        if isinstance(got, Problem):
            return self._refuse(task, got, hold)
        try:
            image, detailed = restore(got.data, prepared, task.photo.flattened())
        except (AnswerError, MemoryError) as error:
            words = str(error) or "a picture that is too large for the memory"
            return self._refuse(task, Problem("fault", f"the hosted API answered 200 with {words}", charged=True), hold)
        self._engine.breaker.success()
        details: dict[str, Any] = {"endpoint": self._plan.endpoint.path.partition("stable-image/")[2]}
        details |= {"credits": hold.credits, "service_seed": got.seed}
        if detailed:
            details["fine_detail"] = "of the source"
        if uncertain:
            details["credits_perhaps_besides"] = uncertain
        if "negative_prompt" in form:
            details["negative_prompt"] = form["negative_prompt"]
        seconds = time.perf_counter() - begun
        return Made(
            task, "stability", image, self._plan.model, seconds, prompt, details=details, strength=BEST_STRENGTH
        )

    def _source_itself(self, task: Task) -> Made:
        note = "strength 0 is the source itself; nothing was sent"
        details = {"endpoint": "none", "credits": 0.0, "note": note}
        image = task.photo.flattened().copy()
        return Made(task, "stability", image, self._plan.model, 0.0, repainted=False, details=details)

    def _form(self, task: Task) -> tuple[dict[str, str], str]:
        """The fields of the request, and the prompt among them. Raises FieldError."""
        recipe, endpoint = task.recipe, self._plan.endpoint
        prompt = prompt_for(recipe.prompt, task.source.label, task.index)
        wanted: dict[str, object] = {
            "prompt": prompt,
            "negative_prompt": negative_prompt_for(recipe.negative_prompt, task.source.label),
            "seed": task.seed,
            "output_format": "png",
        }
        return endpoint.form(
            wanted | endpoint.strength(recipe.strength_or(BEST_STRENGTH)) | dict(self._plan.extra)
        ), prompt

    def _send(self, prepared: Prepared, form: dict[str, str]) -> tuple[Picture | Problem, Hold, float]:
        """A picture, or a problem of this image alone, and its hold, settled.

        With it the credits that an earlier try of the same may have been charged. Raises _Dropped.
        """
        retried, uncertain = False, 0.0
        while True:
            hold = self._set_aside()
            if not self._engine.pace.wait_turn(self._given_up):
                hold.settle(False)
                raise _Dropped
            if reason := self._engine.breaker.open_reason:  # another job has found out meanwhile
                hold.settle(False)
                self._go_out(reason, for_good=False)
                raise _Dropped
            got = self._post(prepared, form, hold)
            hold.settle(got.charged)
            if isinstance(got, Picture) or got.kind in {"refused", "fault"}:
                self._engine.pace.success()
                return got, hold, uncertain
            if got.kind == "passing" and retried:
                return got, hold, uncertain
            if got.kind == "passing":
                retried = True
                uncertain += hold.credits if got.charged is None else 0.0
                self._nap(jittered(self._settings.stability_retry_seconds))
            elif got.kind == "locked":
                self._lock_out(got)
            else:
                if got.kind == "down":
                    self._engine.breaker.trip(got.reason)
                self._go_out(got.reason, for_good=got.kind == "out")
                raise _Dropped

    def _set_aside(self) -> Hold:
        try:
            hold = self._budget.hold(self._plan.credits, self._given_up)
        except CapReachedError as error:
            self._go_out(str(error), for_good=True, fall_back=self._settings.stability_on_cap == "fallback")
        except LedgerError as error:
            self._go_out(str(error), for_good=True)
        else:
            if hold is not None:
                return hold
        raise _Dropped

    def _post(self, prepared: Prepared, form: dict[str, str], hold: Hold) -> Picture | Problem:
        mine: list[Call] = []

        def watch(call: Call) -> None:
            with self._lock:
                mine.append(call)
                self._calls.add(call)
            if self._closed.is_set():
                call.break_off("stopped")

        got: Answer | Broken | None = None
        try:
            got = self._client.post(self._plan.endpoint.path, form, prepared.data, prepared.media_type, watch)
        finally:
            if got is None:  # an error that nobody has thought of
                hold.settle(None)
            with self._lock:
                self._calls.difference_update(mine)
        if not isinstance(got, Broken):
            return understand(got, self._client.key)
        if got.why == "stopped":
            hold.settle(False if got.stage in {"connect", "send"} else None)
            raise _Dropped
        return understand_broken(got)

    def _lock_out(self, problem: Problem) -> None:
        """Everybody waits. Raises _Dropped where that would take too long, or has been of no use."""
        engine, settings = self._engine, self._settings
        seconds = settings.stability_lock_seconds if problem.wait_seconds is None else problem.wait_seconds
        if seconds > settings.stability_longest_lock_seconds:
            engine.breaker.trip(problem.reason, seconds)
        elif engine.pace.lock_out(seconds, problem.sent_at) >= _LOCKS_IN_A_ROW:
            engine.breaker.trip(problem.reason)
        else:
            return
        self._go_out(engine.breaker.open_reason or problem.reason, for_good=False)
        raise _Dropped

    def _nap(self, seconds: float) -> None:
        """Raises _Dropped where the job ends meanwhile."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._given_up():
                raise _Dropped
            time.sleep(min(left, _TICK_SECONDS))

    def _refuse(self, task: Task, problem: Problem, hold: Hold) -> Refused:
        breaker, reason = self._engine.breaker, problem.reason
        if problem.kind == "refused":
            breaker.success()  # of this image it will hear no more, but it works
        else:
            breaker.fault(reason)
            if opened := breaker.open_reason:
                self._go_out(opened, for_good=False)
        if problem.charged is None:
            reason += f" ({hold.credits:g} credits may have been charged)"
        elif problem.charged:
            reason += f" ({hold.credits:g} credits were charged)"
        return Refused(task, reason, credits=hold.credits if problem.charged else 0.0)
