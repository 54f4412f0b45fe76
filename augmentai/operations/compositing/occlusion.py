"""What labels lose where an object is put in front of what they mark. Loads shapely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
from shapely.geometry import LineString, MultiPolygon
from shapely.geometry import Polygon as Area
from shapely.geometry.base import BaseGeometry

from augmentai.annotations import Box, Hidden, Keypoint, Polygon, Shape, box_around, mask_to_box
from augmentai.clipping import LEAST_PIECE_PX, joined_by_seams, valid
from augmentai.dataset.formats.masks.polygons import mask_to_polygons
from augmentai.operations.compositing.labelled_objects import Values, Window

_STAIRS_PX = 0.75  # what is smoothed of the stairs that the outline of a bitmap has


@dataclass(frozen=True)
class Cover:
    """What is put in front.

    Attributes:
        mask: its pixels.
        window: where they are in the image: left, top, right, bottom.
        polygons: its outline, if it has one that is not stairs.

    Shape:
        mask: bool (bottom - top, right - left).
    """

    mask: Values
    window: Window
    polygons: tuple[Polygon, ...] = ()

    def area(self) -> BaseGeometry:
        """Its outline in pixels of the image."""
        rings: Sequence[Polygon] = self.polygons
        if not rings:
            left, top = self.window[:2]
            rings = [tuple((x + left, y + top) for x, y in ring) for ring in mask_to_polygons(self.mask)]
            smooth = shapely.union_all([valid(Area(ring)) for ring in rings]).simplify(_STAIRS_PX)
            return valid(smooth)
        return shapely.union_all([valid(Area(ring)) for ring in rings if len(ring) > 2])


class Occluded:
    """The labelled objects of an image while others are put in front of them.

    Args:
        shapes: as they are labelled.
        size_wh: width and height of the image in pixels.
        least_visible: 0 to 1; an object of which less stays visible loses its label.

    Attributes:
        shapes: what is still labelled, with what is visible of it.
        hidden: what is labelled no more.

    Example:
        >>> seen = Occluded([Shape("cat", (0, 0, 10, 10)), Shape("mouse", (6, 6, 8, 8))], (20, 20), 0.3)
        >>> seen.cover(Cover(np.ones((10, 5), bool), (5, 0, 10, 10)))
        >>> [(shape.category, shape.box) for shape in seen.shapes], seen.hidden
        ([('cat', (0, 0, 5.0, 10))], Hidden(objects=1, pixels=0))
    """

    def __init__(self, shapes: Sequence[Shape], size_wh: tuple[int, int], least_visible: float) -> None:
        self._size_wh, self._least_visible = size_wh, least_visible
        self._seen = [_Seen(shape, shape, _extent_of_whole(shape)) for shape in shapes]
        self.hidden = Hidden()

    @property
    def shapes(self) -> tuple[Shape, ...]:
        return tuple(one.shape for one in self._seen)

    def add(self, shape: Shape) -> None:
        """An object that nothing hides yet."""
        self._seen.append(_Seen(shape, shape, _extent(shape)))

    def cover(self, cover: Cover) -> None:
        """Hide what is behind an object."""
        area: BaseGeometry | None = None
        kept = []
        for one in self._seen:
            if not _meet(one.shape, cover.window):
                kept.append(one)
                continue
            if area is None and not _by_pixels(one.shape):
                area = cover.area()
            one = replace(one, covers=(*one.covers, cover), area=_together(one.area, area))
            left, extent = _behind(one, cover, area, self._size_wh)
            if left is not None and (one.whole <= 0 or extent >= self._least_visible * one.whole):
                visible = extent / one.whole if one.whole > 0 else left.visible
                kept.append(replace(one, shape=replace(left, visible=visible)))
            else:
                self.hidden += Hidden(1, round(extent))
        self._seen = kept


@dataclass(frozen=True)
class _Seen:
    """An object while others are put in front of it.

    Attributes:
        before: as it was when nothing was in front.
        shape: with what is visible of it.
        whole: its area when nothing had cut or hidden it.
        covers, area: what was put in front so far. A box does not say which part of it is hidden, so that this is not
            to be seen in `shape`.
    """

    before: Shape
    shape: Shape
    whole: float
    covers: tuple[Cover, ...] = ()
    area: BaseGeometry | None = None


def _together(one: BaseGeometry | None, other: BaseGeometry | None) -> BaseGeometry | None:
    return other if one is None else one if other is None else one.union(other)


def _by_pixels(shape: Shape) -> bool:
    return shape.mask is not None or not (shape.polygons or shape.lines)


def _extent_of_whole(shape: Shape) -> float:
    """The area that an object had before anything cut or hid it."""
    return _extent(shape) / shape.visible if shape.visible > 0 else 0.0


def _extent(shape: Shape) -> float:
    """The area of an object in square pixels; of lines their length."""
    if shape.mask is not None:
        return float(np.count_nonzero(shape.mask))
    if shape.polygons:
        return float(_outline(shape).area)
    if shape.lines:
        return float(sum(LineString(line).length if len(line) > 1 else 1.0 for line in shape.lines))
    return (shape.box[2] - shape.box[0]) * (shape.box[3] - shape.box[1]) if shape.box is not None else 0.0


def _outline(shape: Shape) -> BaseGeometry:
    return shapely.union_all([valid(Area(ring)) for ring in shape.polygons if len(ring) > 2])


def _meet(shape: Shape, window: Window) -> bool:
    """Whether an object may have something behind a window."""
    if shape.mask is not None:
        left, top, right, bottom = window
        return bool(np.asarray(shape.mask)[max(0, top) : max(0, bottom), max(0, left) : max(0, right)].any())
    rings = (*shape.polygons, *shape.lines)
    box = box_around(*rings) if rings else shape.box
    if box is None:
        return False
    return box[0] < window[2] and window[0] < box[2] and box[1] < window[3] and window[1] < box[3]


def _behind(
    one: _Seen, cover: Cover, area: BaseGeometry | None, size_wh: tuple[int, int]
) -> tuple[Shape | None, float]:
    """(what is visible of an object or None, how much that is)."""
    shape = replace(one.shape, keypoints=_hidden_points(one.shape.keypoints, cover))
    if shape.mask is not None:
        return _bitmap_behind(shape, cover)
    if shape.polygons:
        assert area is not None
        return _outline_behind(shape, one.area if shape.oriented and one.area is not None else area)
    if shape.lines:
        assert area is not None
        return _lines_behind(shape, area)
    return _box_behind(replace(shape, box=one.before.box), one.covers, size_wh)


def _hidden_points(keypoints: tuple[Keypoint, ...], cover: Cover) -> tuple[Keypoint, ...]:
    """Visible keypoints behind an object are labelled as hidden ones."""
    return tuple((x, y, 1.0) if seen == 2 and _is_covered(x, y, cover) else (x, y, seen) for x, y, seen in keypoints)


def _is_covered(x: float, y: float, cover: Cover) -> bool:
    left, top, right, bottom = cover.window
    return left <= x < right and top <= y < bottom and bool(cover.mask[int(y) - top, int(x) - left])


def _bitmap_behind(shape: Shape, cover: Cover) -> tuple[Shape | None, float]:
    bitmap = np.array(shape.mask, bool)
    left, top, right, bottom = cover.window
    rows, columns = slice(max(0, top), max(0, bottom)), slice(max(0, left), max(0, right))
    part = bitmap[rows, columns]
    own = cover.mask[rows.start - top :, columns.start - left :][: part.shape[0], : part.shape[1]]
    if not (part & own).any():
        return shape, float(np.count_nonzero(bitmap))
    bitmap[rows, columns] = part & ~own
    box = mask_to_box(bitmap)
    if box is None:
        return None, 0.0
    return replace(shape, mask=bitmap, box=box if shape.box is not None else None), float(np.count_nonzero(bitmap))


def _outline_behind(shape: Shape, area: BaseGeometry) -> tuple[Shape | None, float]:
    whole = _outline(shape)
    if not whole.intersects(area) or whole.intersection(area).area < LEAST_PIECE_PX / 4:
        return shape, float(whole.area)
    seen = whole.difference(area)
    if shape.oriented:
        return shape, float(seen.area)  # a rotated rectangle stays one, whatever is in front of it
    pieces = [piece for piece in _areas(seen) if piece.area >= LEAST_PIECE_PX]
    polygons = tuple(_ring(piece) for piece in pieces)
    if not polygons:
        return None, float(seen.area)
    box = shape.box
    if box is not None:
        grown = box_around(*shape.polygons), box_around(*polygons)
        box = shrunk(box, *grown)
    return replace(shape, polygons=polygons, box=box), float(sum(piece.area for piece in pieces))


def shrunk(box: Box, before: Box, after: Box) -> Box:
    """A box, on whose sides less is visible than before; it may have been drawn wider than the outline.

    Args:
        box: as it was.
        before, after: the boxes around what was and what is visible.

    Example:
        >>> shrunk((0, 0, 11, 10), (0, 0, 10, 10), (4, 0, 10, 10))
        (4, 0, 11, 10)
    """
    return tuple(  # type: ignore[return-value]
        side if abs(old - new) < 1e-6 else new for side, old, new in zip(box, before, after, strict=True)
    )


def _areas(geometry: BaseGeometry) -> list[Area]:
    if isinstance(geometry, Area):
        return [geometry]
    if isinstance(geometry, MultiPolygon):
        return list(geometry.geoms)
    return [piece for part in getattr(geometry, "geoms", ()) for piece in _areas(part)]


def _ring(piece: Area) -> Polygon:
    outer, *holes = (
        tuple((float(x), float(y)) for x, y in list(ring.coords)[:-1]) for ring in (piece.exterior, *piece.interiors)
    )
    return joined_by_seams(outer, holes)


def _lines_behind(shape: Shape, area: BaseGeometry) -> tuple[Shape | None, float]:
    kept: list[Polygon] = []
    for line in shape.lines:
        path: Any = LineString(line) if len(line) > 1 else shapely.Point(line[0])
        rest = path.difference(area)
        kept += [
            tuple((float(x), float(y)) for x, y in part.coords) for part in shapely.get_parts(rest) if not part.is_empty
        ]
    if not kept:
        return None, 0.0
    made = replace(shape, lines=tuple(kept))
    return made, _extent(made)


def _box_behind(shape: Shape, covers: Sequence[Cover], size_wh: tuple[int, int]) -> tuple[Shape | None, float]:
    """Of an object that has only a box, the part of the box that shows; sides that are hidden all along move in."""
    assert shape.box is not None
    x0, y0, x1, y1 = shape.box
    left, top = max(0, round(x0)), max(0, round(y0))
    right, bottom = min(size_wh[0], max(left + 1, round(x1))), min(size_wh[1], max(top + 1, round(y1)))
    seen = np.ones((max(0, bottom - top), max(0, right - left)), bool)
    for cover in covers:
        a, b, c, d = max(left, cover.window[0]), max(top, cover.window[1]), *cover.window[2:]
        c, d = min(right, c), min(bottom, d)
        if a < c and b < d:
            own = cover.mask[b - cover.window[1] : d - cover.window[1], a - cover.window[0] : c - cover.window[0]]
            seen[b - top : d - top, a - left : c - left] &= ~own
    if seen.all():
        return shape, _extent(shape)
    extent = float(seen.mean()) * _extent(shape)
    box = mask_to_box(seen)
    if box is None:
        return None, 0.0
    inner = (box[0] + left, box[1] + top, box[2] + left, box[3] + top)
    return replace(shape, box=shrunk(shape.box, (left, top, right, bottom), inner)), extent
