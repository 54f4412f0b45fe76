"""What labels lose behind an object: outlines, bitmaps, boxes, lines, keypoints and rotated boxes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from augmentai.annotations import Hidden, Shape
from augmentai.operations.compositing.occlusion import Cover, Occluded

SIZE_WH = (40, 30)
BITMAP = np.zeros(SIZE_WH[::-1], bool)
BITMAP[10:20, 10:30] = True
RING = ((10.0, 10.0), (30.0, 10.0), (30.0, 20.0), (10.0, 20.0))
BOX = (10.0, 10.0, 30.0, 20.0)
LEFT_HALF = Cover(np.ones((20, 10), bool), (10, 5, 20, 25))
ASIDE = Cover(np.ones((4, 4), bool), (32, 2, 36, 6))
BEYOND = Cover(np.ones((20, 30), bool), (-10, -5, 20, 15))  # the quarter that is upper left
DISC = Cover(np.hypot(*np.mgrid[-4:5, -4:5]) <= 4, (16, 11, 25, 20))

KINDS = {
    "an outline": Shape("cat", BOX, (RING,)),
    "a bitmap": Shape("cat", BOX, mask=BITMAP),
    "a box": Shape("cat", BOX),
    "a rotated box": Shape("cat", BOX, (RING,), oriented=True),
}


def behind(shape: Shape, *covers: Cover, least_visible: float = 0.3) -> tuple[Shape | None, Hidden]:
    seen = Occluded([shape], SIZE_WH, least_visible)
    for cover in covers:
        seen.cover(cover)
    return (seen.shapes[0] if seen.shapes else None), seen.hidden


@pytest.mark.parametrize("kind", KINDS)
class TestEveryKind:
    def test_what_is_aside_changes_nothing(self, kind: str) -> None:
        assert behind(KINDS[kind], ASIDE) == (KINDS[kind], Hidden())

    def test_half_of_it_is_visible(self, kind: str) -> None:
        shape, hidden = behind(KINDS[kind], LEFT_HALF)
        assert shape is not None
        assert hidden == Hidden()
        assert shape.box == (BOX if shape.oriented else (20, 10, 30, 20))  # a rotated box is that of the whole object
        if shape.mask is not None:
            assert shape.mask.sum() == 100
            assert BITMAP.sum() == 200  # that of the source is left alone

    def test_less_than_is_asked_for(self, kind: str) -> None:
        assert behind(KINDS[kind], LEFT_HALF, least_visible=0.6) == (None, Hidden(1, 100))

    def test_bit_by_bit(self, kind: str) -> None:
        """What counts is the share of the whole object, not of what the last one left."""
        quarter = Cover(np.ones((20, 5), bool), (20, 5, 25, 25))
        shape, hidden = behind(KINDS[kind], LEFT_HALF, quarter)
        if KINDS[kind].oriented:
            return  # it stays whole, so that each is measured alone
        assert shape is None
        assert hidden == Hidden(1, 50)

    def test_beyond_the_border_and_in_its_middle(self, kind: str) -> None:
        shape, hidden = behind(KINDS[kind], BEYOND, DISC)
        assert shape is not None
        assert shape.box == BOX
        assert hidden == Hidden()


def test_an_outline_around_a_hole_has_the_area_that_is_left() -> None:
    from shapely.geometry import Polygon

    shape, _ = behind(KINDS["an outline"], DISC)
    assert shape is not None
    (ring,) = shape.polygons
    points = np.array(ring)
    x, y = points.T
    area = abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
    assert area == pytest.approx(200 - DISC.mask.sum(), abs=4)
    assert not Polygon(ring).is_valid  # a seam leads to the hole, as everywhere in the labels


def test_an_outline_in_two_pieces() -> None:
    bar = Cover(np.ones((30, 4), bool), (18, 0, 22, 30))
    shape, _ = behind(KINDS["an outline"], bar)
    assert shape is not None
    assert len(shape.polygons) == 2
    assert shape.box == BOX


def test_an_exact_outline_is_cut_by_an_exact_outline() -> None:
    cover = Cover(np.ones((12, 12), bool), (9, 9, 21, 21), ((((9.5, 9.0), (15.25, 9.0), (15.25, 21.0), (9.5, 21.0))),))
    shape, _ = behind(KINDS["an outline"], cover)
    assert shape is not None
    assert shape.box == (15.25, 10, 30, 20)


LINES: list[tuple[Any, Any]] = [
    # lines before; lines after something is put on x from 10 to 20
    ((((5.0, 15.0), (35.0, 15.0)),), (((5.0, 15.0), (10.0, 15.0)), ((20.0, 15.0), (35.0, 15.0)))),
    ((((15.0, 15.0),), ((25.0, 15.0),)), (((25.0, 15.0),),)),
]


@pytest.mark.parametrize(("before", "after"), LINES)
def test_lines_and_points(before: Any, after: Any) -> None:
    shape, _ = behind(Shape("wire", None, lines=before), LEFT_HALF)
    assert shape is not None
    assert shape.lines == after


def test_visible_keypoints_become_hidden_ones() -> None:
    points = ((12.0, 12.0, 2.0), (28.0, 12.0, 2.0), (12.0, 18.0, 1.0), (0.0, 0.0, 0.0))
    shape, _ = behind(Shape("cat", BOX, keypoints=points), LEFT_HALF)
    assert shape is not None
    assert [seen for *_, seen in shape.keypoints] == [1, 2, 1, 0]


def test_an_object_without_a_place_stays() -> None:
    tag = Shape("tag", None)
    assert behind(tag, LEFT_HALF) == (tag, Hidden())


QUARTERS = [Cover(np.ones((5, 10), bool), (x, y, x + 10, y + 5)) for x, y in ((10, 10), (20, 15), (20, 10))]


@pytest.mark.parametrize("kind", KINDS)
def test_what_several_hide_together_counts(kind: str) -> None:
    """A box does not say which quarters of it are hidden."""
    two, hidden = behind(KINDS[kind], *QUARTERS[:2])
    assert two is not None
    assert two.visible == pytest.approx(0.5)
    assert hidden == Hidden()
    assert behind(KINDS[kind], *QUARTERS) == (None, Hidden(1, 50))


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_cut_before_counts(kind: str) -> None:
    cut = replace(KINDS[kind], visible=0.5)
    assert behind(cut, LEFT_HALF) == (None, Hidden(1, 100))
    left, hidden = behind(cut, LEFT_HALF, least_visible=0.25)
    assert left is not None
    assert left.visible == pytest.approx(0.25)
    assert hidden == Hidden()
