"""From the average precision of cells to the report: a verdict for each recipe, and intervals for classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from augmentai.lift.arms import BASELINE
from augmentai.lift.dense import DenseLook
from augmentai.lift.report import ClassLift, RecipeLift
from augmentai.lift.statistics import LEAST_EFFECT_POINTS, Table, effect, hidden_by_luck, images_needed
from augmentai.lift.variations import Maker
from augmentai.lift.verdicts import of_failures, rounded

SEES = (
    "cells see context, pasted seams and false alarms; they do not see how exact a box or an outline is, how many "
    "objects there are, nor objects that cover less than a third of a cell of 16 pixels in 320"
)

_BY_VIEWS = (
    "more test images would not tell: with so few training images, the answer depends on which views of them are drawn"
)


def dense_verdicts(look: DenseLook, makers: Sequence[Maker], seed: int) -> tuple[RecipeLift, ...]:
    """What is said of each recipe, in the order asked.

    Args:
        look: what was measured.
        makers: the recipes.
        seed: of the resampling.
    """
    return tuple(_verdict(look, maker, max(1, len(makers)), seed) for maker in makers)


def _verdict(look: DenseLook, maker: Maker, comparisons: int, seed: int) -> RecipeLift:
    parts = look.made[maker.name]
    failed = sum(one.failed for one in parts)
    notes = [*maker.notes, *of_failures(failed, parts[0].reasons)]
    tested = np.array(look.shown) > 0
    before = look.values[BASELINE][..., tested]
    baseline = round(100 * float(before.mean()), 2)
    if maker.name not in look.values:  # no variation differs from its image
        nothing = not any(one.made.any() for one in parts)
        why = "no variation could be made" if nothing else "this recipe changes nothing"
        zero = (0.0, 0.0)
        return RecipeLift(
            maker.name,
            "cannot tell",
            0.0,
            zero,
            look.pictures,
            accuracy=baseline,
            baseline=baseline,
            failed=failed,
            notes=(why, *notes),
        )
    after = look.values[maker.name][..., tested]
    found = effect((after - before).mean(-1), comparisons, seed, few_views=True)
    needs = images_needed(found, look.pictures, comparisons) if found.verdict == "cannot tell" else None
    if found.verdict == "cannot tell" and hidden_by_luck(found, comparisons):
        notes.append(_BY_VIEWS)
    elif found.verdict == "cannot tell" and needs is None:
        notes.append(f"an effect of {LEAST_EFFECT_POINTS:g} points or more would have been seen")
    return RecipeLift(
        maker.name,
        found.verdict,
        round(found.mean, 2),
        rounded(found),
        look.pictures,
        needs,
        _per_class(look, look.values[maker.name] - look.values[BASELINE], seed),
        None,
        round(100 * float(after.mean()), 2),
        baseline,
        failed,
        tuple(notes),
    )


def _per_class(look: DenseLook, differences: Table, seed: int) -> tuple[ClassLift, ...]:
    found = []
    for number, (name, images) in enumerate(zip(look.classes, look.shown, strict=True)):
        if images:
            one = effect(differences[..., number], 1, seed, few_views=True)
            found.append(ClassLift(name, images, round(one.mean, 2), rounded(one)))
    return tuple(found)
