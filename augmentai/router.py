"""Decides, image by image, which engine makes it, and says why the ones before did not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from augmentai.engines.base import Engine, EngineOut, JobView, Made, Refused, Task
from augmentai.recipe import Recipe


class Router:
    """Engines in order of preference for one job. With a named engine there is only that one: no silent switch.

    Raises ValueError where the recipe names an engine that does not exist.
    """

    def __init__(self, engines: Sequence[Engine], recipe: Recipe) -> None:
        if recipe.engine != "auto":
            engines = [engine for engine in engines if engine.name == recipe.engine]
            if not engines:
                raise ValueError(f"there is no engine called {recipe.engine!r}")
        self.engines = list(engines)
        self.passed_over: dict[str, str] = {}  # engine -> why it was never tried
        if recipe.engine == "auto":
            for engine in list(self.engines):
                readiness = engine.readiness()
                if not readiness.ready and not readiness.configured:
                    self.passed_over[engine.name] = readiness.reason
                    self.engines.remove(engine)

    def route(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
        """Every task answered once, as it finishes: made by the first engine that could, or refused by the last."""
        return self._stage(0, tasks, job)

    def _stage(self, position: int, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
        if position == len(self.engines):
            yield from (Refused(task, _why_none(task, self.passed_over)) for task in tasks)
            return
        engine = self.engines[position]
        while True:
            readiness = engine.readiness()
            reason = readiness.reason
            if readiness.ready:
                try:
                    for result in engine.make(tasks, job):
                        if isinstance(result, Refused):
                            passed = result.task.passed_on(engine.name, result.reason)
                            yield from self._stage(position + 1, iter([passed]), job)
                        else:
                            yield result
                    return
                except EngineOut as out:
                    reason, tasks = out.reason, chain(out.unfinished, tasks)
                    readiness = engine.readiness()
            if not readiness.ready and readiness.for_good:
                rest = (task.passed_on(engine.name, reason) for task in tasks)
                yield from self._stage(position + 1, rest, job)
                return
            # The engine may come back: hand one task down, then ask it again.
            task = next(tasks, None)
            if task is None:
                return
            yield from self._stage(position + 1, iter([task.passed_on(engine.name, reason)]), job)


def _why_none(task: Task, passed_over: dict[str, str]) -> str:
    reasons = [f"{fallback.engine}: {fallback.reason}" for fallback in task.fallbacks]
    reasons += [f"{engine}: {reason}" for engine, reason in passed_over.items()]
    return "no engine could make it. " + "; ".join(reasons)
