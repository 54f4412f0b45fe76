"""Painted rectangles of any size, at any place, through every preset and operation: what their labels are worth.

A label is compared with the pixels that the object fills by more than half. What holds:

- Outlines, bitmaps and masks differ from these pixels by at most `MOST_PX` for each pixel of the border's length, or by
  `LEAST_PX`. From `LEAST_SIDE_PX` on both sides that is an IoU of 0.95 and more.
- Boxes are those around the outline, and contain the object to `MOST_BEYOND_PX`. One that is moved several times
  without an outline grows each time: nothing says where in it the object is.
- Rotated boxes of four corners are the same where they are whole. Where the border cuts them four corners cannot follow
  it, and the IoU is 0.7 and more.
- Of an object 1 px thin these pixels may be all of it, or none. Its label is where it shows most, to a pixel.
- No label is narrower than 1 px, and what is left out is counted.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from augmentai import registry
from augmentai.annotations import Box, Labels, Shape, objects_lost
from augmentai.dataset.formats.masks.raster import filled
from augmentai.operations import Operation, apply_operations, apply_warp, build_operations, warp_for
from augmentai.operations.geometric import GeometricOperation
from augmentai.operations.presets import PRESETS
from augmentai.recipe import Recipe
from tests.support.painted_objects import bounds, overlap

GROUND, PAINT = 60, 240
LEAST_VISIBLE = 0.3
LEAST_SIDE_PX = 32
MOST_PX, LEAST_PX = 1, 6
MOST_BEYOND_PX = 1.5
LEAST_IOU, LEAST_IOU_OF_CUT_CORNERS = 0.95, 0.7
SIZES = [(160, 120), (128, 128), (90, 160), (400, 50), (40, 320)]  # 4:3, 1:1, 9:16, 8:1, 1:8
STEPS = {
    "flip": ["flip(probability=1)"],
    "crop": ["crop(scale=0.4..0.9)"],
    "rotate": ["rotate(degrees=30)"],
    "perspective": ["perspective(tilt=0.2)"],
    "turn90": ["turn90(probability=1)"],
    "chained": ["flip", "rotate(degrees=12)", "crop(scale=0.6..0.9)", "perspective(tilt=0.1)"],
}
WAYS = [*(f"geometry {name}" for name in PRESETS if name != "none"), *STEPS]


@st.composite
def painted(draw: Any) -> tuple[tuple[int, int], Box]:
    """(size of an image, rectangle in it): of 1 px to all of a side, often at a border."""
    size_wh = draw(st.sampled_from(SIZES))
    x0, x1 = draw(sides(size_wh[0]))
    y0, y1 = draw(sides(size_wh[1]))
    return size_wh, (x0, y0, x1, y1)


@st.composite
def sides(draw: Any, length: int) -> tuple[int, int]:
    side = draw(st.one_of(st.just(1), st.integers(2, 12), st.integers(length // 4, length - 1)))
    start = draw(st.one_of(st.just(0), st.just(length - side), st.integers(0, length - side)))
    return start, start + side


def applied(way: str, image: Image.Image, labels: Labels, seed: int) -> tuple[Image.Image, Labels, int]:
    """(image, labels, how many objects were reported as lost) after a preset or operations."""
    if way not in STEPS:
        warp = warp_for(way.removeprefix("geometry "), image.size, seed, labels=labels)
        moved, after = apply_warp(warp, image, labels, LEAST_VISIBLE)
        assert after is not None
        return moved, after, objects_lost(labels, after)
    result = apply_operations(image, labels, build_operations(Recipe(operations=STEPS[way]).operations), seed)
    assert result.labels is not None
    return result.image, result.labels, result.lost


def drawn(shape: Shape, size_wh: tuple[int, int]) -> Any:
    return shape.mask if shape.mask is not None else filled(shape.polygons, size_wh)


def assert_true(way: str, size_wh: tuple[int, int], rectangle: Box, seed: int) -> None:
    """The labels of one painted rectangle, as a box, an outline, a rotated box, a bitmap and a mask, fit its pixels."""
    x0, y0, x1, y1 = map(int, rectangle)
    area = np.zeros(size_wh[::-1], bool)
    area[y0:y1, x0:x1] = True
    image = Image.fromarray(np.where(area, PAINT, GROUND).astype(np.uint8))
    ring = ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
    shapes = (
        Shape("box", rectangle),
        Shape("outline", rectangle, (ring,)),
        Shape("corners", rectangle, (ring,), oriented=True),
        Shape("bitmap", rectangle, mask=area),
    )
    labels = Labels(shapes, Image.fromarray(area.astype(np.uint8)))
    moved, after, lost = applied(way, image, labels, seed)
    steps = len(STEPS.get(way, "1"))
    cover = (np.asarray(moved).astype(float) - GROUND) / (PAINT - GROUND)
    seen = cover > 0.5
    assert after.mask is not None
    mask = np.asarray(after.mask) > 0
    assert lost == len(shapes) - len(after.shapes) + (not mask.any())
    is_thin = min(x1 - x0, y1 - y0) == 1
    if not is_thin:
        assert_fits(mask, seen, steps)
    found = {shape.category: shape for shape in after.shapes}
    for name, shape in found.items():
        assert shape.box is not None
        low, high = np.array(shape.box[:2]), np.array(shape.box[2:])
        assert (low >= -1e-6).all()
        assert (high <= np.array(size_wh) + 1e-6).all()
        assert ((high - low) >= 1 - 1e-6).all()
        if is_thin:
            assert brightest(cover, low - 1, high + 1) >= cover.max() - 0.05
            continue
        if name == "corners" and not is_whole(shape, size_wh):
            assert min(np.count_nonzero(seen.any(axis)) for axis in (0, 1)) < LEAST_SIDE_PX or (
                overlap(drawn(shape, size_wh), seen) >= LEAST_IOU_OF_CUT_CORNERS
            )
        elif name != "box":
            assert_fits(drawn(shape, size_wh), seen, steps)
        if seen.any() and name != "corners":
            (x0, y0, x1, y1), beyond = bounds(seen), MOST_BEYOND_PX * steps
            assert (low <= np.array([x0, y0]) + beyond).all()
            assert (high >= np.array([x1, y1]) - beyond).all()
    if steps == 1 and {"box", "outline"} <= found.keys():
        np.testing.assert_allclose(found["box"].box, found["outline"].box, atol=1e-6)  # type: ignore[arg-type]


def brightest(cover: Any, low: Any, high: Any) -> float:
    """The most that the object fills a pixel of, of those in a box that is as large as a pixel or larger."""
    (x0, y0), (x1, y1) = np.maximum(np.floor(low), 0).astype(int), np.ceil(high).astype(int)
    return float(cover[y0:y1, x0:x1].max())


def is_whole(shape: Shape, size_wh: tuple[int, int]) -> bool:
    """Whether the border does not cut it."""
    points = np.array(shape.polygons[0])
    return bool((points > 0).all() and (points < np.array(size_wh)).all())


def assert_fits(label: Any, seen: Any, steps: int) -> None:
    border = sum(np.count_nonzero(np.diff(one.astype(int), axis=axis)) for one in (label, seen) for axis in (0, 1)) / 2
    assert np.count_nonzero(label ^ seen) <= steps * max(LEAST_PX, MOST_PX * border)
    if min(np.count_nonzero(seen.any(axis)) for axis in (0, 1)) >= LEAST_SIDE_PX:
        assert overlap(label, seen) >= LEAST_IOU


def test_every_geometric_operation_is_in_the_table() -> None:
    known: dict[str, type[Operation]] = {
        name: registry.find("operations", name) for name in registry.names("operations")
    }
    assert {name for name, kind in known.items() if issubclass(kind, GeometricOperation)} <= STEPS.keys()


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=50, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(where=painted(), seed=st.integers(1, 10**6))
def test_labels_fit_their_pixels(way: str, where: Any, seed: int) -> None:
    assert_true(way, *where, seed)


@pytest.mark.nightly
@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=2500, deadline=None, suppress_health_check=list(HealthCheck))
@given(where=painted(), seed=st.integers(1, 10**6))
def test_labels_fit_their_pixels_in_thousands(way: str, where: Any, seed: int) -> None:
    assert_true(way, *where, seed)
