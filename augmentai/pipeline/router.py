"""Decides, image by image, which engine makes it, and reports why those before it did not."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice

from augmentai.engines.base import Engine, EngineUnavailableError, JobView, Made, Refused, Task
from augmentai.recipe import AUTO, Recipe

Results = Generator[Made | Refused, None, None]

_MOST_ASIDE = 8  # tasks that an engine does not get, before it has to end so that they can be answered


@dataclass(frozen=True)
class _Outage:
    """Why an engine gives no more results for now.

    Attributes:
        reason: in words for the user.
        for_good: it need not be asked again during this job.
        fall_back: the next engine may take over.
        in_hand: tasks that a defect took with it; only these go to the next engine.
        defect: it was one, so that no other task goes there.
    """

    reason: str
    for_good: bool
    fall_back: bool = True
    in_hand: tuple[Task, ...] = ()
    defect: bool = False


class Router:
    """The engines of one job in order of preference. A named engine is used alone: no silent switch.

    Attributes:
        engines: those that are asked.
        passed_over: {name of an engine that was never configured: why it is not asked}
        outages: {name of an engine that could not continue: why}

    Args:
        engines: all that are installed, in order of preference.
        recipe: what to make, and by which engine.

    Raises:
        ValueError: the recipe names an engine that does not exist.
    """

    def __init__(self, engines: Sequence[Engine], recipe: Recipe) -> None:
        self.engines = [engine for engine in engines if engine.serves(recipe.engine)]
        if not self.engines and recipe.engine != AUTO:
            raise ValueError(f"there is no engine called {recipe.engine!r}")
        self.passed_over: dict[str, str] = {}
        self.outages: dict[str, str] = {}
        if recipe.engine == AUTO:
            for engine in list(self.engines):
                readiness = engine.readiness()
                if not readiness.ready and not readiness.configured:
                    self.passed_over[engine.name] = readiness.reason
                    self.engines.remove(engine)

    def route(self, tasks: Iterator[Task], job: JobView) -> Results:
        """Answer every task once, as it finishes: made by the first engine that could, or refused by the last.

        Closing the generator closes those of the engines, so that they abandon what they have begun.

        Args:
            tasks: pulled when an engine has room for another.
            job: what engines may know of the whole job.
        """
        with _closed_after(self._ask_from(0, tasks, job)) as results:
            for result in results:
                yield _with_all_credits(result)
                del result

    def _ask_from(self, position: int, tasks: Iterator[Task], job: JobView) -> Results:
        """Answer tasks by the engine at this position, or by those after it."""
        if position == len(self.engines):
            yield from (Refused(task, _why_none(task, self.passed_over)) for task in tasks)
            return
        queue = _TaskQueue(tasks)
        while (outage := (yield from self._ask(position, queue, job))) is not None:
            self.outages.setdefault(self.engines[position].name, outage.reason)
            if not outage.fall_back:
                reason = f"{self.engines[position].name}: {outage.reason}"
                yield from (Refused(task, reason) for task in queue.rest())
                return
            if outage.for_good:
                yield from self._pass_on(position, queue.rest(), outage.reason, job)
                return
            # The engine may come back: pass on one task, or those that a defect took with it, then ask it again.
            lost = outage.in_hand if outage.defect else tuple(islice(queue.rest(), 1))
            if not (lost or outage.defect):
                return
            yield from self._pass_on(position, iter(lost), outage.reason, job)

    def _pass_on(self, position: int, tasks: Iterator[Task], reason: str, job: JobView) -> Results:
        """Hand tasks to the engine after this one, with the reason why."""
        name = self.engines[position].name
        yield from self._ask_from(position + 1, (task.passed_on(name, reason) for task in tasks), job)

    def _answer_aside(self, position: int, queue: _TaskQueue, job: JobView) -> Results:
        """Hand on what an engine did not get, if there is any: the next one is not loaded for nothing."""
        if tasks := queue.take_aside():
            yield from self._ask_from(position + 1, iter(tasks), job)

    def _ask(self, position: int, queue: _TaskQueue, job: JobView) -> Generator[Made | Refused, None, _Outage | None]:
        """Give tasks to one engine, and what it refuses to the next, until it ends. Returns why; None when done."""
        engine = self.engines[position]
        readiness = engine.readiness()
        if not readiness.ready:
            return _Outage(readiness.reason, readiness.for_good)
        taken_before = queue.taken
        queue.asks(engine)
        try:
            while queue.resumes():
                with _closed_after(engine.make(queue, job)) as results:
                    for result in results:
                        queue.answered(result.task)
                        if isinstance(result, Refused):
                            refused = result.task.passed_on(engine.name, result.reason, result.credits)
                            yield from self._ask_from(position + 1, iter([refused]), job)
                        else:
                            yield result
                        del result
                        yield from self._answer_aside(position, queue, job)
                yield from self._answer_aside(position, queue, job)
            return None
        except EngineUnavailableError as out:
            queue.put_back(out.unfinished)
            yield from self._answer_aside(position, queue, job)
            readiness = engine.readiness()
            for_good = out.for_good or (not readiness.ready and readiness.for_good)
            return _Outage(out.reason, for_good, out.fall_back)
        except Exception as defect:  # it costs the engine the images in hand; the next one makes them
            yield from self._answer_aside(position, queue, job)
            in_hand = queue.take_unanswered()
            reason = f"a fault inside the engine ({_first_line(defect)}); please report it"
            # An engine that fails before it takes a task would do so forever.
            return _Outage(reason, for_good=queue.taken == taken_before, in_hand=in_hand, defect=True)


class _TaskQueue(Iterator[Task]):
    """Tasks for an engine: first those that it gave back. Remembers which it has taken and not answered.

    An engine that repaints does not get what cannot be repainted as asked: that is set aside for the next one.

    Attributes:
        taken: how many, in all.
    """

    def __init__(self, tasks: Iterator[Task]) -> None:
        self.taken = 0
        self._tasks = tasks
        self._returned: deque[Task] = deque()
        self._taken: dict[tuple[str, str, int], Task] = {}
        self._aside: deque[Task] = deque()
        self._paused = True
        self._engine, self._repaints = "", False

    def __next__(self) -> Task:
        while len(self._aside) < _MOST_ASIDE:
            task = self._returned.popleft() if self._returned else next(self._tasks)
            if self._repaints and task.region is not None and task.region.fault:
                self._aside.append(task.passed_on(self._engine, f"not repainted: {task.region.fault}"))
                continue
            self._taken[_key(task)] = task
            self.taken += 1
            return task
        self._paused = True  # each of them holds a photo
        raise StopIteration

    def asks(self, engine: Engine) -> None:
        """The engine that the next tasks are for."""
        self._engine, self._repaints, self._paused = engine.name, engine.repaints, True

    def resumes(self) -> bool:
        """Whether there may be more tasks than the engine has seen."""
        paused, self._paused = self._paused, False
        return paused

    def take_aside(self) -> list[Task]:
        """What the engine did not get since it cannot be repainted, for the next one."""
        return [self._aside.popleft() for _ in range(len(self._aside))]

    def rest(self) -> Iterator[Task]:
        """The tasks that are left, for other engines: they are not remembered as taken, which would keep the photos."""
        return iter(self._next, None)

    def _next(self) -> Task | None:
        return self._returned.popleft() if self._returned else next(self._tasks, None)

    def answered(self, task: Task) -> None:
        self._taken.pop(_key(task), None)

    def take_unanswered(self) -> tuple[Task, ...]:
        """The tasks taken and not answered, which are then forgotten."""
        taken = tuple(self._taken.values())
        self._taken.clear()
        return taken

    def put_back(self, tasks: Sequence[Task]) -> None:
        """Tasks that an engine did not finish, in the order it took them."""
        for task in tasks:
            self.answered(task)
        self._returned.extendleft(reversed(tasks))


def _key(task: Task) -> tuple[str, str, int]:
    return task.source.path, task.source.sha256, task.index


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]


@contextmanager
def _closed_after(results: Iterator[Made | Refused]) -> Iterator[Iterator[Made | Refused]]:
    """Closes a generator when its reader ends, at once rather than when it is collected."""
    try:
        yield results
    finally:
        if isinstance(results, Generator):
            results.close()


def _with_all_credits(result: Made | Refused) -> Made | Refused:
    """Adds the credits charged for failed attempts to the variation that replaced them."""
    if isinstance(result, Refused) or not result.task.credits:
        return result
    credits = float(result.details.get("credits", 0)) + result.task.credits
    return replace(result, details={**result.details, "credits": credits})


def _why_none(task: Task, passed_over: dict[str, str]) -> str:
    reasons = [f"{fallback.engine}: {fallback.reason}" for fallback in task.fallbacks]
    reasons += [f"{engine}: {reason}" for engine, reason in passed_over.items()]
    return "no engine could make it. " + "; ".join(reasons)
