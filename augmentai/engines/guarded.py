"""An engine of another package, whose faults cost an image or the engine, and never the job.

The subclass that `guarded` makes checks what the engine states and yields, hands it copies of the photos, so that an
engine that paints in place changes no other variation, and counts every credit that it charges.
"""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import replace
from numbers import Real
from types import new_class
from typing import Any, Self, TypeGuard, TypeVar

from PIL import Image

from augmentai.engines.audit import Audit
from augmentai.engines.base import Engine, EngineUnavailableError, JobView, Made, Readiness, Refused, Task
from augmentai.engines.budget import Estimate
from augmentai.engines.kept_images import KeptImages
from augmentai.engines.ledger import CreditLimits
from augmentai.engines.paid import PaidEngine
from augmentai.recipe import Recipe
from augmentai.settings import Settings

_T = TypeVar("_T")
_TaskKey = tuple[str, str, int, int]


def guarded(engine: type[Engine]) -> type[Engine]:
    """The same engine, guarded. The class itself stays as it is."""
    return new_class(engine.__name__, (_GuardedEngine, engine))


def fault_in(engine: Engine) -> str:
    """What is wrong with the attributes of an engine, in words; "" if they can be used."""
    for attribute in ("title", "blurb", "changes", "setup_hint", "may_differ"):
        if not isinstance(value := getattr(engine, attribute), str):
            return f"has the {attribute} {value!r}; expected text"
    rank, strength = engine.auto_rank, engine.auto_strength
    if rank is not None and not _is_number(rank):
        return f"has the auto_rank {rank!r}; expected a number or None"
    if not (_is_number(strength) and 0 <= strength <= 1):
        return f"has the auto_strength {strength!r}; expected a number from 0 to 1"
    if not isinstance(getattr(engine, "settings", None), Settings):
        return "has no settings; call super().__init__(settings) in its __init__"
    if not isinstance(engine, PaidEngine):
        if engine.paid:
            return "is paid without being a PaidEngine, so that no limit would hold; derive it from PaidEngine"
        return ""
    if not engine.paid:
        return "is a PaidEngine that says paid = False; remove that line"
    if not isinstance(getattr(engine, "limits", None), CreditLimits) or engine.visitor_pays is not False:
        return "has no limits of credits; call super().__init__(settings) in its __init__"
    return ""


