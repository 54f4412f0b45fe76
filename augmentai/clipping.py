"""Boxes and outlines clipped to an image: what lies beyond its border is not in it. Loads shapely."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from shapely import make_valid
from shapely.geometry import MultiPolygon
from shapely.geometry import Polygon as Area
from shapely.geometry import box as rectangle
from shapely.geometry.base import BaseGeometry

from augmentai.annotations import Box, Point, Polygon, Shape, box_around

_MIN_AREA_PX = 0.5  # of a piece of a polygon; cutting it at the border may leave slivers
LEAST_PIECE_PX = 2.0  # of an outline in several pieces; smaller slivers are left out
_SLACK_PX = 1e-6


def clip_box(box: Box, size_wh: tuple[int, int]) -> Box | None:
    """The part of a box that is in the image; None if nothing is.

    The corners are clamped, not the centre: a box that reaches beyond one edge keeps its other three.

    Args:
        box: in pixels.
        size_wh: width and height of the image in pixels.

    Example:
        >>> clip_box((80, 10, 180, 30), (100, 80)), clip_box((120, 10, 180, 30), (100, 80))
        ((80, 10, 100, 30), None)
    """
    width, height = size_wh
    x0, x1 = (min(max(x, 0), width) for x in (box[0], box[2]))
    y0, y1 = (min(max(y, 0), height) for y in (box[1], box[3]))
    was_flat = box[0] == box[2] or box[1] == box[3]  # drawn so, and kept if it is in the image
    is_inside = (x0, y0, x1, y1) == tuple(box)
    return (x0, y0, x1, y1) if (x1 > x0 and y1 > y0) or (was_flat and is_inside) else None


def clip_polygon(polygon: Polygon, size_wh: tuple[int, int]) -> list[Polygon]:
    """The parts of a polygon that are in the image; points are added only where it is cut.

    Args:
        polygon: in pixels.
        size_wh: width and height of the image in pixels.

    Returns:
        Several if the border cuts it into pieces; none if nothing of it is in the image.

    Example:
        >>> clip_polygon(((0, 0), (4, 0), (4, 3)), (10, 10))
        [((0, 0), (4, 0), (4, 3))]
        >>> clip_polygon(((20, 0), (24, 0), (24, 3)), (10, 10))
        []
    """
    if is_inside(polygon, size_wh) or len(polygon) < 3:
        return [polygon]
    cut = valid(Area(polygon)).intersection(rectangle(0, 0, *size_wh))
    return [tuple(_ring(piece)) for piece in _pieces(cut) if piece.area >= _MIN_AREA_PX]


def without_slivers(pieces: Sequence[Polygon]) -> tuple[Polygon, ...]:
    """The pieces of an object without those that show in no pixel, which would make its box too wide.

    Example:
        >>> without_slivers([((0, 0), (9, 0), (9, 9)), ((20, 0), (20.1, 0), (20.1, 9))])
        (((0, 0), (9, 0), (9, 9)),)
    """
    if len(pieces) < 2:
        return tuple(pieces)
    kept = tuple(ring for ring in pieces if len(ring) > 2 and valid(Area(ring)).area >= LEAST_PIECE_PX)
    return kept or tuple(pieces)


def clip_quadrilateral(corners: Polygon, size_wh: tuple[int, int]) -> Polygon | None:
    """A rotated rectangle, cut at the border of the image so that four corners are left.

    The visible part may have three to eight corners. Edges are then extended until they meet, or a corner is left out,
    whichever changes the area least; so the rectangle that a trainer fits around the four is the one around the
    visible part. The corners begin near the one that was first, in the same direction.

    Args:
        corners: four, in pixels.
        size_wh: width and height of the image in pixels.

    Returns:
        Four corners in the image; None if nothing of it is visible.

    Example:
        >>> clip_quadrilateral(((80, 10), (120, 10), (120, 30), (80, 30)), (100, 80))
        ((80.0, 10.0), (100.0, 10.0), (100.0, 30.0), (80.0, 30.0))
    """
    if is_inside(corners, size_wh):
        return corners
    visible = valid(Area(corners)).intersection(rectangle(0, 0, *size_wh)).convex_hull
    if not isinstance(visible, Area) or visible.area < _MIN_AREA_PX:
        return None
    ring = _ring(visible)
    while len(ring) > 4:
        ring = _without_a_corner(ring, size_wh)
    if len(ring) == 3:
        longest = max(range(3), key=lambda i: math.dist(ring[i], ring[(i + 1) % 3]))
        (x0, y0), (x1, y1) = ring[longest], ring[(longest + 1) % 3]
        ring.insert(longest + 1, ((x0 + x1) / 2, (y0 + y1) / 2))
    if (_signed_area(ring) < 0) != (_signed_area(corners) < 0):
        ring.reverse()
    first = min(range(4), key=lambda i: math.dist(ring[i], corners[0]))
    return tuple(ring[first:] + ring[:first])


def clip_shape(shape: Shape, size_wh: tuple[int, int]) -> Shape | None:
    """The part of an object that is in the image; None if nothing is, or if it has neither box nor outline.

    Args:
        shape: in pixels. Its bitmap is left as it is, since a bitmap ends with the image.
        size_wh: width and height of the image in pixels.

    Returns:
        The same shape if it is in the image. The box of a clipped outline is the one around what is left of it;
        keypoints outside become 0, 0, 0: not labelled.
    """
    polygons: list[Polygon] = []
    for polygon in shape.polygons:
        if shape.oriented and len(polygon) == 4:
            corners = clip_quadrilateral(polygon, size_wh)
            polygons += [corners] if corners is not None else []
        else:
            polygons += clip_polygon(polygon, size_wh)
    box = shape.box and clip_box(shape.box, size_wh)
    if polygons and tuple(polygons) != shape.polygons:
        box = box_around(*polygons)
    if (shape.polygons and not polygons) or (box is None and not polygons):
        return None
    keypoints = tuple(point if is_inside((point[:2],), size_wh) else (0.0, 0.0, 0.0) for point in shape.keypoints)
    return replace(shape, box=box, polygons=tuple(polygons), keypoints=keypoints)


def is_inside(polygon: Polygon, size_wh: tuple[int, int]) -> bool:
    """Whether every point of a polygon is in the image or on its border."""
    return all(0 <= x <= size_wh[0] and 0 <= y <= size_wh[1] for x, y in polygon)


def valid(area: BaseGeometry) -> BaseGeometry:
    """The same area as shapely accepts it: outlines drawn by hand sometimes cross themselves."""
    return area if area.is_valid else make_valid(area)


def joined_by_seams(outer: Polygon, holes: Sequence[Polygon]) -> Polygon:
    """An outline with holes as one outline, which is what labels have: a seam leads to each hole and back.

    Args:
        outer: the outer ring, in pixels.
        holes: the rings of its holes.

    Example:
        >>> len(joined_by_seams(((0, 0), (9, 0), (9, 9), (0, 9)), [((3, 3), (6, 3), (6, 6), (3, 6))]))
        10
    """
    ring = list(outer)
    for hole in holes:
        inner = list(hole) if (_signed_area(hole) < 0) != (_signed_area(outer) < 0) else list(reversed(hole))
        apart = np.linalg.norm(np.array(ring)[:, None] - np.array(inner)[None], axis=-1)
        i, j = map(int, np.unravel_index(int(apart.argmin()), apart.shape))
        ring[i + 1 : i + 1] = [*inner[j:], *inner[: j + 1], ring[i]]
    return tuple(ring)


def areas_of(ring: Polygon) -> list[tuple[Polygon, tuple[Polygon, ...]]]:
    """The areas of an outline: its seams become holes again, and where it crosses itself there are several.

    Returns:
        (outer ring, rings of the holes) of each area; the ring as it is, if nothing is wrong with it.

    Example:
        >>> outer, holes = areas_of(joined_by_seams(((0, 0), (9, 0), (9, 9), (0, 9)), [((3, 3), (6, 3), (6, 6))]))[0]
        >>> len(outer), len(holes), len(holes[0])
        (4, 1, 3)
    """
    area = Area(ring)
    if area.is_valid:
        return [(ring, ())]
    found = []
    for piece in _pieces(valid(area)):
        if piece.area >= _MIN_AREA_PX:
            rings = [tuple((float(x), float(y)) for x, y in list(one.coords)[:-1]) for one in piece.interiors]
            outer = tuple((float(x), float(y)) for x, y in list(piece.exterior.coords)[:-1])
            found.append((outer, tuple(rings)))
    return found


def _ring(piece: Area) -> list[Point]:
    """The outline of a piece; its holes are joined to it."""
    outer, *holes = (
        tuple((float(x), float(y)) for x, y in list(ring.coords)[:-1]) for ring in (piece.exterior, *piece.interiors)
    )
    return list(joined_by_seams(outer, holes))


def _pieces(geometry: BaseGeometry) -> list[Area]:
    if isinstance(geometry, Area):
        return [geometry]
    if isinstance(geometry, MultiPolygon):
        return list(geometry.geoms)
    return [piece for part in getattr(geometry, "geoms", ()) for piece in _pieces(part)]  # a line has no area


def _without_a_corner(ring: list[Point], size_wh: tuple[int, int]) -> list[Point]:
    """A convex ring with one corner less, whose area differs least."""
    return min(_with_one_less(ring, size_wh), key=lambda one: one[0])[1]


def _with_one_less(ring: list[Point], size_wh: tuple[int, int]) -> Iterator[tuple[float, list[Point]]]:
    """(area that it changes, ring) of every way to leave out a corner or an edge."""
    count = len(ring)
    for i in range(count):
        turned = ring[i:] + ring[:i]
        yield abs(_signed_area(turned[-1:] + turned[:2])), turned[1:]
        meeting = _meeting(turned[-1], turned[0], turned[2], turned[1])  # of the edges beside the first one
        if meeting is not None and is_inside((meeting,), size_wh):
            yield abs(_signed_area([turned[0], meeting, turned[1]])), [meeting, *turned[2:]]


def _meeting(start: Point, end: Point, other_start: Point, other_end: Point) -> Point | None:
    """Where two edges meet if both are extended beyond their ends; None if they do not."""
    (ax, ay), (bx, by) = (
        (end[0] - start[0], end[1] - start[1]),
        (other_end[0] - other_start[0], other_end[1] - other_start[1]),
    )
    determinant = ax * by - ay * bx
    if abs(determinant) < _SLACK_PX:
        return None
    dx, dy = other_start[0] - start[0], other_start[1] - start[1]
    along, other_along = (dx * by - dy * bx) / determinant, (dx * ay - dy * ax) / determinant
    return (start[0] + along * ax, start[1] + along * ay) if along >= 1 and other_along >= 1 else None


def _signed_area(ring: Sequence[Point]) -> float:
    following = [*ring[1:], ring[0]]
    return sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(ring, following, strict=True)) / 2
