"""What is painted over a hole."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from augmentai.operations.compositing.blend import filled_in


def ramp(size_wh: tuple[int, int], grain: float = 0.0) -> Image.Image:
    """From dark on the left to bright on the right, with grain."""
    width, height = size_wh
    levels = np.broadcast_to(np.linspace(60, 200, width)[None, :, None], (height, width, 3))
    noise = np.random.default_rng(1).normal(0, 1, (height, width, 1)) * grain
    return Image.fromarray((levels + noise).clip(0, 255).astype(np.uint8))


def middle(size_wh: tuple[int, int]) -> np.ndarray:
    hole = np.zeros(size_wh[::-1], bool)
    width, height = size_wh
    hole[height // 3 : 2 * height // 3, width // 3 : 2 * width // 3] = True
    return hole


@pytest.mark.parametrize("size_wh", [(240, 180), (500, 90), (60, 60)])
def test_colours_continue_over_the_hole(size_wh: tuple[int, int]) -> None:
    """Of a smooth image nothing is to be seen of it."""
    image, hole = ramp(size_wh), middle(size_wh)
    holed = image.copy()
    holed.paste("red", mask=Image.fromarray(hole))
    made = np.asarray(filled_in(holed, hole)).astype(int)
    assert np.abs(made - np.asarray(image).astype(int)).max() < 14


def test_there_are_no_streaks() -> None:
    """Spots at the border of the hole reach only as far into it as they are wide."""
    size_wh = (240, 180)
    image, hole = Image.new("RGB", size_wh, (100, 100, 100)), middle(size_wh)
    for x in range(80, 160, 20):
        image.paste((220, 220, 220), (x, 30, x + 8, 59))
    made = np.asarray(filled_in(image, hole)).astype(int)[..., 0]
    assert np.abs(np.diff(made[75, 90:150:5])).max() <= 4


@pytest.mark.parametrize("grain", [3.0, 8.0])
def test_it_is_as_grainy_as_what_is_around_it(grain: float) -> None:
    image, hole = ramp((240, 180), grain), middle((240, 180))
    made = np.asarray(filled_in(image, hole).convert("L")).astype(float)
    steps = np.abs(np.diff(made, axis=1))
    inner, outer = steps[75:105, 95:145].mean(), steps[5:40].mean()
    assert 0.4 < inner / outer < 1.6


def test_the_same_hole_is_filled_alike() -> None:
    image, hole = ramp((120, 90), 4.0), middle((120, 90))
    assert filled_in(image, hole).tobytes() == filled_in(image, hole).tobytes()


@pytest.mark.parametrize("size_wh", [(1, 1), (3, 2), (9, 1), (4, 300)])
def test_images_of_any_size(size_wh: tuple[int, int]) -> None:
    hole = np.zeros(size_wh[::-1], bool)
    hole[0, 0] = True
    assert filled_in(Image.new("RGB", size_wh, "teal"), hole).size == size_wh
