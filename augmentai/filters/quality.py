"""Whether a variation is of use: it has changed, it is whole, and it still shows what its source showed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from augmentai.filters.features import ImageFeatures, change
from augmentai.recipe import Thresholds

_NOISY = 0.8  # sharp photographs lie between 0.1 and 0.8; what is more is noise, which a variation may lose
_SOFT = 0.02  # a source of less sharpness is a smooth slope: there is no detail to be lost


@dataclass(frozen=True)
class Verdict:
    """scores: what was measured, for the manifest. filter: the name of the one that rejects it, "" where none does.
    reason: why, in words. marks: what is to be told of one that passes all the same."""

    scores: Mapping[str, float]
    filter: str = ""
    reason: str = ""
    marks: Mapping[str, Any] = field(default_factory=dict)


def judge_quality(
    before: ImageFeatures, after: ImageFeatures, strength: float, thresholds: Thresholds, moved: bool
) -> Verdict:
    """What is to be said of a variation by itself.

    before: its source. after: the variation before its geometry, so that both show the same things in the same places.
    moved: geometry that was asked for moves it besides, so that it is new even where the engine changed nothing.
    strength: the recipe's; at 0 the user asks for the source itself, and nothing is rejected; nor is anything of a
    plain source, of one colour.

    change: mean absolute difference at a glance (32 x 32), in levels of 255; what a variation must at least have grows
    with the strength. contrast and sharpness: the variation's as a share of its source's.
    """
    changed = change(before, after)
    scores = {"change": round(changed, 2)}
    if strength == 0 or before.plain:
        return Verdict(scores)
    scores["contrast"] = round(after.contrast / before.contrast, 3)
    if before.sharpness >= _SOFT:
        scores["sharpness"] = round(after.sharpness / min(before.sharpness, _NOISY), 3)
    least = thresholds.near_copy * strength
    if changed < least and not moved:
        why = (
            f"nothing changed: it differs from its source by {changed:.2f} of 255 levels, expected at least {least:.2f}"
        )
        return Verdict(scores, "near_copy", why)
    if scores.get("contrast", 1.0) < thresholds.flat:
        why = f"it is flat: {scores['contrast']:.0%} of its source's contrast, expected at least {thresholds.flat:.0%}"
        return Verdict(scores, "flat", why)
    if scores.get("sharpness", 1.0) < thresholds.blurred:
        why = f"it is blurred: {scores['sharpness']:.0%} of its source's sharpness, expected at least"
        return Verdict(scores, "blurred", f"{why} {thresholds.blurred:.0%}")
    return Verdict(scores)
