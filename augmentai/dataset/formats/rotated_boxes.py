"""Rotated boxes: four corners from a box and an angle, and back from an outline that geometry has moved.

Corners run clockwise as one sees them (y points down): top left, top right, bottom right, bottom left of the box before
it was rotated. Angles are in degrees, clockwise.
"""

from __future__ import annotations

import math

import numpy as np

from augmentai.annotations import Box, Polygon

_SQUARE_PX = 0.05  # corners may be this far from a true rectangle's: rounding in label files


def rotated_corners(box: Box, angle_deg: float) -> Polygon:
    """The corners of a box that is rotated around its centre.

    Example:
        >>> [(round(x, 6), round(y, 6)) for x, y in rotated_corners((0, 0, 4, 2), 90)]
        [(3.0, -1.0), (3.0, 3.0), (1.0, 3.0), (1.0, -1.0)]
    """
    x0, y0, x1, y1 = box
    cx, cy = (x0 + x1) / 2, (y0 + y1) / 2
    cos, sin = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    return tuple(
        (cx + (x - cx) * cos - (y - cy) * sin, cy + (x - cx) * sin + (y - cy) * cos)
        for x, y in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
    )


def fitted_corners(*rings: Polygon) -> Polygon:
    """The corners of the smallest rotated box around some outlines; those of a rectangle itself, clockwise.

    Args:
        rings: the outlines, at least three points in all that are not on one line.

    Example:
        >>> fitted_corners(((4.0, 0.0), (0.0, 0.0), (0.0, 2.0), (4.0, 2.0)))
        ((0.0, 0.0), (4.0, 0.0), (4.0, 2.0), (0.0, 2.0))
    """
    first = rings[0]
    if len(rings) == 1 and len(first) == 4:
        corners = _clockwise(first)
        if _is_rectangle(corners):
            return corners
    import shapely

    points = [point for ring in rings for point in ring]
    smallest = shapely.minimum_rotated_rectangle(shapely.MultiPoint(points))
    found = np.asarray(smallest.exterior.coords)[:4] if smallest.geom_type == "Polygon" else np.asarray(points)[:4]
    corners = _clockwise(tuple((float(x), float(y)) for x, y in found))
    along = _clockwise(first)  # the side that was the first one stays the first one, as far as the outline shows it
    wanted = math.atan2(along[1][1] - along[0][1], along[1][0] - along[0][0])
    turns = range(len(corners))
    best = min(turns, key=lambda turn: abs(_difference(_direction(corners[turn:] + corners[:turn]), wanted)))
    return corners[best:] + corners[:best]


def box_and_angle(corners: Polygon) -> tuple[Box, float]:
    """The box before it was rotated, and the angle, 0 to 360 degrees.

    Example:
        >>> box, angle = box_and_angle(rotated_corners((10, 20, 50, 40), 30))
        >>> [round(value, 6) for value in (*box, angle)]
        [10.0, 20.0, 50.0, 40.0, 30.0]
    """
    points = np.asarray(corners, np.float64)
    (cx, cy), width, height = (
        points.mean(0),
        float(np.hypot(*(points[1] - points[0]))),
        float(np.hypot(*(points[2] - points[1]))),
    )
    angle = math.degrees(_direction(corners)) % 360
    box = (float(cx - width / 2), float(cy - height / 2), float(cx + width / 2), float(cy + height / 2))
    return box, 0.0 if min(angle, 360 - angle) < 1e-9 else angle


def _clockwise(ring: Polygon) -> Polygon:
    """A ring that runs clockwise: a mirrored one begins at its second corner and runs the other way."""
    points = np.asarray(ring)
    x, y = points[:, 0], points[:, 1]
    if np.dot(x, np.roll(y, -1)) >= np.dot(y, np.roll(x, -1)):
        return ring
    return (ring[1], ring[0], *reversed(ring[2:]))


def _is_rectangle(corners: Polygon) -> bool:
    p0, p1, p2, p3 = np.asarray(corners, np.float64)
    same_middle = np.abs((p0 + p2) - (p1 + p3)).max() <= _SQUARE_PX
    return bool(same_middle and abs(np.hypot(*(p2 - p0)) - np.hypot(*(p3 - p1))) <= _SQUARE_PX)


def _direction(corners: Polygon) -> float:
    return math.atan2(corners[1][1] - corners[0][1], corners[1][0] - corners[0][0])


def _difference(one: float, other: float) -> float:
    return math.remainder(one - other, math.tau)
