"""What a measurement says: a verdict and an interval for each recipe, in the order in which the recipes were asked for.

All differences are percentage points of accuracy (by cells, of their mean average precision), of training with a
recipe's variations against training with as many flipped and cropped views of the images alone.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Verdict = Literal["helps", "hurts", "cannot tell"]
LiftTask = Literal["classification", "detection", "segmentation"]
Method = Literal["probe", "cells", "fine-tune"]
Split = Literal["test", "validation", "folds"]
Interval = tuple[float, float]


class LiftError(ValueError):
    """Nothing can be measured; the message says what was found, what is needed and what to do."""


@dataclass(frozen=True)
class Difference:
    """A difference in percentage points, with its interval."""

    difference: float
    interval: Interval


@dataclass(frozen=True)
class ClassLift:
    """The difference on the images of one class. No verdict: classes are too many and their images too few.

    Attributes:
        name: of the class.
        pictures: how many of its images were tested.
        difference: in percentage points.
        interval: of the difference, 95 %, not corrected for the number of classes.
    """

    name: str
    pictures: int
    difference: float
    interval: Interval


@dataclass(frozen=True)
class RecipeLift:
    """What one recipe is worth.

    Attributes:
        recipe: its name.
        verdict: "helps" if the whole interval is above zero, "hurts" if it is below, else "cannot tell".
        difference: in percentage points: `accuracy` less `baseline`.
        interval: of the difference, 95 % for all recipes of the report together.
        pictures: how many images were tested.
        needs: about how many test images would show an effect of this size in four of five measurements; None if the
            verdict is clear, or if the recipe changes nothing.
        per_class: the same for each class, in the order of the classes.
        shifted: the difference on the test images under another light, blurred or noisy; None if not measured, as by
            cells.
        accuracy: in percent, with the recipe's variations; by cells, the mean over the classes of average precision.
        baseline: in percent, with flips and crops alone.
        failed: how many variations could not be made; views of the source stood in for them.
        notes: what the user should know of this recipe.
    """

    recipe: str
    verdict: Verdict
    difference: float
    interval: Interval
    pictures: int
    needs: int | None = None
    per_class: tuple[ClassLift, ...] = ()
    shifted: Difference | None = None
    accuracy: float = 0.0
    baseline: float = 0.0
    failed: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class LiftReport:
    """A whole measurement.

    Attributes:
        set: the name of the dataset.
        task: what its labels are for.
        method: "probe": a linear classifier on frozen features; "cells": the same on cells of an image; "fine-tune":
            all layers are trained.
        split: which images were tested: the set's test or validation images, or each image in turn by folds.
        classes: how many.
        pictures: how many images were tested.
        training: how many images a model was trained on, before any view or variation.
        repeats: how often both arms were trained.
        seed: of everything that was drawn.
        backbone: name of the pretrained network.
        seconds: how long it took.
        recipes: in the order asked; this is not a ranking.
        notes: what the user should know of the measurement.

    Example:
        >>> one = RecipeLift("light", "cannot tell", 0.4, (-1.2, 2.0), pictures=120, needs=1900)
        >>> report = LiftReport("pets", "classification", "probe", "test", 3, 120, 60, 10, 7, "tiny", 21.0, (one,))
        >>> report.as_dict()["recipes"][0]["interval"]
        [-1.2, 2.0]
    """

    set: str
    task: LiftTask
    method: Method
    split: Split
    classes: int
    pictures: int
    training: int
    repeats: int
    seed: int
    backbone: str
    seconds: float
    recipes: tuple[RecipeLift, ...]
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The fields for JSON."""
        plain = _plain(asdict(self))
        assert isinstance(plain, dict)
        return plain


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, tuple | list) else value
