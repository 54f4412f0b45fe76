"""Changes of colour move nothing and are drawn from the numbers that they are given."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from benchmarks.worth.colour import colour_jitter, histogram_matching, reinhard, simulated_light
from benchmarks.worth.techniques import Change


def _noise(seed: int, low: int, high: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(low, high, (24, 32, 3), dtype=np.uint8))


@pytest.mark.parametrize("change", [simulated_light, colour_jitter, reinhard, histogram_matching])
def test_a_change_of_colour(change: Change) -> None:
    dark, light = _noise(1, 0, 120), _noise(2, 100, 255)
    made, again = (change(dark, light, np.random.default_rng(3)) for _ in range(2))
    assert made.size == dark.size
    assert made.tobytes() == again.tobytes() != dark.tobytes()


@pytest.mark.parametrize("change", [reinhard, histogram_matching])
def test_a_donor_gives_its_brightness(change: Change) -> None:
    dark, light = _noise(1, 0, 120), _noise(2, 100, 255)
    made = np.asarray(change(dark, light, np.random.default_rng(3)))
    assert made.mean() == pytest.approx(np.asarray(light).mean(), abs=6)
