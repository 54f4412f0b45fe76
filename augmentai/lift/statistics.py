"""From right and wrong answers to a difference, its interval, and what may be said of it.

Each repeat trains both arms anew, on other views and another share of the training images, and tests them on the same
images. A difference therefore varies by test image and by repeat. The interval comes from the bootstrap that resamples
both at once, rows and columns of the table of differences (the pigeonhole bootstrap: A. B. Owen, "The pigeonhole
bootstrap", Annals of Applied Statistics 1, 2007). Resampling images alone would take the luck of the views for an
effect; resampling both is somewhat too wide rather than too narrow. Where a few training images decide (cells), the
views of variations, the same in every repeat, have a luck of their own, for which the spread of the repeats stands. For
several recipes the level is divided by their number (Bonferroni), so that one false claim is made in 20 reports, not in
20 recipes.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from augmentai.lift.report import Interval, Verdict

Table = np.ndarray[Any, np.dtype[np.float32]]

LEVEL = 0.05  # of false claims, in a whole report
POWER = 0.8  # share of measurements that would find the effect with the number of images in `needs`
LEAST_EFFECT_POINTS = 2.0  # smaller ones are not worth looking for
_RESAMPLES, _AT_ONCE = 4000, 250
_FEWEST = 8  # images of which an interval can be told


@dataclass(frozen=True)
class Effect:
    """A difference in percentage points.

    Attributes:
        mean: the difference.
        interval: of the mean.
        error: standard error of the mean.
        luck: the part of it that no number of test images takes away.
    """

    mean: float
    interval: Interval
    error: float
    luck: float = 0.0

    @property
    def verdict(self) -> Verdict:
        low, high = self.interval
        return "helps" if low > 0 else "hurts" if high < 0 else "cannot tell"


def effect(differences: Table, comparisons: int = 1, seed: int = 1, few_views: bool = False) -> Effect:
    """The mean of a table of differences, with its interval.

    Args:
        differences: of each test image in each repeat: score with the recipe less score without, from -1 to 1.
        comparisons: how many verdicts the level of 5 % is for.
        seed: of the resampling.
        few_views: the repeats share the views of so few variations that the luck of these is not small. Repeats that
            draw half of a pool of views differ by about as much as pools would, so the spread of the repeats is added,
            not divided by their number.

    Shape:
        differences: float32 (repeats, images).

    Example:
        >>> table = np.zeros((10, 100), np.float32)
        >>> table[:, :30] = 1
        >>> found = effect(table)
        >>> round(found.mean), found.verdict
        (30, 'helps')
    """
    repeats, images = differences.shape
    mean = 100 * float(differences.mean())
    if not differences.any():
        return Effect(0.0, (0.0, 0.0), 0.0)
    rng = np.random.default_rng(seed)
    rows = rng.multinomial(repeats, np.full(repeats, 1 / repeats), _RESAMPLES).astype(np.float32)
    resampled = np.empty(_RESAMPLES)
    for start in range(0, _RESAMPLES, _AT_ONCE):
        of_repeats = rows[start : start + _AT_ONCE] @ differences / repeats  # (_AT_ONCE, images)
        columns = rng.integers(images, size=of_repeats.shape)
        resampled[start : start + _AT_ONCE] = 100 * np.take_along_axis(of_repeats, columns, 1).mean(1)
    luck = 0.0
    if few_views:
        of_repeats = 100 * differences.mean(1) - mean
        resampled += rng.choice(of_repeats, _RESAMPLES)
        luck = float(of_repeats.std())
    tail = LEVEL / comparisons / 2
    low, high = np.quantile(resampled, [tail, 1 - tail])
    if images < _FEWEST:  # a resample of so few can hardly differ from them
        low, high = min(low, 0.0, -mean), max(high, 0.0, -mean)
    return Effect(mean, (float(low), float(high)), float(resampled.std()), luck)


def images_needed(found: Effect, images: int, comparisons: int = 1) -> int | None:
    """About how many test images would show the effect in four of five measurements.

    The effect is taken to be as large as it was seen, or 2 points if it was smaller.

    Args:
        found: on `images` test images.
        images: how many were tested.
        comparisons: see `effect`.

    Returns:
        M = N (SE^2 - luck^2) / ((d / (z(1 - level/2k) + z(power)))^2 - luck^2), in two digits; None if these images
        would have shown it, or if no number would.

    Example:
        >>> images_needed(Effect(3.0, (-1.0, 7.0), 2.0), images=100)
        350
        >>> images_needed(Effect(3.0, (-1.0, 7.0), 2.0, luck=1.0), images=100)
        2100
    """
    left = _largest_error(found, comparisons) ** 2 - found.luck**2
    if not found.error or left <= 0:
        return None
    needed = images * (found.error**2 - found.luck**2) / left
    return _two_digits(needed) if needed > images else None


def hidden_by_luck(found: Effect, comparisons: int = 1) -> bool:
    """Whether no number of test images would show the effect: it takes other, or more, training images.

    Example:
        >>> hidden_by_luck(Effect(3.0, (-1.0, 7.0), 2.0)), hidden_by_luck(Effect(3.0, (-1.0, 7.0), 2.0, luck=1.5))
        (False, True)
    """
    return found.luck >= _largest_error(found, comparisons)


def _largest_error(found: Effect, comparisons: int) -> float:
    """The standard error with which the effect, or one of 2 points, is found in four of five measurements."""
    z = NormalDist().inv_cdf(1 - LEVEL / 2 / comparisons) + NormalDist().inv_cdf(POWER)
    return max(abs(found.mean), LEAST_EFFECT_POINTS) / z


def _two_digits(value: float) -> int:
    step = 10 ** max(0, len(str(int(value))) - 2)
    return int(-(-value // step) * step)
