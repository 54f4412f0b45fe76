"""Decides, image by image, which engine makes it, and says why the ones before did not."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from augmentai.engines.base import Engine, EngineUnavailableError, JobView, Made, Refused, Task
from augmentai.recipe import AUTO, Recipe


class Router:
    """Engines in order of preference for one job. With a named engine there is only that one: no silent switch.

    Raises ValueError where the recipe names an engine that does not exist.
    """

    def __init__(self, engines: Sequence[Engine], recipe: Recipe) -> None:
        self.engines = [engine for engine in engines if engine.serves(recipe.engine)]
        if not self.engines and recipe.engine != AUTO:
            raise ValueError(f"there is no engine called {recipe.engine!r}")
        self.passed_over: dict[str, str] = {}  # engine -> why it was never tried
        if recipe.engine == AUTO:
            for engine in list(self.engines):
                readiness = engine.readiness()
                if not readiness.ready and not readiness.configured:
                    self.passed_over[engine.name] = readiness.reason
                    self.engines.remove(engine)

    def route(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
        """Every task answered once, as it finishes: made by the first engine that could, or refused by the last.

        Closing the iterator closes the engines' own, so that they drop what they had begun.
        """
        with _closed_after(self._stage(0, tasks, job)) as results:
            for result in results:
                yield _with_all_credits(result)

    def _stage(self, position: int, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
        if position == len(self.engines):
            yield from (Refused(task, _why_none(task, self.passed_over)) for task in tasks)
            return
        engine = self.engines[position]
        waiting = _Returnable(tasks)
        while True:
            readiness = engine.readiness()
            reason, for_good = readiness.reason, not readiness.ready and readiness.for_good
            if readiness.ready:
                try:
                    with _closed_after(engine.make(waiting, job)) as results:
                        for result in results:
                            waiting.answered(result.task)
                            if isinstance(result, Refused):
                                passed = result.task.passed_on(engine.name, result.reason, result.credits)
                                yield from self._stage(position + 1, iter([passed]), job)
                            else:
                                yield result
                    return
                except EngineUnavailableError as out:
                    waiting.put_back(out.unfinished)
                    readiness = engine.readiness()
                    reason, for_good = out.reason, out.for_good or (not readiness.ready and readiness.for_good)
                    if not out.fall_back:
                        yield from (Refused(task, f"{engine.name}: {reason}") for task in waiting)
                        return
                except Exception as fault:  # a defect costs the engine the pictures in hand; the next one makes them
                    reason = f"a fault inside the engine ({_plain(fault)}); please report it"
                    in_hand = waiting.take_unanswered()
                    if in_hand:
                        passed_on = (task.passed_on(engine.name, reason) for task in in_hand)
                        yield from self._stage(position + 1, passed_on, job)
                        continue
                    for_good = True  # it breaks before it begins: asking again would never end
            if for_good:
                rest = (task.passed_on(engine.name, reason) for task in waiting)
                yield from self._stage(position + 1, rest, job)
                return
            # The engine may come back: hand one task down, then ask it again.
            task = next(waiting, None)
            if task is None:
                return
            waiting.answered(task)
            yield from self._stage(position + 1, iter([task.passed_on(engine.name, reason)]), job)


class _Returnable(Iterator[Task]):
    """Tasks, those first that an engine gave back."""

    def __init__(self, tasks: Iterator[Task]) -> None:
        self._tasks = tasks
        self._back: deque[Task] = deque()

        self._taken: dict[tuple[str, str, int], Task] = {}

    def __next__(self) -> Task:
        task = self._back.popleft() if self._back else next(self._tasks)
        self._taken[_key(task)] = task
        return task

    def answered(self, task: Task) -> None:
        self._taken.pop(_key(task), None)

    def take_unanswered(self) -> list[Task]:
        taken = list(self._taken.values())
        self._taken.clear()
        return taken

    def put_back(self, tasks: Sequence[Task]) -> None:
        for task in tasks:
            self.answered(task)
        self._back.extendleft(reversed(tasks))


def _key(task: Task) -> tuple[str, str, int]:
    return task.source.path, task.source.sha256, task.index


def _plain(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]


@contextmanager
def _closed_after(results: Iterator[Made | Refused]) -> Iterator[Iterator[Made | Refused]]:
    """Ends a generator when its reader goes, at once rather than when it is collected."""
    try:
        yield results
    finally:
        if isinstance(results, Generator):
            results.close()


def _with_all_credits(result: Made | Refused) -> Made | Refused:
    """What tries that came to nothing were charged is told with the picture that took their place."""
    if isinstance(result, Refused) or not result.task.credits:
        return result
    credits = float(result.details.get("credits", 0)) + result.task.credits
    return replace(result, details={**result.details, "credits": credits})


def _why_none(task: Task, passed_over: dict[str, str]) -> str:
    reasons = [f"{fallback.engine}: {fallback.reason}" for fallback in task.fallbacks]
    reasons += [f"{engine}: {reason}" for engine, reason in passed_over.items()]
    return "no engine could make it. " + "; ".join(reasons)
