"""Fog: less contrast, and lighter with the distance, which is towards the top."""

from __future__ import annotations

import numpy as np
import pytest

from augmentai.operations.fog import Fog, distance
from tests.support.operation_images import changed, drawn_by, stripes


def contrast(values: np.ndarray) -> float:
    return float(values[..., 1].std(axis=1).mean())


def test_thicker_fog_leaves_less_contrast() -> None:
    drawn = drawn_by(Fog(), stripes())
    left = [contrast(changed(Fog(), stripes(), {**drawn, "strength": strength})) for strength in (0.2, 0.5, 0.9)]
    assert contrast(np.asarray(stripes()).astype(float)) > left[0] > 1.3 * left[1] > 1.3**2 * left[2]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_hides_the_top_more_than_the_bottom(seed: int) -> None:
    after = changed(Fog(), stripes(), drawn_by(Fog(strength=0.6), stripes(), seed))  # type: ignore[arg-type]
    dark = after[:, :8, 1].mean(axis=1)
    assert dark[:30].mean() > dark[-30:].mean() + 30
    assert contrast(after[:30]) < 0.6 * contrast(after[-30:])


def test_without_depth_it_is_about_the_same_everywhere() -> None:
    drawn = {**drawn_by(Fog(strength=0.5, depth=0), stripes()), "seed": 1}  # type: ignore[arg-type]
    after = changed(Fog(), stripes(), drawn)
    assert contrast(after[:40]) == pytest.approx(contrast(after[-40:]), rel=0.4)
    assert (distance(10, 0.4, 0) == 1).all()


def test_fog_at_night_is_darker_than_by_day() -> None:
    drawn = drawn_by(Fog(strength=1), stripes())  # type: ignore[arg-type]
    night, day = (changed(Fog(), stripes(5, high), drawn)[:20].mean() for high in (40, 220))
    assert night < 90 < 180 < day
