"""Labels stay on the pixels they were drawn on: coloured objects through every preset and many seeds."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from augmentai.annotations import Labels, Shape
from augmentai.operations import Warp, warp_for
from augmentai.operations.homography import Homography, translation
from augmentai.operations.move_labels import move_labels, visible_share
from augmentai.operations.presets import draw_homography
from tests.support.painted_objects import SIZE_WH, beyond, bounds, filled, overlap, rectangles, seen, stars

MOVING = ["flip", "light", "strong"]
SEEDS = range(1, 26)


@pytest.mark.parametrize("geometry", MOVING)
@pytest.mark.parametrize("mirror", [True, False])
@pytest.mark.parametrize("cover", [True, False])
def test_boxes_agree_with_their_rectangles(geometry: str, mirror: bool, cover: bool) -> None:
    image, shapes = rectangles()
    compared = dropped = 0
    for seed in SEEDS:
        warp = Warp(geometry, SIZE_WH, draw_homography(geometry, SIZE_WH, seed, mirror, cover))
        moved = warp.image(image)
        labels = move_labels(warp, Labels(tuple(shapes)), 0.3)
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
def test_polygons_and_their_boxes_agree_with_their_stars(geometry: str) -> None:
    image, shapes = stars()
    compared = 0
    for seed in SEEDS:
        labels = Labels(tuple(shapes))
        warp = warp_for(geometry, SIZE_WH, seed, labels=labels)
        moved = warp.image(image)
        bitmaps, tips = seen(moved), seen(moved, 0.2)
        for shape in move_labels(warp, labels, 0.2).shapes:
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
def test_bitmaps_and_semantic_masks_agree_with_their_stars(geometry: str) -> None:
    image, _ = stars()
    whole = seen(image)
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
        after = move_labels(warp, labels, 0.2)
        moved = seen(warp.image(image))
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


def test_twice_mirrored_is_as_before_and_the_identity_is_untouched() -> None:
    _, shapes = stars()
    labels = Labels(tuple(shapes), extra={"license": 3})
    warp = next(w for seed in SEEDS if not (w := warp_for("flip", SIZE_WH, seed, labels=labels)).is_identity)
    there_and_back = move_labels(warp, move_labels(warp, labels))
    for before, after in zip(labels.shapes, there_and_back.shapes, strict=True):
        np.testing.assert_allclose(after.box, before.box)  # type: ignore[arg-type]
        np.testing.assert_allclose(after.polygons, before.polygons)
    assert there_and_back.extra == {"license": 3}
    assert move_labels(warp_for("none", SIZE_WH, 1, labels=labels), labels) is labels


class TestVisibility:
    """A zoom to twice the size about the top left corner: it shows the first quarter of the image."""

    @pytest.fixture
    def zoom(self) -> Warp:
        return Warp("strong", (100, 100), Homography(np.diag([2.0, 2.0, 1.0])))

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

    def test_what_leaves_the_frame_is_removed_and_the_rest_is_cut(self, zoom: Warp) -> None:
        shapes = (
            Shape("half", (40, 10, 60, 20), extra={"iscrowd": 0}),
            Shape("quarter", (40, 40, 60, 60)),
            Shape("sliver", (49.9, 10, 50.1, 20)),
            Shape("nowhere", None, extra={"note": "seen from afar"}),
        )
        kept = move_labels(zoom, Labels(shapes), 0.3).shapes
        assert [(s.category, s.box) for s in kept] == [("half", (80.0, 20.0, 100.0, 40.0)), ("nowhere", None)]
        assert kept[0].extra == {"iscrowd": 0}
        assert kept[1].extra == {"note": "seen from afar"}
        assert [s.category for s in move_labels(zoom, Labels(shapes), 0.2).shapes] == ["half", "quarter", "nowhere"]

    def test_a_polygon_that_the_border_cuts_in_two(self, zoom: Warp) -> None:
        comb = ((40.0, 10), (60, 10), (60, 40), (40, 40), (40, 30), (55, 30), (55, 20), (40, 20))
        (kept,) = move_labels(zoom, Labels((Shape("comb", (40, 10, 60, 40), (comb,)),)), 0.1).shapes
        assert len(kept.polygons) == 2
        assert kept.box == (80.0, 20.0, 100.0, 80.0)

    def test_keypoints_move_and_those_outside_are_no_longer_labelled(self, zoom: Warp) -> None:
        keypoints = ((10, 20, 2), (0, 0, 0), (45, 30, 1), (70, 10, 2))
        shape = Shape("cat", (10, 10, 40, 40), keypoints=keypoints, extra={"note": "x"})
        (kept,) = move_labels(zoom, Labels((shape,))).shapes
        assert kept.keypoints == ((20, 40, 2), (0, 0, 0), (90, 60, 1), (0, 0, 0))
        assert kept.extra == {"note": "x"}

    def test_a_rotated_rectangle_keeps_four_corners(self, zoom: Warp) -> None:
        corners = ((40.0, 30.0), (52.0, 36.0), (49.0, 42.0), (37.0, 36.0))
        (kept,) = move_labels(zoom, Labels((Shape("ship", None, (corners,), oriented=True),))).shapes
        assert [len(ring) for ring in kept.polygons] == [4]
        assert kept.oriented


@pytest.mark.parametrize(
    ("order", "mirrors", "expected", "why"),
    [
        ((1, 0, 2), True, ((90, 20, 1), (70, 20, 2), (50, 30, 2)), "the left eye is now the right one"),
        ((), False, ((10, 20, 2), (30, 20, 1), (50, 30, 2)), "nothing says which change places: it is not mirrored"),
    ],
)
def test_left_and_right_keypoints_change_places_in_a_mirrored_image(
    order: tuple[int, ...], mirrors: bool, expected: object, why: str
) -> None:
    keypoints = ((30, 20, 2), (10, 20, 1), (50, 30, 2)) if mirrors else ((10, 20, 2), (30, 20, 1), (50, 30, 2))
    labels = Labels((Shape("face", (5, 5, 60, 60), keypoints=keypoints, flip_order=order),))
    warps = [warp_for("flip", (100, 100), seed, labels=labels) for seed in SEEDS]
    assert any(warp.is_mirror for warp in warps) == mirrors, why
    warp = next((warp for warp in warps if warp.is_mirror), warps[0])
    (kept,) = move_labels(warp, labels).shapes
    assert kept.keypoints == expected, why
    assert kept.flip_order == order


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        # mirrored as it is: nothing is added, and it is not closed
        (((10, 10), (40, 10), (40, 50)), [((230, 10), (200, 10), (200, 50))]),
        # cut at the border where it crosses it
        (((-20, 10), (40, 10)), [((240, 10), (200, 10))]),
        # it leaves the image and comes back: two pieces
        (((20, 100), (20, 200), (60, 200), (60, 100)), [((220, 100), (220, 180)), ((180, 180), (180, 100))]),
        # outside altogether
        (((-20, 10), (-5, 10)), []),
        # a point, inside and outside
        (((10, 12),), [((230, 12),)]),
        (((-1, 12),), []),
    ],
)
def test_open_lines_move_and_are_cut(line: tuple[tuple[float, float], ...], expected: list[object]) -> None:
    mirror = Warp("flip", SIZE_WH, Homography(np.array([[-1.0, 0, 240], [0, 1, 0], [0, 0, 1]]), True, 0.0, 1.0, 0.0))
    labels = move_labels(mirror, Labels((Shape("lane", None, lines=(line,)),)))
    assert [piece for shape in labels.shapes for piece in shape.lines] == expected


CLIPPED = {
    # an object of 20 x 10 pixels in an image of 40 x 30: what is half outside after one move is a quarter after two
    "a box": Shape("cat", (10.0, 10.0, 30.0, 20.0)),
    "an outline": Shape("cat", None, (((10.0, 10.0), (30.0, 10.0), (30.0, 20.0), (10.0, 20.0)),)),
    "a bitmap": Shape("cat", None, mask=np.pad(np.ones((10, 20), bool), ((10, 10), (10, 10)))),
}


@pytest.mark.parametrize("kind", CLIPPED)
def test_what_several_moves_leave_is_of_the_whole_object(kind: str) -> None:
    def moved(labels: Labels, x: float, y: float, least: float) -> Labels:
        return move_labels(Warp("shift", (40, 30), Homography(translation(x, y))), labels, least)

    half = moved(Labels((CLIPPED[kind],)), -20, 0, 0.3)
    assert half.shapes[0].visible == pytest.approx(0.5)
    assert moved(half, 0, -15, 0.3).shapes == ()
    assert moved(half, 0, -15, 0.25).shapes[0].visible == pytest.approx(0.25)


def test_slivers_at_the_border_are_no_part_of_an_object() -> None:
    """A comb whose left tooth just reaches into the image: the box is around the other one."""
    ring = ((5.0, 14.9), (8.0, 14.9), (8.0, 20.0), (30.0, 20.0), (30.0, 10.0), (35.0, 10.0), (35.0, 25.0), (5.0, 25.0))
    warp = Warp("shift", (40, 30), Homography(translation(0, 15)))
    (shape,) = move_labels(warp, Labels((Shape("comb", (5.0, 10.0, 35.0, 25.0), (ring,)),)), 0.0).shapes
    assert len(shape.polygons) == 1
    assert shape.box == pytest.approx((30, 25, 35, 30))
