"""Which pieces with one group are one object when a set is converted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from augmentai.annotations import Shape
from augmentai.dataset.formats.grouped_shapes import whole_objects

RING = ((0.0, 0.0), (4.0, 0.0), (4.0, 4.0))
FAR = ((8.0, 8.0), (9.0, 8.0), (9.0, 9.0))


def piece(category: str = "cat", ring: Any = RING, **fields: Any) -> Shape:
    xs, ys = zip(*ring, strict=True)
    return Shape(category, (min(xs), min(ys), max(xs), max(ys)), (ring,), extra={"fields": fields})


@pytest.mark.parametrize(
    ("shapes", "objects"),
    [
        ([piece(group_id=3), piece(ring=FAR, group_id=3)], 1),
        ([piece(group_id="0"), piece(ring=FAR, group_id="0")], 1),  # LabelMe counts from 0
        ([piece(group_id=3), piece(ring=FAR, group_id=4)], 2),
        ([piece(), piece(ring=FAR)], 2),  # in no group
        ([piece(group_id=3), piece("dog", FAR, group_id=3)], 2),  # a rider and the bicycle
        ([piece(group_id=3, occluded=1), piece(ring=FAR, group_id=3)], 2),  # what is said of one would be lost
        ([Shape("cat", (0, 0, 4, 4), extra={"fields": {"group_id": 3}})] * 2, 2),  # boxes
    ],
)
def test_pieces_of_a_group(shapes: list[Shape], objects: int) -> None:
    found = whole_objects(shapes)
    assert len(found) == objects
    assert sum(len(shape.polygons) for shape in found) == sum(len(shape.polygons) for shape in shapes)
    if objects == 1:
        assert (found[0].box, found[0].extra["fields"]) == ((0.0, 0.0, 9.0, 9.0), {})


def test_bitmaps_of_a_group_are_one_bitmap() -> None:
    left, right = np.eye(4, 6, dtype=bool), np.eye(4, 6, 2, dtype=bool)
    extra = {"fields": {"group_id": 1}}
    shapes = [Shape("cat", (0, 0, 4, 4), mask=left, extra=extra), Shape("cat", (2, 0, 6, 4), mask=right, extra=extra)]
    (found,) = whole_objects(shapes)
    assert found.box == (0, 0, 6, 4)
    np.testing.assert_array_equal(found.mask, left | right)
