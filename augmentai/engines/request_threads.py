"""Requests of a hosted engine: each task has a thread, tasks in, results out as they finish.

A thread prepares its image, waits for its turn, asks, and reads the answer, so that images are prepared and unpacked
while others wait for the service. Threads are daemons: a request that hangs delays neither the end of the job nor that
of the program.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from augmentai.engines.base import EngineUnavailableError, JobView, Made, Refused, Task
from augmentai.engines.circuit_breaker import CircuitBreaker
from augmentai.engines.concurrency import AdaptiveConcurrency

TICK_SECONDS = 0.2
AFTER_STOP_SECONDS = 15.0  # what is in flight is paid for and nearly done; nobody waits for it longer than this


@dataclass(frozen=True)
class Problem:
    """Why a request has no image.

    Attributes:
        kind: "refused" (this image), "fault" (the service does not work as it should), "transient" (a fault worth one
            retry), "down" (a fault that the next request would meet too), "locked" (too many requests) or "out" (no
            more for this job).
        reason: why, in words for the user.
        charged: None if that cannot be known.
        wait_seconds: of a "locked" one, if the service says.
        sent_at: of a "locked" one, when its request went out (monotonic).
    """

    kind: str
    reason: str
    charged: bool | None = False
    wait_seconds: float | None = None
    sent_at: float = 0.0


class TaskReturnedError(Exception):
    """The task was not begun, or not finished: it goes back to the router."""


class RequestThreads:
    """The requests of one call of `Engine.make`.

    Args:
        name: of the engine.
        places: how many requests may be in flight.
        breaker: whether the service works.
        job: what they are for.
        ahead: so many times the number of places are prepared at once.
    """

    def __init__(
        self, name: str, places: AdaptiveConcurrency, breaker: CircuitBreaker, job: JobView, ahead: int = 1
    ) -> None:
        self._name, self._places, self._breaker, self._job, self._ahead = name, places, breaker, job, ahead
        self._finished: queue.SimpleQueue[tuple[Task, Made | Refused | None]] = queue.SimpleQueue()
        self._unanswered: dict[int, Task] = {}  # in the order taken
        self._working = 0
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
            self.look_after()
            try:
                task, result = self._finished.get(timeout=TICK_SECONDS)
            except queue.Empty:
                if self._job.stop.is_set():
                    stopped_at = stopped_at or time.monotonic()
                    if time.monotonic() - stopped_at > AFTER_STOP_SECONDS:
                        return
                continue
            self._working -= 1
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
            places = self._places.limit
            if len(self._unanswered) >= (1 if self._breaker.on_trial else self._ahead * places):
                return True
            if self._working >= places and not self._finished.empty():
                return True  # results first; enough is being worked on
            if self._working and not self._job.memory.has_room_beside(one.photo for one in self._unanswered.values()):
                return True
            task = next(tasks, None)
            if task is None:
                return False
            self._unanswered[id(task)] = task
            self._working += 1
            try:
                threading.Thread(target=self._work, args=(task,), name=self._name, daemon=True).start()
            except RuntimeError:  # the system allows no more threads
                self._finished.put((task, Refused(task, "the hosted engine could not start a thread for this image")))
        return True

    def _cancelled(self) -> bool:
        return self._outage is not None or self._closed.is_set() or self._job.stop.is_set()

    def look_after(self) -> None:
        """Called now and then while requests are in flight."""

    # Below: in the task's own thread.

    def answer(self, task: Task) -> Made | Refused:
        """Ask for the image of one task.

        Raises:
            TaskReturnedError: it was not begun, or not finished.
            EngineUnavailableError: the same, and nothing more is to be begun.
        """
        raise NotImplementedError

    def _work(self, task: Task) -> None:
        result: Made | Refused | None = None
        try:
            result = self.answer(task)
        except TaskReturnedError:
            pass
        except EngineUnavailableError as error:
            self._end(error)
        except MemoryError:
            result = Refused(task, "not enough memory to prepare this image for the hosted engine")
        except Exception as error:  # a thread that dies silently would block the job forever
            result = Refused(task, f"the hosted engine failed on this image ({type(error).__name__})")
        finally:
            self._finished.put((task, result))

    def _end(self, outage: EngineUnavailableError) -> None:
        """Take nothing more; the first reason counts."""
        with self._lock:
            self._outage = self._outage or outage

    def _place(self) -> None:
        """Wait for a place, which has to be released. Raises TaskReturnedError if the job ends meanwhile."""
        while not self._places.acquire(timeout=TICK_SECONDS):
            if self._cancelled():
                raise TaskReturnedError

    def _nap(self, seconds: float) -> None:
        """Raises TaskReturnedError if the job ends meanwhile."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._cancelled():
                raise TaskReturnedError
            time.sleep(min(left, TICK_SECONDS))

    def _refuse(self, task: Task, problem: Problem, credits: float) -> Refused:
        """An image that could not be had, and what that says of the service.

        Args:
            task: of the image.
            problem: what happened.
            credits: its price.
        """
        breaker, reason = self._breaker, problem.reason
        if problem.kind == "refused":
            breaker.success()  # it rejects this image, but it works
        else:
            breaker.fault(reason)
            if opened := breaker.open_reason:
                self._end(EngineUnavailableError(opened))
        if problem.charged is None:
            reason += f" ({credits:g} credits may have been charged)"
        elif problem.charged:
            reason += f" ({credits:g} credits were charged)"
        return Refused(task, reason, credits=credits if problem.charged else 0.0)
