"""From the answers of many measurements: how often each was given, and whether the intervals hold what they promise."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from augmentai.lift.statistics import LEAST_EFFECT_POINTS, Effect, images_needed

BY_FOLDS = "folds"
OFTEN = 0.8  # share of the draws in which an effect is to be found


@dataclass(frozen=True)
class Answer:
    """What was said of one draw.

    Attributes:
        set, recipe: names.
        shots: training images of a class.
        tested: how many test images, or "folds".
        difference: in percentage points.
        interval: of 95 %.
        error: the standard error that belongs to it.
    """

    set: str
    recipe: str
    shots: int
    tested: str
    difference: float
    interval: tuple[float, float]
    error: float


@dataclass(frozen=True)
class Row:
    """All draws of a set, a recipe, a number of training images of a class and a number of test images.

    Attributes:
        draws: how many.
        helps, hurts: in how many of them that was said.
        mean: difference in percentage points.
        spread: standard deviation of the differences; None of a single draw.
        error: mean of the standard errors that were reported.
        covered: in how many draws the interval has the mean over the draws in it.
    """

    set: str
    recipe: str
    shots: int
    tested: str
    draws: int
    helps: int
    hurts: int
    mean: float
    spread: float | None
    error: float
    covered: int

    def as_dict(self) -> dict[str, Any]:
        """The fields for JSON."""
        return asdict(self)


def summarise(answers: Iterable[Answer]) -> list[Row]:
    """A row for each set, recipe, number of training images and number of test images, in the order of the answers.

    Example:
        >>> answers = [Answer("a", "x", 5, "60", d, (d - 2, d + 2), 1.0) for d in (1.0, 3.0)]
        >>> row = summarise(answers)[0]
        >>> row.helps, row.hurts, row.mean, row.covered
        (1, 0, 2.0, 2)
    """
    groups: dict[tuple[str, int, str, str], list[Answer]] = {}
    for one in answers:
        groups.setdefault((one.set, one.shots, one.recipe, one.tested), []).append(one)
    return [_row(own) for _, own in sorted(groups.items(), key=lambda item: item[0][:2])]


def _row(answers: Sequence[Answer]) -> Row:
    first, differences = answers[0], np.array([one.difference for one in answers])
    mean = float(differences.mean())
    return Row(
        first.set,
        first.recipe,
        first.shots,
        first.tested,
        len(answers),
        sum(one.interval[0] > 0 for one in answers),
        sum(one.interval[1] < 0 for one in answers),
        round(mean, 2),
        round(float(differences.std(ddof=1)), 2) if len(answers) > 1 else None,
        round(float(np.mean([one.error for one in answers])), 2),
        sum(one.interval[0] <= mean <= one.interval[1] for one in answers),
    )


def found_with(rows: Sequence[Row]) -> int | None:
    """The fewest test images with which the effect was found in four of five draws.

    Args:
        rows: of one set, one recipe and one number of training images.

    Returns:
        Among those that were tried; None if none was enough, or if there is no effect.

    Example:
        >>> answers = [Answer("a", "x", 5, "60", 3.0, (1.0, 5.0), 1.0)]
        >>> found_with(summarise(answers))
        60
    """
    counted = sorted((int(row.tested), row) for row in rows if row.tested != BY_FOLDS)
    enough = [count for count, row in counted if (row.helps if row.mean > 0 else row.hurts) >= OFTEN * row.draws]
    return enough[0] if enough else None


def needed(rows: Sequence[Row]) -> list[str]:
    """How many test images it takes to find an effect in four of five draws, in words.

    Where none of the numbers that were tried is enough, it is told from mean and reported error, as the product does,
    for effects of 2 points or more.

    Example:
        >>> needed(summarise([Answer("a", "x", 5, "60", 3.0, (-1.0, 7.0), 2.0)]))
        ['a, 5 per class, x: not found in four of five draws with 60 test images; about 210 would do']
    """
    groups: dict[tuple[str, int, str], list[Row]] = {}
    for row in rows:
        if row.tested != BY_FOLDS:
            groups.setdefault((row.set, row.shots, row.recipe), []).append(row)
    said = []
    for (name, shots, recipe), own in groups.items():
        what = f"{name}, {shots} per class, {recipe}"
        most = max(own, key=lambda row: int(row.tested))
        if fewest := found_with(own):
            said.append(f"{what}: found in four of five draws with {fewest} test images")
        elif abs(most.mean) >= LEAST_EFFECT_POINTS:
            number = images_needed(Effect(most.mean, (0.0, 0.0), most.error), int(most.tested)) or most.tested
            said.append(
                f"{what}: not found in four of five draws with {most.tested} test images; about {number} would do"
            )
    return said


def markdown(rows: Sequence[Row]) -> str:
    """The rows as a table."""
    lines = [
        '| set, images per class | recipe | tested on | "helps" | "hurts" | mean difference | spread of the draws '
        "| standard error reported | intervals with the mean in them |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        spread = "" if row.spread is None else f"{row.spread:.1f}"
        lines.append(
            f"| {row.set}, {row.shots} | {row.recipe} | {row.tested} | {row.helps} of {row.draws} "
            f"| {row.hurts} of {row.draws} | {row.mean:+.1f} | {spread} | {row.error:.1f} "
            f"| {row.covered} of {row.draws} |"
        )
    return "\n".join(lines)
