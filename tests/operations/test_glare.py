"""Glare: brightest at the light, brighter everywhere, and white stays white."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from augmentai.operations.glare import Glare
from tests.support.operation_images import SIZE_WH, changed, drawn_by, flat

DRAWN = {"strength": 0.7, "at": [0.3, 0.4], "blades": 12, "turn": 0.2, "warmth": 0.5, "seed": 4}


def test_it_adds_light_and_most_at_the_source() -> None:
    added = changed(Glare(), flat(60), DRAWN)[..., 1] - 60
    assert added.min() >= 1
    y, x = np.unravel_index(added.argmax(), added.shape)
    assert (x / SIZE_WH[0], y / SIZE_WH[1]) == pytest.approx((0.3, 0.4), abs=0.03)
    assert added.max() > 170


def test_it_blooms_around_the_source() -> None:
    """On average, less light the further away; also where the rays are."""
    added = changed(Glare(), flat(60), DRAWN)[..., 1] - 60
    y, x = np.mgrid[: SIZE_WH[1], : SIZE_WH[0]] + 0.5
    distance = np.hypot(x - 0.3 * SIZE_WH[0], y - 0.4 * SIZE_WH[1])
    rings = [added[(distance >= low) & (distance < low + 12)].mean() for low in range(0, 96, 12)]
    assert all(nearer > further for nearer, further in pairwise(rings))


def test_stronger_is_brighter_and_white_stays_white() -> None:
    means = [changed(Glare(), flat(60), {**DRAWN, "strength": strength}).mean() for strength in (0.1, 0.4, 0.7, 1)]
    assert all(weaker < stronger for weaker, stronger in pairwise(means))
    assert (changed(Glare(), flat(255), DRAWN) == 255).all()


def test_warm_light_is_warm() -> None:
    red, _, blue = changed(Glare(), flat(60), {**DRAWN, "warmth": 1.0}).mean((0, 1))
    assert red > blue + 5


def test_the_source_may_be_anywhere_above() -> None:
    places = np.array([drawn_by(Glare(), flat(), seed)["at"] for seed in range(40)])
    assert places[:, 0].min() < 0.2
    assert places[:, 0].max() > 0.8
    assert places[:, 1].max() <= 0.5
