"""Outlines of bitmaps, as OpenCV's `findContours` draws them: corners are pixels of the area itself.

supervision does this in pure Python where OpenCV is not installed, which takes a second for a picture of many things.
What has no holes is drawn here; what has holes is left to it, cut out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from augmentai.annotations import Point
from augmentai.dataset.formats.supervision_import import supervision

Ring = tuple[Point, ...]
_STEPS = ((0, 1), (1, 0), (0, -1), (-1, 0))  # (row, column): east, south, west, north


def rings_of(mask: np.ndarray[Any, Any]) -> list[Ring]:
    """Polygons around a bitmap, (height, width) of bool: one for each connected area, joined to its holes by seams.

    Areas that meet at a corner are one. What is one pixel wide and straight has no polygon.
    """
    from scipy import ndimage

    areas, count = ndimage.label(mask, np.ones((3, 3), int))
    if not count:
        return []
    with_holes: set[int] = set()
    found: dict[int, np.ndarray[Any, Any]] = {}
    for border in _borders(mask):
        area = int(areas[border[0, 1], border[0, 0]])
        if area in found:  # the outer border begins further up than those of its holes, and so comes first
            with_holes.add(area)
        else:
            found[area] = border
    boxes = ndimage.find_objects(areas)
    rings: list[Ring] = []
    for area, border in found.items():
        if area in with_holes:
            rows, columns = boxes[area - 1]
            cut_out = _with_holes(areas[rows, columns] == area)
            rings += [tuple((x + columns.start, y + rows.start) for x, y in ring) for ring in cut_out]
        else:
            rings.append(tuple((float(x), float(y)) for x, y in _corners(border)))
    return [ring for ring in rings if len(ring) > 2]


def _borders(mask: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    """Each border's pixels, (count, 2) of x and y, in order; sorted by their first pixels, row by row.

    A border is followed along the sides of its pixels, clockwise, the area on the right: at the end of a side it goes
    on along the pixel across the corner, else along the one ahead, else around its own corner.
    """
    padded = np.pad(mask.astype(bool), 1)
    inner = padded[1:-1, 1:-1]
    height, width = inner.shape

    def shifted(row: int, column: int) -> np.ndarray[Any, Any]:
        return padded[1 + row : 1 + row + height, 1 + column : 1 + column + width]

    sides = np.stack([inner & ~shifted(*_STEPS[side - 1]) for side in range(4)], -1)  # (height, width, 4)
    places = np.flatnonzero(sides)  # of all sides, by pixel and then by side
    rows, columns, turned = np.unravel_index(places, sides.shape)
    steps = np.array(_STEPS)
    ahead = np.column_stack([rows, columns]) + steps[turned]
    across = ahead + steps[turned - 1]
    goes_across, goes_ahead = (padded[where[:, 0] + 1, where[:, 1] + 1] for where in (across, ahead))
    next_row, next_column = (
        np.select([goes_across, goes_ahead], [across[:, axis], ahead[:, axis]], own)
        for axis, own in enumerate((rows, columns))
    )
    next_side = np.select([goes_across, goes_ahead], [turned - 1, turned], turned + 1) % 4
    follows = np.searchsorted(places, (next_row * width + next_column) * 4 + next_side).tolist()
    pixels = np.column_stack([columns, rows])
    seen = bytearray(len(follows))
    borders = []
    for start in range(len(follows)):
        if seen[start]:
            continue
        border, at = [], start
        while not seen[at]:
            seen[at] = 1
            border.append(at)
            at = follows[at]
        chain = pixels[border]  # with each pixel once for each of its sides in a row
        chain = chain[np.append(True, (chain[1:] != chain[:-1]).any(1))]
        borders.append(chain[:-1] if len(chain) > 1 and (chain[-1] == chain[0]).all() else chain)
    return borders


def _corners(border: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A border without pixels on straight lines between two others, counterclockwise, from its first pixel on."""
    border = np.concatenate([border[:1], border[:0:-1]])
    before, after = border - np.roll(border, 1, 0), np.roll(border, -1, 0) - border
    return border[(before != after).any(1)]


def _with_holes(mask: np.ndarray[Any, Any]) -> list[Ring]:
    """The polygon of one area with holes."""
    mask_to_polygons = supervision().mask_to_polygons
    from supervision.dataset.utils import approximate_mask_with_polygons

    found: Sequence[np.ndarray[Any, Any]]
    try:
        found = approximate_mask_with_polygons(mask, bridge_holes=True)
    except ValueError:  # a hole that no straight seam reaches
        found = mask_to_polygons(mask)
    return [tuple((float(x), float(y)) for x, y in ring) for ring in found]
