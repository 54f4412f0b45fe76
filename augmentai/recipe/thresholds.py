"""The thresholds of the filters."""

from __future__ import annotations

from dataclasses import dataclass, fields

from augmentai.recipe.kinds import RecipeError, is_number, shown


@dataclass(frozen=True)
class Thresholds:
    """The thresholds of the filters; 0 switches a filter off.

    Attributes:
        near_copy: least mean difference between a variation and its source, in levels of 255 times the strength.
        flat: least contrast, as a fraction of the source's.
        blurred: least sharpness, as a fraction of the source's.
        duplicate: least difference between variations of one source, in levels of 255 times the strength.
        held_out: least number of the 64 bits in which the perceptual hashes of a variation and of a validation or test
            image must differ.
        drift: least correlation of edges, 0 to 1, where the labels are, for engines that repaint the image.
        semantic: fraction of good changes, 0 to 1, that may be rejected for showing something else than the source, for
            engines that repaint the image: from it follows how far features may move.
        other_class: likewise, for not showing their class any more.

    Raises:
        RecipeError: a value is not a number, or is below 0.
    """

    near_copy: float = 4.0
    flat: float = 0.1
    blurred: float = 0.35
    duplicate: float = 3.0
    held_out: float = 4
    drift: float = 0.4
    semantic: float = 0.05
    other_class: float = 0.05

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if not (is_number(value) and 0 <= value < float("inf")):
                raise RecipeError(f"the threshold {one.name} is {shown(value)}; expected a number from 0")
            object.__setattr__(self, one.name, float(value))
        for name in ("semantic", "other_class"):
            if (value := getattr(self, name)) > 1:
                raise RecipeError(f"the threshold {name} is {value:g}; expected a fraction from 0 to 1")
