"""Whether a variation is useful by itself: it differs from its source, and neither contrast nor detail is lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from augmentai.filters.features import ImageFeatures, mean_difference
from augmentai.recipe import Thresholds

_NOISY = 0.8  # most sharp photographs are between 0.1 and 0.8; sharpness above is noise, which a variation may lose
_SOFT = 0.02  # a source of less sharpness is a smooth gradient: it has no detail to lose


@dataclass(frozen=True)
class Verdict:
    """What filters found.

    Attributes:
        scores: what was measured, by name, for the manifest.
        filter: the name of the filter that rejects the variation; "" if none does.
        reason: why, in words for the user.
        marks: what the manifest adds to a variation that passes nevertheless, by name.
    """

    scores: Mapping[str, float]
    filter: str = ""
    reason: str = ""
    marks: Mapping[str, Any] = field(default_factory=dict)


def judge_quality(
    before: ImageFeatures, after: ImageFeatures, strength: float, thresholds: Thresholds, moved: bool
) -> Verdict:
    """Judge a variation by itself.

    Args:
        before: its source.
        after: the variation before geometry and operations, so that both show the same things in the same places.
        strength: 0 to 1. At 0 the user asks for the source itself, and nothing is rejected; nor is anything of a source
            of one colour. The least change grows with it.
        thresholds: of the recipe.
        moved: geometry or operations that were asked for make it new, even if the engine changed nothing.

    Returns:
        The verdict, with the scores `change` (mean absolute difference of the coarse colours, in levels of 255),
        `contrast` and `sharpness` (the variation's as a share of its source's).

    Example:
        >>> from PIL import Image
        >>> from augmentai.filters import image_features
        >>> source = image_features(Image.linear_gradient("L"))
        >>> verdict = judge_quality(source, source, 0.4, Thresholds(), moved=False)
        >>> verdict.filter, verdict.scores["change"]
        ('near_copy', 0.0)
    """
    changed = mean_difference(before, after)
    scores = {"change": round(changed, 2)}
    if strength == 0 or before.plain:
        return Verdict(scores)
    scores["contrast"] = round(after.contrast / before.contrast, 3)
    if before.sharpness >= _SOFT:
        scores["sharpness"] = round(after.sharpness / min(before.sharpness, _NOISY), 3)
    least = thresholds.near_copy * strength
    if changed < least and not moved:
        why = f"near-copy of its source: the mean difference is {changed:.2f} of 255 levels"
        return Verdict(scores, "near_copy", f"{why}, expected at least {least:.2f}")
    if scores.get("contrast", 1.0) < thresholds.flat:
        why = f"low contrast: {scores['contrast']:.0%} of its source's, expected at least {thresholds.flat:.0%}"
        return Verdict(scores, "flat", why)
    if scores.get("sharpness", 1.0) < thresholds.blurred:
        why = f"blurred: {scores['sharpness']:.0%} of its source's sharpness, expected at least"
        return Verdict(scores, "blurred", f"{why} {thresholds.blurred:.0%}")
    return Verdict(scores)
