"""Objects that a tile cuts into pieces."""

from __future__ import annotations

from typing import Any

import pytest

from augmentai.annotations import Shape
from augmentai.operations.compositing.tiles import Tile, tile_shapes

SIZE_WH = (100, 100)


def comb(left_tooth_px: float) -> Shape:
    """A bar with a tooth at each end; the view shows the teeth, and of the left one so many pixels of height."""
    top = 50 - left_tooth_px
    ring = ((10, top), (14, top), (14, 60), (70, 60), (70, 30), (90, 30), (90, 80), (10, 80))
    return Shape("comb", (10, min(top, 30), 90, 80), (tuple((float(x), float(y)) for x, y in ring),))


PIECES: dict[str, Any] = {
    # how much of the left tooth shows, the pieces that are left, the left side of the box
    "a sliver that shows in no pixel": (0.2, 1, 70),
    "a piece that shows": (3, 2, 10),
}


@pytest.mark.parametrize(("left_tooth_px", "pieces", "left"), PIECES.values(), ids=PIECES)
@pytest.mark.parametrize("x", [0, 40])
def test_a_box_is_around_what_shows(left_tooth_px: float, pieces: int, left: float, x: int) -> None:
    """The view is the upper half of the image, at its own size, in the frame further right."""
    tile = Tile((0, 0, 100, 50), (x, 0, x + 100, 50))
    (shape,) = tile_shapes(tile, [comb(left_tooth_px)], SIZE_WH, (140, 100), 0.0)
    assert len(shape.polygons) == pieces
    assert shape.box == pytest.approx((left + x, 30, 90 + x, 50))
    assert shape.polygons[0]


@pytest.mark.parametrize(
    "polygons",
    [
        (
            ((10.0, 10.0), (10.5, 10.0), (10.5, 30.0)),
            ((20.0, 10.0), (20.05, 10.0), (20.05, 30.0)),
        ),  # a thin thing in two
        (((10.0, 10.0), (30.0, 30.0), (30.0, 10.0), (10.0, 30.0)),),  # crosses itself
    ],
)
def test_what_is_thin_all_over_stays(polygons: Any) -> None:
    box = (10.0, 10.0, 30.0, 30.0)
    (shape,) = tile_shapes(Tile((0, 0, 100, 50), (0, 0, 100, 50)), [Shape("a", box, polygons)], SIZE_WH, SIZE_WH, 0.0)
    assert shape.polygons
