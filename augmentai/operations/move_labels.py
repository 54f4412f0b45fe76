"""Moves labels with the pixels: boxes, polygons, bitmaps, masks and keypoints. Loads shapely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import shapely
from shapely.geometry import LineString
from shapely.geometry import Polygon as Area
from shapely.geometry import box as rectangle
from shapely.geometry.base import BaseGeometry

from augmentai.annotations import Box, Keypoint, Labels, Polygon, Shape
from augmentai.clipping import clip_polygon, clip_quadrilateral, valid, without_slivers
from augmentai.operations.warp import Warp

_BATCH_PX = 1 << 24  # pixels of bitmaps moved at a time
_MIN_SIDE_PX = 1.0  # a smaller box is of no use to any trainer, and several refuse it


def move_labels(
    warp: Warp, labels: Labels, least_visible: float = 0.3, shares: Sequence[float] | None = None
) -> Labels:
    """Labels of the source as they are in the variation. Shapes keep their order and their `extra`.

    A shape is removed if less than `least_visible` of it is still visible, of what its source shows; see
    `visible_share`. A box becomes the
    bounds of what is left of the bitmap or the polygons; if there is only a box, of its four corners, moved and cut
    at the border. `extra` is not understood and stays as it is.

    Args:
        warp: how the pixels move.
        labels: those of the source, in its pixels.
        least_visible: 0 to 1.
        shares: what `visible_share` says of each shape, if that is known.

    Returns:
        The labels in the variation's pixels; `labels` itself if nothing moves.

    Example:
        >>> from augmentai.operations.homography import Placement, fitted
        >>> mirrored = Warp("flip", (40, 30), fitted(Placement(mirrored=True), (40, 30), 0.0, 1.0))
        >>> move_labels(mirrored, Labels((Shape("cat", (5, 5, 15, 20)),))).shapes[0].box
        (25.0, 5.0, 35.0, 20.0)
    """
    if warp.is_identity:
        return labels
    shares = visible_shares(warp, labels.shapes) if shares is None else shares
    left = [(shape, shape.visible * share) for shape, share in zip(labels.shapes, shares, strict=True)]
    visible = [replace(shape, visible=share) for shape, share in left if share >= least_visible]
    bitmaps = _moved_bitmaps(warp, visible)
    moved = [_moved(warp, shape, bitmap) for shape, bitmap in zip(visible, bitmaps, strict=True)]
    return replace(
        labels,
        shapes=tuple(shape for shape in moved if shape is not None),
        mask=None if labels.mask is None else warp.mask(labels.mask),
        other_masks=tuple(warp.mask(mask) for mask in labels.other_masks),
    )


def visible_shares(warp: Warp, shapes: Sequence[Shape]) -> list[float]:
    """`visible_share` of several shapes."""
    frame = Area(warp.frame)
    return [visible_share(warp, shape, frame) for shape in shapes]


def visible_share(warp: Warp, shape: Shape, frame: Area | None = None) -> float:
    """How much of a shape's area is inside the variation's frame.

    The area is that of its bitmap or polygons, else of its box, as far as it is inside the source. If there is no
    area (a line, a point), the centre decides.

    Args:
        warp: how the pixels move.
        shape: in the source's pixels.
        frame: `warp.frame` as a polygon, if it is at hand.

    Returns:
        0 to 1; 1 for a shape that has no place at all.
    """
    if (share := _all_or_nothing(warp, shape)) is not None:
        return share
    frame = frame if frame is not None else Area(warp.frame)
    if shape.mask is not None and shape.mask.any():
        rows, columns = np.nonzero(shape.mask)
        places = warp.points(np.column_stack([columns + 0.5, rows + 0.5]))
        return float(((places >= 0) & (places <= warp.size_wh)).all(axis=1).mean())
    outline = _outline(shape)
    if outline is None:
        return 1.0
    within = outline.intersection(rectangle(0, 0, *warp.size_wh))
    if within.area <= 0:
        return float(frame.covers(outline.centroid))
    return float(within.intersection(frame).area / within.area)


def _all_or_nothing(warp: Warp, shape: Shape) -> float | None:
    """1 or 0 if all corners of an object are in the variation or beyond the same side of it, which is quickly seen."""
    if shape.mask is not None:
        return None
    corners: list[Any] = [point for ring in shape.polygons if len(ring) >= 3 for point in ring]
    if not corners and shape.box is not None:
        x0, y0, x1, y1 = shape.box
        corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    if not corners:
        return None
    points = np.asarray(corners, np.float64)
    if (points @ warp.matrix[2, :2] + warp.matrix[2, 2] <= 0).any():
        return None  # behind the eye, where straight lines do not stay in one piece
    places, (width, height) = warp.points(points), warp.size_wh
    (left, top), (right, bottom) = places.min(0), places.max(0)
    if left >= 0 and top >= 0 and right <= width and bottom <= height:
        return 1.0
    return 0.0 if right < 0 or bottom < 0 or left > width or top > height else None


def _outline(shape: Shape) -> BaseGeometry | None:
    rings = [valid(Area(ring)) for ring in shape.polygons if len(ring) >= 3]
    if rings:
        return shapely.union_all(rings)
    return rectangle(*shape.box) if shape.box is not None else None


def _moved(warp: Warp, shape: Shape, bitmap: np.ndarray[Any, Any] | None) -> Shape | None:
    """The shape in the variation, or None if nothing of it is left."""
    rings = [_moved_ring(warp, ring, shape.oriented) for ring in shape.polygons]
    polygons = tuple(piece for pieces, _ in rings for piece in pieces)
    if any(is_cut for _, is_cut in rings):
        polygons = without_slivers(polygons)
    lines = tuple(piece for path in shape.lines for piece in _moved_line(warp, path))
    is_gone = (shape.polygons and not polygons) or (shape.lines and not lines)
    if is_gone or (bitmap is not None and not bitmap.any()):
        return None
    box = None
    if shape.box is not None:
        box = _box_of(warp, shape.box, polygons, bitmap)
        if box is None:
            return None
    keypoints = _moved_keypoints(warp, shape)
    return replace(shape, box=box, polygons=polygons, mask=bitmap, keypoints=keypoints, lines=lines)


def _moved_ring(warp: Warp, ring: Polygon, oriented: bool) -> tuple[list[Polygon], bool]:
    """A ring moved and cut at the border, which may leave several, and whether it was; a rotated rectangle keeps four
    corners."""
    moved = tuple((float(x), float(y)) for x, y in warp.points(ring))
    if oriented and len(moved) == 4:
        corners = clip_quadrilateral(moved, warp.size_wh)
        pieces = [corners] if corners is not None else []
    else:
        pieces = clip_polygon(moved, warp.size_wh)
    return pieces, pieces != [moved]


def _moved_line(warp: Warp, line: Polygon) -> list[Polygon]:
    """An open path moved and cut at the border, which may leave several; a point outside is gone."""
    points = warp.points(line)
    if ((points >= 0) & (points <= warp.size_wh)).all():
        return [_path(points)]
    if len(points) < 2:
        return []
    whole = LineString(points)
    cut = shapely.line_merge(whole.intersection(rectangle(0, 0, *warp.size_wh)))
    pieces = [piece for piece in shapely.get_parts(cut) if isinstance(piece, LineString) and piece.length]
    ordered = sorted(pieces, key=lambda piece: whole.project(shapely.Point(piece.coords[0])))
    return [_path(np.asarray(piece.coords)) for piece in ordered]


def _path(points: np.ndarray[Any, Any]) -> Polygon:
    return tuple((float(x), float(y)) for x, y in points)


def _box_of(warp: Warp, box: Box, polygons: Sequence[Polygon], bitmap: np.ndarray[Any, Any] | None) -> Box | None:
    x0, y0, x1, y1 = box
    # A mirrored or turned box is exact, and it may have been drawn wider than its polygon.
    if bitmap is not None and warp.transposition is None:
        columns, rows = np.flatnonzero(bitmap.any(axis=0)), np.flatnonzero(bitmap.any(axis=1))
        bounds = float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)
    elif polygons and warp.transposition is None:
        points = np.array([point for ring in polygons for point in ring])
        bounds = *points.min(axis=0).tolist(), *points.max(axis=0).tolist()
    else:
        corners = Area(warp.points([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]))
        bounds = corners.intersection(rectangle(0, 0, *warp.size_wh)).bounds
    if not np.isfinite(bounds).all() or min(bounds[2] - bounds[0], bounds[3] - bounds[1]) < _MIN_SIDE_PX:
        return None
    return bounds


def _moved_bitmaps(warp: Warp, shapes: Sequence[Shape]) -> list[np.ndarray[Any, Any] | None]:
    """The bitmaps of these shapes, moved in batches that share the costly part."""
    moved: list[np.ndarray[Any, Any] | None] = [None] * len(shapes)
    with_bitmap = [place for place, shape in enumerate(shapes) if shape.mask is not None]
    width, height = warp.size_wh
    batch = max(1, _BATCH_PX // (width * height))
    for start in range(0, len(with_bitmap), batch):
        places = with_bitmap[start : start + batch]
        stack = np.stack([np.asarray(shapes[place].mask, bool) for place in places])
        for place, bitmap in zip(places, warp.bitmaps(stack), strict=True):
            moved[place] = bitmap
    return moved


def _moved_keypoints(warp: Warp, shape: Shape) -> tuple[Keypoint, ...]:
    """The keypoints moved; in a mirrored image left and right ones change places. Those outside become 0, 0, 0."""
    if not shape.keypoints:
        return ()
    triples = np.asarray(shape.keypoints, np.float64)  # (count, 3) of x, y, visibility
    if np.linalg.det(warp.matrix) < 0 and len(shape.flip_order) == len(triples):
        triples = triples[list(shape.flip_order)]
    places = warp.points(triples[:, :2])
    inside = ((places >= 0) & (places <= warp.size_wh)).all(axis=1) & (triples[:, 2] > 0)
    moved = np.where(inside[:, None], np.column_stack([places, triples[:, 2]]), 0)
    return tuple((float(x), float(y), float(visibility)) for x, y, visibility in moved)
