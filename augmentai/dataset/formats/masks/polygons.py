"""Polygons around bitmaps, as OpenCV's `findContours` draws them: corners are pixels of the area itself.

Without OpenCV, supervision does this in pure Python, which takes a second for an image of many objects. Areas without
holes are outlined here; areas with holes are cut out and left to supervision.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from augmentai.annotations import Polygon
from augmentai.dataset.formats.supervision_import import supervision

_STEPS = ((0, 1), (1, 0), (0, -1), (-1, 0))  # (row, column): east, south, west, north


def mask_to_polygons(mask: np.ndarray[Any, Any]) -> list[Polygon]:
    """The polygons around a bitmap.

    Args:
        mask: the bitmap.

    Returns:
        One polygon for each connected area, joined to its holes by seams, in pixels. Areas that meet at a corner are
        one. An area that is one pixel wide and straight has no polygon.

    Shape:
        mask: (height, width) of bool.

    Example:
        >>> mask_to_polygons(np.array([[False, True, True], [False, True, True]]))
        [((1.0, 0.0), (1.0, 1.0), (2.0, 1.0), (2.0, 0.0))]
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
    polygons: list[Polygon] = []
    for area, border in found.items():
        if area in with_holes:
            rows, columns = boxes[area - 1]
            cut_out = _with_holes(areas[rows, columns] == area)
            polygons += [tuple((x + columns.start, y + rows.start) for x, y in polygon) for polygon in cut_out]
        else:
            polygons.append(tuple((float(x), float(y)) for x, y in _corners(border)))
    return [polygon for polygon in polygons if len(polygon) > 2]


def _borders(mask: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    """The pixels of each border, (count, 2) of x and y, in order; sorted by their first pixels, row by row.

    A border is followed along the sides of its pixels, clockwise, with the area on the right: at the end of a side it
    continues along the pixel across the corner, else along the one ahead, else around its own corner.
    """
    padded = np.pad(mask.astype(bool), 1)
    inner = padded[1:-1, 1:-1]
    height, width = inner.shape

    def shifted(row: int, column: int) -> np.ndarray[Any, Any]:
        return padded[1 + row : 1 + row + height, 1 + column : 1 + column + width]

    sides = np.stack([inner & ~shifted(*_STEPS[side - 1]) for side in range(4)], -1)  # (height, width, 4)
    indices = np.flatnonzero(sides)  # of all sides, by pixel and then by side
    rows, columns, side = np.unravel_index(indices, sides.shape)
    steps = np.array(_STEPS)
    ahead = np.column_stack([rows, columns]) + steps[side]
    across = ahead + steps[side - 1]
    is_across, is_ahead = (padded[pixel[:, 0] + 1, pixel[:, 1] + 1] for pixel in (across, ahead))
    next_row, next_column = (
        np.select([is_across, is_ahead], [across[:, axis], ahead[:, axis]], own)
        for axis, own in enumerate((rows, columns))
    )
    next_side = np.select([is_across, is_ahead], [side - 1, side], side + 1) % 4
    following = np.searchsorted(indices, (next_row * width + next_column) * 4 + next_side).tolist()
    pixels = np.column_stack([columns, rows])
    seen = bytearray(len(following))
    borders = []
    for start in range(len(following)):
        if seen[start]:
            continue
        border, index = [], start
        while not seen[index]:
            seen[index] = 1
            border.append(index)
            index = following[index]
        chain = pixels[border]  # a pixel is repeated for each of its sides that follow each other
        chain = chain[np.append(True, (chain[1:] != chain[:-1]).any(1))]
        borders.append(chain[:-1] if len(chain) > 1 and (chain[-1] == chain[0]).all() else chain)
    return borders


def _corners(border: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A border, (count, 2), without the pixels on straight lines, counterclockwise from its first pixel."""
    border = np.concatenate([border[:1], border[:0:-1]])
    before, after = border - np.roll(border, 1, 0), np.roll(border, -1, 0) - border
    return border[(before != after).any(1)]


def _with_holes(mask: np.ndarray[Any, Any]) -> list[Polygon]:
    """The polygon of one area with holes."""
    library = supervision()
    from supervision.dataset.utils import approximate_mask_with_polygons

    found: Sequence[np.ndarray[Any, Any]]
    try:
        found = approximate_mask_with_polygons(mask, bridge_holes=True)
    except ValueError:  # a hole that no straight seam reaches
        found = library.mask_to_polygons(mask)
    return [tuple((float(x), float(y)) for x, y in polygon) for polygon in found]
