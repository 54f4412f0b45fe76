"""A measurement in words: the verdict of each recipe, and what was measured."""

from __future__ import annotations

from augmentai.lift.report import Difference, LiftReport, RecipeLift
from augmentai.plurals import counted

_METHODS = {
    "probe": "quick look: a linear classifier on the features of a pretrained network",
    "cells": "quick look: a linear classifier on cells of the features of a pretrained network",
    "fine-tune": "all layers of a pretrained network trained",
}
_METRICS = {"probe": "accuracy", "cells": "mean average precision of cells", "fine-tune": "accuracy"}
_SPLITS = {
    "test": "the set's test images",
    "validation": "the set's validation images",
    "folds": "each image in turn, by models that never saw it",
}


def points(one: Difference | RecipeLift) -> str:
    """A difference with its interval.

    Example:
        >>> points(Difference(2.04, (-0.3, 4.38)))
        '+2.0 (-0.3 to +4.4)'
    """
    low, high = one.interval
    return f"{_signed(one.difference)} ({_signed(low)} to {_signed(high)})"


def metric(report: LiftReport) -> str:
    """What the points are of: accuracy, or, of sets with boxes or masks, mean average precision of cells."""
    return _METRICS[report.method]


def verdict(one: RecipeLift) -> str:
    """The verdict on a recipe in one sentence.

    Example:
        >>> verdict(RecipeLift("light", "cannot tell", 0.4, (-1.2, 2.0), pictures=120, needs=1900))
        'cannot tell with 120 images (about 1,900 would do)'
        >>> verdict(RecipeLift("signs", "helps", 6.0, (2.1, 9.8), pictures=120))
        'helps'
    """
    if one.verdict != "cannot tell":
        return one.verdict
    words = f"cannot tell with {counted(one.pictures, 'image')}"
    return f"{words} (about {one.needs:,} would do)" if one.needs is not None else words


def heading(report: LiftReport) -> str:
    """What was measured, on what and how, in one line."""
    tested = f"{counted(report.pictures, 'test image')} ({_SPLITS[report.split]})"
    trained = f"{counted(report.training, 'training image')}, {counted(report.repeats, 'repeat')}, seed {report.seed}"
    return (
        f"{report.set}: {counted(report.classes, 'class', 'classes')}, {tested}, {trained}; {_METHODS[report.method]}"
    )


def text(report: LiftReport) -> str:
    """The whole report as plain text, for logs and dataset cards.

    Example:
        >>> one = RecipeLift("light", "helps", 6.0, (2.1, 9.8), 120, accuracy=71.0, baseline=65.0)
        >>> report = LiftReport("pets", "classification", "probe", "test", 3, 120, 60, 10, 7, "tiny", 21.0, (one,))
        >>> print(text(report).splitlines()[1])
        light: helps; +6.0 (+2.1 to +9.8) points of accuracy, 71.0 % against 65.0 % with flips and crops alone
    """
    lines = [heading(report)]
    for one in report.recipes:
        line = f"{one.recipe}: {verdict(one)}; {points(one)} points of {metric(report)}, {one.accuracy:.1f} % against"
        line += f" {one.baseline:.1f} % with flips and crops alone"
        lines.append(line + (f"; shifted images {points(one.shifted)}" if one.shifted else ""))
        lines += [f"  {note}" for note in one.notes]
    return "\n".join((*lines, *report.notes))


def _signed(value: float) -> str:
    rounded = round(value, 1)
    return f"{rounded:+.1f}" if rounded else "0.0"
