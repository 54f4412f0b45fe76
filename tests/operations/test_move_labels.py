"""Labels lie on the pixels they were drawn on: coloured things through every geometry and many seeds."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from augmentai.annotations import Box, Labels, Shape
from augmentai.operations import Warp, warp_for
from augmentai.operations.homography import draw
from augmentai.operations.move_labels import visible_share

SIZE_WH = (240, 180)
BOXES = [(20, 15, 80, 60), (100, 20, 180, 50), (30, 90, 70, 170), (110, 80, 150, 120), (170, 110, 230, 170)]
COLOURS = [(230, 30, 30), (30, 200, 30), (40, 60, 240), (240, 220, 20), (220, 40, 220)]
MOVING = ["flip", "light", "strong"]
SEEDS = range(1, 26)
SCALE = 8  # outlines are drawn at this many times the size, so that their edges lie where they should

Pixels = np.ndarray[Any, Any]


def rectangles() -> tuple[Image.Image, list[Shape]]:
    picture = Image.new("RGB", SIZE_WH, (120, 120, 120))
    for box, colour in zip(BOXES, COLOURS, strict=True):
        picture.paste(colour, box)
    return picture, [Shape(str(i), box) for i, box in enumerate(BOXES)]  # type: ignore[arg-type]


def stars() -> tuple[Image.Image, list[Shape]]:
    """Outlines with corners that point inwards, which a box says little of."""
    large = Image.new("RGB", (SIZE_WH[0] * SCALE, SIZE_WH[1] * SCALE), (120, 120, 120))
    shapes = []
    for i, ((x0, y0, x1, y1), colour) in enumerate(zip(BOXES, COLOURS, strict=True)):
        ring = []
        for k in range(10):
            reach, turn = (1.0 if k % 2 else 0.45), k * math.pi / 5 + i
            x = (x0 + x1) / 2 + reach * math.cos(turn) * (x1 - x0) / 2
            y = (y0 + y1) / 2 + reach * math.sin(turn) * (y1 - y0) / 2
            ring.append((x, y))
        ImageDraw.Draw(large).polygon([(x * SCALE - 0.5, y * SCALE - 0.5) for x, y in ring], fill=colour)
        xs, ys = zip(*ring, strict=True)
        shapes.append(Shape(str(i), (min(xs), min(ys), max(xs), max(ys)), (tuple(ring),)))
    return large.resize(SIZE_WH, Image.Resampling.BOX), shapes


def seen(picture: Image.Image, share: float = 0.5) -> list[Pixels]:
    """For each thing the pixels of which it covers at least this share."""
    pixels = np.asarray(picture).astype(np.float32)
    colours, ground = np.array(COLOURS, np.float32), np.float32(120)
    nearest = np.stack([np.abs(pixels - colour).sum(-1) for colour in colours]).argmin(0)
    towards = [(pixels - ground) @ (colour - ground) / ((colour - ground) ** 2).sum() for colour in colours]
    return [(of > share) & (nearest == number) for number, of in enumerate(towards)]


def bounds(bitmap: Pixels) -> Box:
    columns, rows = np.flatnonzero(bitmap.any(0)), np.flatnonzero(bitmap.any(1))
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def beyond(warp: Warp) -> Pixels:
    """The pixels that show a reflection."""
    width, height = SIZE_WH
    y, x = np.mgrid[0:height, 0:width] + 0.5
    back = np.linalg.inv(warp.matrix) @ np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
    places = (back[:2] / back[2]).T
    outside = (places < -1e-6) | (places > np.array(SIZE_WH) + 1e-6)
    return outside.any(axis=1).reshape(height, width)


def filled(polygons: Any) -> Pixels:
    large = Image.new("1", (SIZE_WH[0] * SCALE, SIZE_WH[1] * SCALE))
    for ring in polygons:
        ImageDraw.Draw(large).polygon([(x * SCALE - 0.5, y * SCALE - 0.5) for x, y in ring], fill=1)
    return np.asarray(large.convert("L").resize(SIZE_WH, Image.Resampling.BOX)) > 127


def overlap(one: Pixels, other: Pixels) -> float:
    return float((one & other).sum() / (one | other).sum())


@pytest.mark.parametrize("geometry", MOVING)
@pytest.mark.parametrize("mirror", [True, False])
@pytest.mark.parametrize("cover", [True, False])
def test_boxes_lie_on_their_rectangles(geometry: str, mirror: bool, cover: bool) -> None:
    picture, shapes = rectangles()
    compared = dropped = 0
    for seed in SEEDS:
        warp = Warp(geometry, SIZE_WH, draw(geometry, SIZE_WH, seed, mirror, cover))
        moved = warp.picture(picture)
        labels = warp.labels(Labels(tuple(shapes)), 0.3)
        dropped += len(shapes) - len(labels.shapes)
        bitmaps = seen(moved, 0.2)  # the tip of a corner covers little of its pixel
        reflected = beyond(warp)
        assert not (cover and reflected.any())
        for shape in labels.shapes:
            bitmap = bitmaps[int(shape.category)] & ~reflected
            np.testing.assert_allclose(shape.box, bounds(bitmap), atol=1.5, err_msg=f"{seed}: {warp.details}")  # type: ignore[arg-type]
            compared += 1
    assert compared > 80
    assert dropped > 0 or geometry != "strong"
    assert dropped == 0 or geometry != "flip"


@pytest.mark.parametrize("geometry", MOVING)
def test_polygons_and_their_boxes_lie_on_their_stars(geometry: str) -> None:
    picture, shapes = stars()
    compared = 0
    for seed in SEEDS:
        labels = Labels(tuple(shapes))
        warp = warp_for(geometry, SIZE_WH, seed, labels=labels)
        moved = warp.picture(picture)
        bitmaps, tips = seen(moved), seen(moved, 0.2)
        for shape in warp.labels(labels, 0.2).shapes:
            bitmap, tip = bitmaps[int(shape.category)], tips[int(shape.category)]
            points = np.array([point for ring in shape.polygons for point in ring])
            assert (points >= -1e-9).all()
            assert (points <= np.array(SIZE_WH) + 1e-9).all()
            assert overlap(filled(shape.polygons), bitmap) > 0.9, (seed, shape.category)
            np.testing.assert_allclose(shape.box, (*points.min(0), *points.max(0)), atol=1e-6)  # type: ignore[arg-type]
            np.testing.assert_allclose(shape.box, bounds(tip), atol=2.5)  # type: ignore[arg-type]  # thin points fade
            compared += 1
    assert compared > 80


@pytest.mark.parametrize("geometry", MOVING)
def test_bitmaps_and_semantic_masks_lie_on_their_stars(geometry: str) -> None:
    picture, _ = stars()
    whole = seen(picture)
    bitmaps = [Shape(str(i), bounds(mask), mask=mask) for i, mask in enumerate(whole)]
    palette = Image.new("P", SIZE_WH, 255)
    palette.putpalette(list(range(256)) * 3)
    values = np.full(SIZE_WH[::-1], 255, np.uint8)
    for i, shape in enumerate(bitmaps):
        values[shape.mask] = i
    palette.frombytes(values.tobytes())
    deep = Image.fromarray(values.astype(np.uint16) * 257)
    compared = 0
    for seed in SEEDS:
        labels = Labels(tuple(bitmaps), palette, (deep,))
        warp = warp_for(geometry, SIZE_WH, seed, labels=labels)
        after = warp.labels(labels, 0.2)
        moved = seen(warp.picture(picture))
        assert after.mask is not None
        assert (after.mask.mode, after.mask.getpalette()) == ("P", palette.getpalette())
        assert set(np.unique(np.asarray(after.mask))) <= set(np.unique(values))
        np.testing.assert_array_equal(np.asarray(after.other_masks[0]), np.asarray(after.mask).astype(np.uint16) * 257)
        for shape in after.shapes:
            assert shape.mask is not None
            assert shape.mask.dtype == bool
            assert overlap(shape.mask, moved[int(shape.category)]) > 0.9
            np.testing.assert_array_equal(shape.mask, np.asarray(after.mask) == int(shape.category))
            assert shape.box == bounds(shape.mask)
            compared += 1
    assert compared > 80


def test_twice_mirrored_is_as_before_and_still_is_untouched() -> None:
    _, shapes = stars()
    labels = Labels(tuple(shapes), extra={"license": 3})
    warp = next(w for seed in SEEDS if not (w := warp_for("flip", SIZE_WH, seed, labels=labels)).still)
    there_and_back = warp.labels(warp.labels(labels))
    for before, after in zip(labels.shapes, there_and_back.shapes, strict=True):
        np.testing.assert_allclose(after.box, before.box)  # type: ignore[arg-type]
        np.testing.assert_allclose(after.polygons, before.polygons)
    assert there_and_back.extra == {"license": 3}
    assert warp_for("none", SIZE_WH, 1, labels=labels).labels(labels) is labels


class TestVisibility:
    """A zoom to twice the size about the top left corner: it shows the first quarter of the picture."""

    @pytest.fixture
    def zoom(self) -> Warp:
        drawn = replace(draw("none", (100, 100), 1), matrix=np.diag([2.0, 2.0, 1.0]))
        return Warp("strong", (100, 100), drawn)

    @pytest.mark.parametrize(
        ("shape", "share"),
        [
            (Shape("in", (10, 10, 20, 20)), 1.0),
            (Shape("half", (40, 10, 60, 20)), 0.5),
            (Shape("quarter", (40, 40, 60, 60)), 0.25),
            (Shape("out", (60, 60, 80, 80)), 0.0),
            (Shape("beyond the source", (-10, 10, 10, 20)), 1.0),
            (Shape("triangle", (40, 0, 60, 10), (((40, 0), (60, 0), (40, 10)),)), 0.75),
            (Shape("bow tie", (40, 0, 60, 10), (((40, 0), (60, 10), (60, 0), (40, 10)),)), 0.5),
            (Shape("two", (10, 10, 90, 20), (((10, 10), (20, 10), (20, 20)), ((80, 10), (90, 10), (90, 20)))), 0.5),
            (Shape("a line", (10, 10, 10, 30)), 1.0),
            (Shape("nowhere", None), 1.0),
        ],
    )
    def test_share(self, zoom: Warp, shape: Shape, share: float) -> None:
        assert visible_share(zoom, shape) == pytest.approx(share, abs=1e-9)
        bitmap = np.zeros((100, 100), bool)
        bitmap[10:20, 40:60] = True
        assert visible_share(zoom, Shape("bitmap", None, mask=bitmap)) == 0.5

    def test_what_is_pushed_out_is_dropped_and_the_rest_is_cut(self, zoom: Warp) -> None:
        shapes = (
            Shape("half", (40, 10, 60, 20), extra={"iscrowd": 0}),
            Shape("quarter", (40, 40, 60, 60)),
            Shape("sliver", (49.9, 10, 50.1, 20)),
            Shape("nowhere", None, extra={"note": "seen from afar"}),
        )
        kept = zoom.labels(Labels(shapes), 0.3).shapes
        assert [(s.category, s.box) for s in kept] == [("half", (80.0, 20.0, 100.0, 40.0)), ("nowhere", None)]
        assert kept[0].extra == {"iscrowd": 0}
        assert kept[1].extra == {"note": "seen from afar"}
        assert [s.category for s in zoom.labels(Labels(shapes), 0.2).shapes] == ["half", "quarter", "nowhere"]

    def test_a_polygon_that_the_border_cuts_in_two(self, zoom: Warp) -> None:
        comb = ((40.0, 10), (60, 10), (60, 40), (40, 40), (40, 30), (55, 30), (55, 20), (40, 20))
        (kept,) = zoom.labels(Labels((Shape("comb", (40, 10, 60, 40), (comb,)),)), 0.1).shapes
        assert len(kept.polygons) == 2
        assert kept.box == (80.0, 20.0, 100.0, 80.0)

    def test_keypoints_move_and_those_pushed_out_are_no_longer_labelled(self, zoom: Warp) -> None:
        extra = {"keypoints": [10, 20, 2, 0, 0, 0, 45, 30, 1, 70, 10, 2], "note": "x"}
        (kept,) = zoom.labels(Labels((Shape("cat", (10, 10, 40, 40), extra=extra),))).shapes
        assert kept.extra == {"keypoints": [20, 40, 2, 0, 0, 0, 90, 60, 1, 0, 0, 0], "note": "x"}
