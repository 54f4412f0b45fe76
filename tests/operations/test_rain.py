"""Rain: bright streaks of one direction, more of them when it rains harder, and a dimmer scene."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from augmentai.operations.rain import Rain
from tests.support.operation_images import changed, drawn_by, flat, stripes


def direction_deg(values: np.ndarray) -> float:
    """Degrees from the vertical along which values change least, by the structure tensor."""
    down, across = np.gradient(gaussian_filter(values[..., 1], 2))
    return float(0.5 * np.degrees(np.arctan2(2 * (across * down).sum(), (across**2 - down**2).sum())))


@pytest.mark.parametrize("slant", [-40.0, -15.0, 0.0, 30.0])
def test_streaks_share_one_direction(slant: float) -> None:
    image = flat(60, (480, 360))
    after = changed(Rain(), image, drawn_by(Rain(strength=0.5, slant=slant), image))  # type: ignore[arg-type]
    assert direction_deg(after) == pytest.approx(slant, abs=4)


def test_above_zero_it_falls_towards_the_left() -> None:
    image = flat(60, (480, 360))
    after = changed(Rain(), image, drawn_by(Rain(strength=0.2, slant=45), image))[..., 1]  # type: ignore[arg-type]
    left, right = ((after[1:] * np.roll(after, by, axis=1)[:-1]).mean() for by in (-1, 1))
    assert left > right


def test_harder_rain_has_more_streaks() -> None:
    image = flat(60)
    drawn = drawn_by(Rain(), image)
    seen = [(changed(Rain(), image, {**drawn, "strength": strength})[..., 1] > 75).mean() for strength in (0.1, 0.4, 1)]
    assert 0 < seen[0] < seen[1] < seen[2] < 0.7


def test_the_scene_is_dimmed_and_loses_contrast() -> None:
    after = changed(Rain(), stripes(), drawn_by(Rain(strength=0.8), stripes()))  # type: ignore[arg-type]
    assert after[..., 1].std() < 0.85 * np.asarray(stripes())[..., 1].std()
    assert np.percentile(after, 75) < 200


@pytest.mark.parametrize("size_wh", [(320, 240), (1280, 960)])
def test_a_larger_image_has_the_same_rain(size_wh: tuple[int, int]) -> None:
    drawn = {"strength": 0.6, "slant_deg": 10.0, "seed": 5}
    after = changed(Rain(), flat(60, size_wh), drawn)[..., 1]
    assert (after > np.median(after) + 6).mean() == pytest.approx(0.09, abs=0.04)
