"""An engine of another package, whose faults cost an image or the engine, and never the job.

The subclass that `guarded` makes checks what the engine states and yields, and hands it copies of the photos, so that
an engine that paints in place changes no other variation.
"""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from numbers import Real
from types import new_class
from typing import Any, Self, TypeGuard, TypeVar

from PIL import Image

from augmentai.engines.base import Engine, EngineUnavailableError, JobView, Made, Readiness, Refused, Task
from augmentai.engines.budget import Estimate
from augmentai.engines.kept_images import KeptImages
from augmentai.recipe import Recipe

_T = TypeVar("_T")
_TaskKey = tuple[str, str, int, int]


def guarded(engine: type[Engine]) -> type[Engine]:
    """The same engine, guarded. The class itself stays as it is."""
    return new_class(engine.__name__, (_GuardedEngine, engine))


def fault_in(engine: Engine) -> str:
    """What is wrong with the attributes of an engine, in words; "" if they can be used."""
    from augmentai.engines.paid import PaidEngine

    for attribute in ("title", "blurb", "setup_hint", "may_differ"):
        if not isinstance(value := getattr(engine, attribute), str):
            return f"has the {attribute} {value!r}; expected text"
    rank, strength = engine.auto_rank, engine.auto_strength
    if rank is not None and not _is_number(rank):
        return f"has the auto_rank {rank!r}; expected a number or None"
    if not (_is_number(strength) and 0 <= strength <= 1):
        return f"has the auto_strength {strength!r}; expected a number from 0 to 1"
    if engine.paid and not isinstance(engine, PaidEngine):
        return "is paid without being a PaidEngine, so that no limit of credits would hold; derive it from PaidEngine"
    return ""


