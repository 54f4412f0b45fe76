"""Quarter turns move pixels and labels exactly, and four of them give the original."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest
from PIL import Image

from augmentai.annotations import Labels, Shape
from augmentai.operations import DrawSettings, apply_operations
from augmentai.operations.flip import Flip
from augmentai.operations.turn90 import Turn90
from tests.support.image_files import colours, deep_values

SIDE = 64
RING = ((10.0, 8.0), (30.0, 8.0), (30.0, 20.0), (10.0, 40.0))
LINE = ((2.0, 3.0), (40.0, 5.0), (41.5, 60.0))
KEYPOINTS = ((12.5, 9.5, 2.0), (0.0, 0.0, 0.0), (60.5, 3.5, 1.0))


def bitmap() -> Any:
    found = np.zeros((SIDE, SIDE), bool)
    found[5:20, 7:50] = True
    found[20:40, 7:12] = True
    return found


def labels() -> Labels:
    mask = Image.fromarray((bitmap() * 7).astype(np.uint8))
    shapes = (
        Shape("box", (3.0, 4.0, 20.0, 50.0)),
        Shape("polygon", (10.0, 8.0, 30.0, 40.0), (RING,)),
        Shape("bitmap", (7.0, 5.0, 50.0, 40.0), mask=bitmap()),
        Shape("points", (0.0, 0.0, 64.0, 12.0), keypoints=KEYPOINTS),
        Shape("line", None, lines=(LINE,)),
    )
    return Labels(shapes, mask)


def turned(turns: int, image: Image.Image, before: Labels | None) -> tuple[Image.Image, Labels | None]:
    """By what a seed draws that gives so many quarter turns."""
    for seed in range(50):
        drawn = Turn90().draw(Random(seed), image.size, before, DrawSettings())
        assert drawn is not None
        if drawn["rotation_deg"] == 90 * turns:
            return Turn90().apply(image, before, drawn)
    raise AssertionError(f"no seed turns by {turns}")


IMAGES = {
    "RGB": colours((SIDE, SIDE)),
    "L": colours((SIDE, SIDE)).convert("L"),
    "RGBA": colours((SIDE, SIDE)).convert("RGBA"),
    "I;16": Image.fromarray(np.resize(deep_values(), (SIDE, SIDE))),
}


@pytest.mark.parametrize("mode", IMAGES)
@pytest.mark.parametrize("turns", [1, 2, 3])
def test_pixels_change_their_places_and_nothing_else(mode: str, turns: int) -> None:
    image = IMAGES[mode]
    made, _ = turned(turns, image, None)
    np.testing.assert_array_equal(np.asarray(made), np.rot90(np.asarray(image), turns))


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_labels_are_moved_exactly(turns: int) -> None:
    before = labels()
    _, after = turned(turns, IMAGES["RGB"], before)
    assert after is not None
    box, polygon, with_bitmap, points, line = after.shapes
    expected = np.rot90(bitmap(), turns)
    np.testing.assert_array_equal(with_bitmap.mask, expected)
    np.testing.assert_array_equal(np.asarray(after.mask) == 7, expected)
    rows, columns = np.flatnonzero(expected.any(1)), np.flatnonzero(expected.any(0))
    assert with_bitmap.box == (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    assert filled_box(box.box) == pytest.approx(np.rot90(filled_box((3, 4, 20, 50)), turns))
    assert set(polygon.polygons[0]) == {place(point, turns) for point in RING}
    assert line.lines[0] == tuple(place(point, turns) for point in LINE)
    assert points.keypoints[0] == (*place(KEYPOINTS[0][:2], turns), 2.0)
    assert points.keypoints[1] == (0.0, 0.0, 0.0)


def filled_box(box: Any) -> Any:
    x0, y0, x1, y1 = map(int, box)
    found = np.zeros((SIDE, SIDE))
    found[y0:y1, x0:x1] = 1
    return found


def place(point: tuple[float, float], turns: int) -> tuple[float, float]:
    x, y = point
    for _ in range(turns):
        x, y = y, SIDE - x
    return x, y


@pytest.mark.parametrize("turns", [1, 3])
def test_four_quarter_turns_give_the_original(turns: int) -> None:
    image, before = IMAGES["RGB"], labels()
    made, after = image, before
    for _ in range(4):
        made, after = turned(turns, made, after)  # type: ignore[assignment]
    assert made.tobytes() == image.tobytes()
    assert [replace(shape, mask=None) for shape in after.shapes] == [
        replace(shape, mask=None) for shape in before.shapes
    ]
    assert after.mask is not None
    assert before.mask is not None
    assert after.mask.tobytes() == before.mask.tobytes()


@pytest.mark.parametrize("size_wh", [(64, 48), (48, 64)])
def test_an_image_that_is_not_square_is_turned_upside_down(size_wh: tuple[int, int]) -> None:
    image = colours(size_wh)
    for seed in range(8):
        made = apply_operations(image, None, [Turn90(probability=1)], seed).image
        assert made.size == size_wh
        np.testing.assert_array_equal(np.asarray(made), np.asarray(image)[::-1, ::-1])


def test_with_a_flip_all_eight_ways_occur_and_none_is_resampled() -> None:
    image = IMAGES["RGB"]
    pixels = np.asarray(image)
    ways = {np.rot90(one, turns).tobytes() for one in (pixels, pixels[:, ::-1]) for turns in range(4)}
    seen = {apply_operations(image, None, [Turn90(), Flip()], seed).image.tobytes() for seed in range(80)}
    assert seen == ways
