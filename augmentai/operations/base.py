"""The operation protocol: a seeded, label-aware step that moves, degrades or composes the pixels of a variation.

Drawing parameters is separate from applying them. What was drawn goes into the manifest, and `apply` depends on it
alone, so that a variation can be explained and repeated. An operation is one class in one file; your own package
registers it as an entry point (see `augmentai.registry`), and it works in recipes, the command line, the API and the
page:

    [project.entry-points."augmentai.operations"]
    posterize = "my_package:Posterize"
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import Field, dataclass
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from augmentai.operations.parameters import Number, Parameter, parameter, parameters_of
from augmentai.recipe.kinds import RecipeError

if TYPE_CHECKING:
    from PIL.Image import Image

    from augmentai.annotations import Labels


# The groups under which the page and the documentation list operations; another package may have one of its own.
GEOMETRY, CAMERA, WEATHER = "Geometry", "Light and camera", "Weather"
OBJECTS, OCCLUSION, OTHER = "Objects and backgrounds", "Occlusion", "Other"


class OperationError(ValueError):
    """An operation could not be applied to an image; the message names it, what was found and what to do."""


class OperationSkippedError(Exception):
    """Raised by `draw` or `apply` to leave this image as it is and to say why; the report shows it, by file.

    Where that needs no explanation, `draw` returns None instead.

    Args:
        reason: why, in words for the user.
        for_good: whatever is drawn, nothing can be done with this image as it is, so that no other draw is worth it.
    """

    def __init__(self, reason: str, *, for_good: bool = False) -> None:
        super().__init__(reason)
        self.for_good = for_good


@dataclass(frozen=True, slots=True)
class DrawSettings:
    """Settings of the recipe that every operation respects when it draws.

    Attributes:
        mirror: left and right may be swapped.
        least_visible: 0 to 1; an object of which a smaller share stays visible loses its label.
        balance: classes are balanced, so that what is added is to be of rare ones.
    """

    mirror: bool = True
    least_visible: float = 0.3
    balance: bool = False


@dataclass(frozen=True)
class Operation(ABC):
    """Base class of operations. A subclass is a frozen dataclass whose fields are its parameters.

    Attributes:
        name: as recipes, flags and manifests spell it; the same as the entry point's.
        title: as the page shows it.
        blurb: what it does, in a few words that the page adds to the title.
        group: where the page and the documentation list it: GEOMETRY, CAMERA, WEATHER, OBJECTS, OCCLUSION, or words of
            its own.
        mirrors: its purpose is to swap left and right; refused if a recipe's `mirror` is False.
        neutral: parameters with which it changes nothing, if there are such; tests hold it to them.
        probability: the share of the variations that it is applied to, 0 to 1. The subclass need not handle it.

    Raises:
        RecipeError: a parameter is out of range.

    Example:
        >>> from PIL import Image, ImageOps
        >>> from augmentai.recipe.kinds import WholeNumber
        >>> @dataclass(frozen=True)
        ... class Posterize(Operation):
        ...     name, title, blurb = "posterize", "Posterize", "fewer levels per colour"
        ...     bits: int = parameter(4, WholeNumber(1, 8), "Fewest bits per channel.")
        ...
        ...     def draw(self, rng, size_wh, labels, settings):
        ...         return {"bits": rng.randint(self.bits, 8)}
        ...
        ...     def apply(self, image, labels, drawn):
        ...         return ImageOps.posterize(image, drawn["bits"]), labels
        >>> drawn = Posterize(bits=2).draw(Random(7), (4, 4), None, DrawSettings())
        >>> drawn
        {'bits': 4}
        >>> Posterize().apply(Image.new("L", (4, 4), 255), None, drawn)[0].getpixel((0, 0))
        240
    """

    name: ClassVar[str]
    title: ClassVar[str] = ""
    blurb: ClassVar[str] = ""
    group: ClassVar[str] = OTHER
    mirrors: ClassVar[bool] = False
    neutral: ClassVar[Mapping[str, Any]] = MappingProxyType({})

    probability: float = parameter(1.0, Number(0, 1), "Share of the variations that it is applied to.")

    def __post_init__(self) -> None:
        _check_class(type(self))
        for name, one in self.parameters().items():
            object.__setattr__(self, name, one.kind.check(f"operation {self.name}: {name}", getattr(self, name)))

    @abstractmethod
    def draw(
        self, rng: Random, size_wh: tuple[int, int], labels: Labels | None, settings: DrawSettings
    ) -> dict[str, Any] | None:
        """Draw what will be done to one image.

        Args:
            rng: this variation's own random numbers; use no others.
            size_wh: width and height of the image in pixels.
            labels: of the image, in its pixels; None if it has none.
            settings: of the recipe.

        Returns:
            Numbers, text, lists and dictionaries that JSON can hold: all that `apply` needs. None to leave this image
            as it is.
        """

    @abstractmethod
    def apply(self, image: Image, labels: Labels | None, drawn: Mapping[str, Any]) -> tuple[Image, Labels | None]:
        """Carry out what was drawn. Depends on the arguments alone, not on the operation's own parameters.

        Args:
            image: of mode L, LA, RGB, RGBA, I;16, I or F; must not be changed in place.
            labels: of the image, in its pixels; must not be changed in place.
            drawn: what `draw` returned, perhaps read from a manifest.

        Returns:
            A new image of the same size and mode, and its labels: the same object if no pixel changed its place.
        """

    @property
    def is_idle(self) -> bool:
        """Whether it never changes an image: its probability is 0, or its parameters are neutral.

        Example:
            >>> from augmentai.operations.rain import Rain
            >>> Rain(probability=0).is_idle, Rain(strength=0).is_idle, Rain().is_idle
            (True, True, False)
        """
        if self.probability == 0:
            return True
        plain = type(self)(**self.neutral)
        return bool(self.neutral) and all(getattr(self, name) == getattr(plain, name) for name in self.neutral)

    @classmethod
    def parameters(cls) -> dict[str, Parameter]:
        """Its parameters by name, with their kinds, defaults and help."""
        return parameters_of(cls)

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> Operation:
        """The operation with these parameters.

        Args:
            parameters: {name: value, or its text}; the others have their defaults.

        Raises:
            RecipeError: there is no such parameter, or a value is out of range.
        """
        known = cls.parameters()
        if unknown := [str(name) for name in parameters if name not in known]:
            what = f"operation {cls.name} has no parameter {', '.join(unknown)}"
            raise RecipeError(f"{what}; it has {', '.join(known)}")
        parsed = {
            name: known[name].kind.parse(value) if isinstance(value, str) else value
            for name, value in parameters.items()
        }
        return cls(**parsed)

    def as_step(self) -> str | dict[str, dict[str, Any]]:
        """As a recipe records it: its name, or {name: parameters} with those that are not the defaults."""
        changed = {
            name: _plain(value)
            for name, one in self.parameters().items()
            if (value := getattr(self, name)) != one.default
        }
        return {self.name: changed} if changed else self.name


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _check_class(operation: type[Operation]) -> None:
    """Two slips that would otherwise go unnoticed: no name, and parameters of a class that is not a dataclass."""
    if not isinstance(getattr(operation, "name", None), str):
        raise TypeError(f"the operation {operation.__qualname__} has no name; add `name = ...` to the class")
    stray = [name for name, value in vars(operation).items() if isinstance(value, Field)]
    if stray:
        what = f"the operation {operation.__qualname__} has parameters ({', '.join(stray)}) but is not a dataclass"
        raise TypeError(f"{what}; decorate it with @dataclass(frozen=True)")
