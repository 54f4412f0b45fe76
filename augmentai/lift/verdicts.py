"""From the scores of the arms to the report: a verdict for each recipe, intervals for classes and shifted images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from augmentai.lift.arms import BASELINE
from augmentai.lift.classification import Look
from augmentai.lift.report import ClassLift, Difference, RecipeLift
from augmentai.lift.statistics import LEAST_EFFECT_POINTS, Effect, Table, effect, images_needed
from augmentai.lift.variations import Maker
from augmentai.plurals import counted


def verdicts(look: Look, makers: Sequence[Maker], seed: int) -> tuple[RecipeLift, ...]:
    """What is said of each recipe, in the order asked.

    Args:
        look: what was measured.
        makers: the recipes.
        seed: of the resampling.
    """
    return tuple(_verdict(look, maker, max(1, len(makers)), seed) for maker in makers)


def _verdict(look: Look, maker: Maker, comparisons: int, seed: int) -> RecipeLift:
    views = look.made[maker.name]
    failed = sum(one.failed for one in views)
    notes = [*maker.notes, *of_failures(failed, views[0].reasons)]
    baseline = 100 * float(look.scores["clean"][BASELINE].mean())
    images = len(look.labels)
    if maker.name not in look.scores["clean"]:  # no variation differs from its image
        why = (
            "no variation could be made" if all(not one.made.any() for one in views) else "this recipe changes nothing"
        )
        zero = Difference(0.0, (0.0, 0.0))
        return RecipeLift(
            maker.name,
            "cannot tell",
            0.0,
            (0.0, 0.0),
            images,
            shifted=zero,
            accuracy=round(baseline, 2),
            baseline=round(baseline, 2),
            failed=failed,
            notes=(why, *notes),
        )
    clean, shifted = (_differences(look, kind, maker.name) for kind in ("clean", "shifted"))
    found, under_shift = effect(clean, comparisons, seed), effect(shifted, comparisons, seed)
    needs = images_needed(found, images, comparisons) if found.verdict == "cannot tell" else None
    if found.verdict == "cannot tell" and needs is None:
        notes.append(f"an effect of {LEAST_EFFECT_POINTS:g} points or more would have been seen")
    return RecipeLift(
        maker.name,
        found.verdict,
        round(found.mean, 2),
        rounded(found),
        images,
        needs,
        _per_class(look, clean, seed),
        Difference(round(under_shift.mean, 2), rounded(under_shift)),
        round(100 * float(look.scores["clean"][maker.name].mean()), 2),
        round(baseline, 2),
        failed,
        tuple(notes),
    )


def of_failures(failed: int, reasons: Sequence[str]) -> list[str]:
    """What is said of variations that could not be made."""
    if not failed:
        return []
    why = f" ({reasons[0]})" if reasons else ""
    return [f"{counted(failed, 'variation')} could not be made; flips and crops stood in for them{why}"]


def _differences(look: Look, kind: str, name: str) -> Table:
    arms = look.scores[kind]
    return arms[name].astype(np.float32) - arms[BASELINE].astype(np.float32)


def _per_class(look: Look, differences: Table, seed: int) -> tuple[ClassLift, ...]:
    found = []
    for number, name in enumerate(look.classes):
        own = look.labels == number
        if own.any():
            one = effect(differences[:, own], 1, seed)
            found.append(ClassLift(name, int(own.sum()), round(one.mean, 2), rounded(one)))
    return tuple(found)


def rounded(found: Effect) -> tuple[float, float]:
    """Two digits after the point, which never turn an interval that leaves zero out into one that has it."""
    low, high = (round(bound, 2) for bound in found.interval)
    return low, high