class _GuardedEngine(Engine):
    """Comes before the engine in the order of methods, so that every `super()` here is the engine of the package."""

    def make(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
        kept = KeptImages(self, job.ledger) if self.paid else None
        handed = _HandedOut(tasks, kept)
        yield from handed.kept_at_the_beginning()
        answers = super().make(handed, job)  # type: ignore[safe-super]
        try:
            for answer in answers:
                if not isinstance(answer, Made | Refused):
                    raise TypeError(f"it yielded {type(answer).__name__}; expected Made or Refused")
                if (task := handed.answered(answer.task)) is not None:
                    checked = _checked(replace(answer, task=task))
                    if kept is not None and isinstance(checked, Made):
                        kept.keep(checked)
                    yield checked
                yield from handed.kept_meanwhile()
            yield from handed.kept_meanwhile()
        except EngineUnavailableError as out:
            yield from handed.kept_meanwhile()
            unfinished = [task for one in out.unfinished if (task := handed.answered(one)) is not None]
            unfinished += handed.not_handed_out
            raise EngineUnavailableError(str(out.reason), unfinished, out.for_good, out.fall_back) from out
        except SystemExit as error:
            raise RuntimeError(f"it tried to end the program with status {error.code}") from error
        finally:
            if isinstance(answers, Generator):
                answers.close()

    def _keyed(self, key: str) -> Self:
        other: Self = super()._keyed(key)  # type: ignore[misc]
        if not isinstance(other, _GuardedEngine):  # its package names the class, which is not guarded
            other.__class__ = guarded(type(other))
        return other

    def readiness(self) -> Readiness:
        try:
            answer = super().readiness()
        except Exception as error:
            return Readiness(False, _fault("readiness", error))
        if not isinstance(answer, Readiness):
            return Readiness(False, f"its readiness is {answer!r}; expected a Readiness; update its package")
        return answer

    def warm_up(self) -> None:
        _or_default(super().warm_up, None)

    def model_version(self) -> str:
        return str(_or_default(super().model_version, Engine.model_version(self)))

    def seconds_per_image(self, pixels: float) -> float:
        seconds = _or_default(lambda: float(super(_GuardedEngine, self).seconds_per_image(pixels)), math.nan)
        return seconds if math.isfinite(seconds) and seconds >= 0 else Engine.seconds_per_image(self, pixels)

    def estimate(self, recipe: Recipe, variations: int) -> Estimate | None:
        return _or_default(lambda: super(_GuardedEngine, self).estimate(recipe, variations), None)

    def unused_settings(self, recipe: Recipe) -> tuple[str, ...]:
        return _or_default(lambda: tuple(map(str, super(_GuardedEngine, self).unused_settings(recipe))), ())


class _HandedOut(Iterator[Task]):
    """Tasks with photos of their own for the engine; remembers those that it has not answered as they really are.

    Tasks whose images an earlier process has paid for are not handed out.

    Attributes:
        not_handed_out: the task that comes next, if it was looked at already.
    """

    def __init__(self, tasks: Iterator[Task], kept: KeptImages | None) -> None:
        self._tasks, self._kept = tasks, kept
        self._open: dict[_TaskKey, Task] = {}
        self._found: deque[Made] = deque()
        self.not_handed_out: list[Task] = []

    def __next__(self) -> Task:
        task = self.not_handed_out.pop() if self.not_handed_out else next(self._tasks)
        while self._kept is not None and (found := self._kept.find(task)) is not None:
            self._found.append(found)
            task = next(self._tasks)
        self._open[_key(task)] = task
        return replace(task, photo=replace(task.photo, rgb=task.photo.rgb.copy()))

    def kept_at_the_beginning(self) -> Iterator[Made | Refused]:
        """What was paid for before: such tasks come first."""
        while self._kept is not None and (task := next(self._tasks, None)) is not None:
            if (found := self._kept.find(task)) is None:
                self.not_handed_out.append(task)
                return
            yield _checked(found)

    def kept_meanwhile(self) -> Iterator[Made | Refused]:
        """Likewise, among the tasks that the engine has asked for."""
        while self._found:
            yield _checked(self._found.popleft())

    def answered(self, task: Task) -> Task | None:
        """The task as it was before it was handed out; None if it was answered before, or never handed out."""
        return self._open.pop(_key(task), None)


def _key(task: Task) -> _TaskKey:
    return (*task.source.key, task.index, task.attempt)


def _checked(answer: Made | Refused) -> Made | Refused:
    """An answer that the pipeline can use; a faulty one becomes a refusal, which goes to the next engine."""
    task = answer.task
    if isinstance(answer, Refused):
        credits = answer.credits if _is_credits(answer.credits) else 0.0
        return Refused(task, str(answer.reason or "it gave no reason"), float(credits))
    try:
        details = json.loads(json.dumps(dict(answer.details), allow_nan=False, default=_plain))
    except (TypeError, ValueError) as error:
        return Refused(task, f"its details cannot be stored in a manifest ({error}); update its package")
    if not _is_credits(credits := details.get("credits", 0.0)):
        return Refused(task, f"it charged {credits!r} credits; expected a number; update its package")
    found = _kind(answer.image)
    if found != (expected := "an image of {}x{} pixels".format(*task.photo.size_wh)):
        return Refused(task, f"it returned {found}; expected {expected}; update its package", float(credits))
    strength = answer.strength
    return replace(
        answer,
        engine=str(answer.engine),
        image=answer.image.convert("RGB"),
        model=str(answer.model or ""),
        prompt=str(answer.prompt or ""),
        seconds=float(answer.seconds) if _is_number(answer.seconds) else 0.0,
        strength=float(strength) if _is_number(strength) else None,
        details=details,
    )


def _kind(image: Any) -> str:
    if not isinstance(image, Image.Image):
        return "nothing" if image is None else type(image).__name__
    return f"an image of {image.width}x{image.height} pixels"


def _plain(value: Any) -> Any:
    """A value of NumPy as JSON holds it; anything else as text."""
    return value.tolist() if hasattr(value, "tolist") else str(value)


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _is_credits(value: Any) -> bool:
    return _is_number(value) and value >= 0


def _or_default(ask: Callable[[], _T], default: _T) -> _T:
    try:
        return ask()
    except Exception:  # another package's code may fail in any way, and what it is asked here is not needed to work
        return default


def _fault(what: str, error: Exception) -> str:
    return f"its {what} failed ({type(error).__name__}: {error}); update its package"