class _GuardedEngine(Engine):
    """Comes before the engine in the order of methods, so that every `super()` here is the engine of the package."""

    _charging_fault = ""  # set on the class that `guarded` made: it holds for every job of this process

    def make(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
        kept = KeptImages(self, job.ledger) if self.paid else None
        audit = Audit(self, job)
        handed = _HandedOut(tasks, kept, audit)
        yield from handed.kept_at_the_beginning()
        answers = super().make(handed, job)  # type: ignore[safe-super]
        try:
            yield from self._checked_answers(answers, handed, audit, kept)
            if not job.stop.is_set():
                yield from handed.refuse_charged("it ended without an answer to this image; update its package")
        except EngineUnavailableError as out:
            yield from handed.kept_meanwhile()
            unfinished = [task for one in out.unfinished if (task := handed.given_back(one)) is not None]
            unfinished += handed.give_back_all()
            raise EngineUnavailableError(str(out.reason), unfinished, out.for_good, out.fall_back) from out
        except (Exception, SystemExit) as error:
            fault: Exception = error if isinstance(error, Exception) else RuntimeError(_exit_words(error))
            yield from handed.refuse_charged(f"a fault inside the engine ({_first_line(fault)}); please report it")
            raise fault from None
        finally:
            if isinstance(answers, Generator):
                answers.close()
            audit.close()
        if reason := audit.fault or handed.exhausted:
            fall_back = bool(audit.fault) or self.settings.credits_on_cap == "fallback"
            raise EngineUnavailableError(reason, handed.give_back_all(), for_good=True, fall_back=fall_back)

    def _checked_answers(
        self, answers: Iterator[Made | Refused], handed: _HandedOut, audit: Audit, kept: KeptImages | None
    ) -> Iterator[Made | Refused]:
        for answer in answers:
            if not isinstance(answer, Made | Refused):
                raise TypeError(f"it yielded {type(answer).__name__}; expected Made or Refused")
            task = handed.answered(answer.task)
            credits = audit.answered(task or answer.task, _stated_credits(answer))
            if audit.fault:
                type(self)._charging_fault = audit.fault
            if task is not None:
                checked = _checked(replace(answer, task=task), self.name, credits)
                if kept is not None and isinstance(checked, Made):
                    kept.keep(checked)
                yield checked
            yield from handed.kept_meanwhile()
        yield from handed.kept_meanwhile()

    def _keyed(self, key: str) -> Self:
        other: Self = super()._keyed(key)  # type: ignore[misc]
        if other is self:  # the owner would pay for every visitor, without a limit
            raise RuntimeError(f"the engine {self.name!r} gave a visitor the owner's own engine; update its package")
        if not isinstance(other, _GuardedEngine):  # its package names the class, which is not guarded
            other.__class__ = type(self) if type(other) in type(self).__mro__ else guarded(type(other))
        return other

    def readiness(self) -> Readiness:
        if self._charging_fault:
            return Readiness(False, self._charging_fault)
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

    def differs_from(self, model: str) -> str:
        return str(_or_default(lambda: super(_GuardedEngine, self).differs_from(model), ""))

    def differs_in(self, details: Mapping[str, Any]) -> str:
        return str(_or_default(lambda: super(_GuardedEngine, self).differs_in(details), ""))

    def follows(self, recipe: Recipe) -> str:
        return str(_or_default(lambda: super(_GuardedEngine, self).follows(recipe), Engine.follows(self, recipe)))

    def unused_settings(self, recipe: Recipe) -> tuple[str, ...]:
        return _or_default(lambda: tuple(map(str, super(_GuardedEngine, self).unused_settings(recipe))), ())


class _HandedOut(Iterator[Task]):
    """Tasks with photos of their own for the engine; remembers those that it has not answered as they really are.

    Tasks whose images an earlier process has paid for are not handed out, and none is that cannot be paid for.

    Attributes:
        exhausted: why no more can be paid for, in words.
    """

    def __init__(self, tasks: Iterator[Task], kept: KeptImages | None, audit: Audit) -> None:
        self._tasks, self._kept, self._audit = tasks, kept, audit
        self._open: dict[_TaskKey, Task] = {}
        self._found: deque[Made] = deque()
        self._not_handed_out: list[Task] = []
        self.exhausted = ""

    def __next__(self) -> Task:
        if self._audit.fault or self.exhausted:
            raise StopIteration
        task = self._not_handed_out.pop() if self._not_handed_out else next(self._tasks)
        while self._kept is not None and (found := self._kept.find(task)) is not None:
            self._found.append(found)
            task = next(self._tasks)
        if reason := self._audit.exhausted(task):
            self.exhausted = reason
            self._not_handed_out.append(task)
            raise StopIteration
        self._open[_key(task)] = task
        return replace(task, photo=replace(task.photo, rgb=task.photo.rgb.copy()))

    def kept_at_the_beginning(self) -> Iterator[Made | Refused]:
        """What was paid for before: such tasks come first."""
        while self._kept is not None and (task := next(self._tasks, None)) is not None:
            if (found := self._kept.find(task)) is None:
                self._not_handed_out.append(task)
                return
            yield _checked(found, found.engine, 0.0)

    def kept_meanwhile(self) -> Iterator[Made | Refused]:
        """Likewise, among the tasks that the engine has asked for."""
        while self._found:
            found = self._found.popleft()
            yield _checked(found, found.engine, 0.0)

    def answered(self, task: Task) -> Task | None:
        """The task as it was before it was handed out; None if it was answered before, or never handed out."""
        return self._open.pop(_key(task), None) if isinstance(task, Task) else None

    def given_back(self, task: Task) -> Task | None:
        """Likewise for a task that was not answered, with what that cost."""
        if (own := self.answered(task)) is None:
            return None
        credits = self._audit.given_back(own)
        return replace(own, credits=own.credits + credits) if credits else own

    def give_back_all(self) -> list[Task]:
        """All tasks that were not answered, in the order taken."""
        left = [task for one in list(self._open.values()) if (task := self.given_back(one)) is not None]
        return left + [self._not_handed_out.pop() for _ in list(self._not_handed_out)]

    def refuse_charged(self, reason: str) -> Iterator[Refused]:
        """Answers to the tasks that were charged and never answered: what they cost is in the manifest, too."""
        for task in list(self._open.values()):
            if credits := self._audit.given_back(task):
                del self._open[_key(task)]
                yield Refused(task, f"{reason} ({credits:g} credits were charged)", credits)


def _key(task: Task) -> _TaskKey:
    return (*task.source.key, task.index, task.attempt)


def _stated_credits(answer: Made | Refused) -> float:
    """What an answer says that it was charged; 0 if it says nothing that can be read."""
    if isinstance(answer, Refused):
        stated = answer.credits
    else:
        stated = answer.details.get("credits", 0.0) if isinstance(answer.details, Mapping) else 0.0
    return float(stated) if _is_credits(stated) else 0.0


def _checked(answer: Made | Refused, engine: str, credits: float) -> Made | Refused:
    """An answer that the pipeline can use; a faulty one becomes a refusal, which goes to the next engine.

    Args:
        answer: as the engine yielded it.
        engine: its name.
        credits: what was charged for it.
    """
    task = answer.task
    if isinstance(answer, Refused):
        return Refused(task, str(answer.reason or "it gave no reason"), credits)
    try:
        details = json.loads(json.dumps(dict(answer.details), allow_nan=False, default=_plain))
    except (TypeError, ValueError) as error:
        return Refused(task, f"its details cannot be stored in a manifest ({error}); update its package", credits)
    if not _is_credits(stated := details.get("credits", 0.0)):
        return Refused(task, f"it charged {stated!r} credits; expected a number; update its package", credits)
    found = _kind(answer.image)
    if found != (expected := "an image of {}x{} pixels".format(*task.photo.size_wh)):
        return Refused(task, f"it returned {found}; expected {expected}; update its package", credits)
    strength = answer.strength
    return replace(
        answer,
        engine=engine,
        image=answer.image.convert("RGB"),
        model=str(answer.model or ""),
        prompt=str(answer.prompt or ""),
        seconds=float(answer.seconds) if _is_number(answer.seconds) else 0.0,
        strength=float(strength) if _is_number(strength) else None,
        details=details | {"credits": credits} if credits else details,
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


def _exit_words(error: SystemExit) -> str:
    return f"it tried to end the program with status {error.code}"


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]


def _fault(what: str, error: Exception) -> str:
    return f"its {what} failed ({type(error).__name__}: {error}); update its package"
