"""What a calibration draws, and the recipes that it judges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from augmentai.recipe import Recipe

RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        "local GAN": Recipe(engine="gan", variations=8),
        "background": Recipe(engine="none", variations=8, operations=("background",)),
        "background, plain": Recipe(engine="none", variations=8, operations=({"background": {"ground": "plain"}},)),
    }
)


@dataclass(frozen=True)
class CalibrationPlan:
    """What is drawn from each set.

    Attributes:
        shots: training images of a class, of a set with boxes or masks in all; each number is drawn by itself.
        draws: training sets of each size.
        tests: numbers of test images; each draw is judged on all of them.
        folds: judge each draw by five folds, without other test images, as well.
        pool: training images of a class, of a set with boxes or masks in all, that are drawn from.
        strict: variations that borrow from other images are made anew for each draw, from its training images alone;
            else once, from all training images of the pool, which takes a fraction of the time. By folds they are
            always made anew, or not measured if this is False.
        recipes: names of RECIPES.
        seed: of everything.
    """

    shots: tuple[int, ...] = (5,)
    draws: int = 10
    tests: tuple[int, ...] = (60, 120, 240)
    folds: bool = False
    pool: int = 20
    strict: bool = False
    recipes: tuple[str, ...] = tuple(RECIPES)
    seed: int = 1
