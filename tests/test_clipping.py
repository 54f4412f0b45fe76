"""Boxes, polygons and rotated rectangles clipped to an image."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Polygon as Area
from shapely.geometry import box as rectangle

from augmentai.annotations import Box, Polygon
from augmentai.clipping import clip_box, clip_polygon, clip_quadrilateral

SIZE_WH = (100, 80)


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((10, 10, 20, 20), (10, 10, 20, 20)),  # inside
        ((80, 10, 180, 30), (80, 10, 100, 30)),  # beyond the right edge
        ((-40, 20, 20, 50), (0, 20, 20, 50)),  # beyond the left one
        ((-5, -5, 105, 85), (0, 0, 100, 80)),  # around the image
        ((90, 70, 120, 100), (90, 70, 100, 80)),  # beyond a corner
        ((100, 10, 120, 30), None),  # touches the image
        ((-30, -30, -10, -10), None),  # beside it
        ((30, 30, 30, 30), (30, 30, 30, 30)),  # drawn without area
    ],
)
def test_box(box: Box, expected: Box | None) -> None:
    assert clip_box(box, SIZE_WH) == expected


@pytest.mark.parametrize(
    ("polygon", "areas"),
    [
        (((10, 10), (30, 10), (30, 30)), [200]),  # inside
        (((90, 10), (110, 10), (110, 30), (90, 30)), [200]),  # half of it
        (((90, 10), (120, 10), (120, 40), (90, 40), (90, 30), (110, 30), (110, 20), (90, 20)), [100, 100]),  # in two
        (((110, 10), (120, 10), (120, 30)), []),  # beside the image
        (((90, 10), (110, 30), (110, 10), (90, 30)), [100]),  # crosses itself, on the border
    ],
)
def test_polygon(polygon: Polygon, areas: list[float]) -> None:
    clipped = clip_polygon(polygon, SIZE_WH)
    assert sorted(round(Area(one).area) for one in clipped) == areas


def rotated(x: float, y: float, width: float, height: float, angle: float) -> Polygon:
    cos, sin = math.cos(angle), math.sin(angle)
    halves = ((-width / 2, -height / 2), (width / 2, -height / 2), (width / 2, height / 2), (-width / 2, height / 2))
    return tuple((x + a * cos - b * sin, y + a * sin + b * cos) for a, b in halves)


@given(st.floats(-10, 110), st.floats(-10, 90), st.floats(5, 80), st.floats(5, 80), st.floats(0, math.pi))
@settings(max_examples=300)
def test_a_rotated_rectangle_keeps_four_corners_in_the_image(
    x: float, y: float, width: float, height: float, angle: float
) -> None:
    corners = rotated(x, y, width, height, angle)
    visible = Area(corners).intersection(rectangle(0, 0, *SIZE_WH))
    clipped = clip_quadrilateral(corners, SIZE_WH)
    if clipped is None:
        assert visible.area < 1
        return
    assert len(clipped) == 4
    assert all(0 <= x <= SIZE_WH[0] and 0 <= y <= SIZE_WH[1] for x, y in clipped)
    assert Area(clipped).is_valid
    overlap = Area(clipped).intersection(visible).area / Area(clipped).union(visible).area
    assert overlap > 0.7
    if len(visible.exterior.coords) - 1 <= 4:
        assert overlap > 0.999
    if visible.area > 0.999 * Area(corners).area:
        flat, expected = ([value for point in ring for value in point] for ring in (clipped, corners))
        assert flat == pytest.approx(expected, abs=2)  # also in their order
