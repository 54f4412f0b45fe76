"""Dirt: drops show the scene upside down, spots darken; both in places, out of focus."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from augmentai.operations.dirt import Dirt
from tests.support.operation_images import changed, flat


def drawn(kind: str, strength: float = 0.5, seed: int = 2) -> dict[str, Any]:
    return {"strength": strength, "kind": kind, "seed": seed}


def above_and_below() -> Image.Image:
    """Bright above, dark below."""
    values = np.full((160, 240, 3), 40, np.uint8)
    values[:80] = 220
    return Image.fromarray(values)


@pytest.mark.parametrize("kind", ["drops", "spots"])
def test_it_covers_places_and_more_of_them_when_stronger(kind: str) -> None:
    before = np.asarray(above_and_below()).astype(float)
    shares = [
        np.mean(
            [
                (np.abs(changed(Dirt(), above_and_below(), drawn(kind, strength, seed)) - before).max(-1) > 6).mean()
                for seed in range(6)
            ]
        )
        for strength in (0.1, 0.4, 1)
    ]
    assert 0 < shares[0] < shares[1] < shares[2] < 0.6


def test_spots_darken_and_never_brighten() -> None:
    after = changed(Dirt(), flat(200, (640, 480)), drawn("spots"))
    assert after.max() <= 200
    assert after.min() < 150
    assert np.abs(np.diff(after[..., 1], axis=1)).max() < 45  # their edges are soft


def test_a_drop_shows_the_scene_upside_down() -> None:
    """Drops in the dark lower part show the bright sky."""
    after = np.stack([changed(Dirt(), above_and_below(), drawn("drops", 1, seed)) for seed in range(8)])
    assert after[:, 110:, :, 1].max() > 130
    assert after[:, :75, :, 1].min() < 110


def test_drops_in_a_scene_of_one_colour_are_of_that_colour() -> None:
    image = Image.new("RGB", (240, 160), (0, 200, 0))
    after = changed(Dirt(), image, drawn("drops", 1))
    assert after[..., 0].max() == 0
    assert after[..., 2].max() == 0
    assert 100 < after[..., 1].min() < after[..., 1].max() <= 255


@pytest.mark.parametrize("kind", ["drops", "spots"])
def test_what_is_hidden_under_clear_pixels_never_shows(kind: str) -> None:
    values = np.zeros((96, 96, 4), np.uint8)
    values[:, :48] = (0, 200, 0, 255)
    values[:, 48:] = (255, 0, 0, 0)  # red that nobody sees
    for seed in range(4):
        after = changed(Dirt(), Image.fromarray(values), drawn(kind, 1, seed))
        np.testing.assert_array_equal(after[..., 3], values[..., 3])
        assert after[:, :48, 0].max() <= 2
        assert after[:, :48, 1].max() > 100
