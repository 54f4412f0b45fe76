"""Polygons around bitmaps, along the borders of their pixels: filling one gives the same bitmap again.

OpenCV and supervision lead outlines through the centres of pixels, so that a filled one loses a row and a column.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np

from augmentai.annotations import Polygon

_STEPS = ((0, 1), (1, 0), (0, -1), (-1, 0))  # (row, column): east, south, west, north
_CORNERS = ((0, 0), (0, 1), (1, 1), (1, 0))  # (row, column) where the side of a pixel that leads this way begins

Array = np.ndarray[Any, Any]


def mask_to_polygons(mask: Array) -> list[Polygon]:
    """The polygons around a bitmap.

    Args:
        mask: the bitmap.

    Returns:
        One polygon for each connected area, joined to its holes by seams of no width, in pixels: the first pixel
        reaches from 0 to 1. Areas that meet at a corner are one. The first point is a corner of the area's first pixel.

    Shape:
        mask: (height, width) of bool.

    Example:
        >>> mask_to_polygons(np.array([[False, True, True], [False, True, True]]))
        [((1.0, 0.0), (3.0, 0.0), (3.0, 2.0), (1.0, 2.0))]
    """
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not rows.size:
        return []
    top, left = int(rows[0]), int(columns[0])
    borders = _borders(mask[top : rows[-1] + 1, left : columns[-1] + 1])
    is_hole = [_signed_area(border) < 0 for border in borders]
    seams = _seams(borders, is_hole)
    found = (_joined(number, borders, seams) for number in range(len(borders)) if not is_hole[number])
    return [tuple((x, y) for x, y in np.add(_corners(ring), (left, top)).astype(float).tolist()) for ring in found]


def _borders(mask: Array) -> list[Array]:
    """The points of each border, (count, 2) of x and y, in order, a pixel apart; sorted by their first pixels.

    A border is followed along the sides of its pixels, clockwise, with the area on the right: at the end of a side it
    continues along the pixel across the corner, else along the one ahead, else around its own corner.
    """
    padded = np.pad(mask.astype(bool), 1)
    inner = padded[1:-1, 1:-1]
    height, width = inner.shape

    def shifted(row: int, column: int) -> Array:
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
    points = (np.column_stack([rows, columns]) + np.array(_CORNERS)[side])[:, ::-1]
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
        borders.append(points[border])
    return borders


def _seams(borders: list[Array], is_hole: list[bool]) -> dict[int, list[tuple[int, int, int]]]:
    """(position, hole, position in the hole) of every seam that leads from a border to a hole.

    A seam leads from the first point of a hole, row by row, to the left, as far as the next border: the area is on both
    sides of it. That border begins before the hole, so no seams form a ring.
    """
    holes = [number for number, hole in enumerate(is_hole) if hole]
    seams: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    if not holes:
        return seams
    points = np.concatenate(borders)
    owners = np.repeat(np.arange(len(borders)), [len(border) for border in borders])
    positions = np.concatenate([np.arange(len(border)) for border in borders])
    keys = points[:, 1] * (int(points[:, 0].max()) + 1) + points[:, 0]
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.cumsum([0, *(len(border) for border in borders)])
    for hole in holes:
        own = keys[starts[hole] : starts[hole + 1]]
        first = int(own.argmin())
        end = order[np.searchsorted(ordered, own[first]) - 1]
        seams[int(owners[end])].append((int(positions[end]), hole, first))
    return seams


def _joined(number: int, borders: list[Array], seams: dict[int, list[tuple[int, int, int]]]) -> Array:
    """A border with all the holes that seams lead to, from it and from these holes, as one ring."""
    parts: list[Array] = []
    remaining: list[Array | tuple[int, int]] = [(number, 0)]  # points, and holes to enter at a position; next one last
    while remaining:
        piece = remaining.pop()
        if not isinstance(piece, tuple):
            parts.append(piece)
            continue
        border, first = piece
        ring = np.roll(borders[border], -first, 0)
        pieces: list[Array | tuple[int, int]] = []
        last = 0
        for position, hole, entry in sorted(((p - first) % len(ring), h, e) for p, h, e in seams.get(border, ())):
            pieces += [ring[last : position + 1], (hole, entry)]
            last = position
        pieces.append(ring[last:])
        if border != number:
            pieces.append(ring[:1])
        remaining += reversed(pieces)
    return np.concatenate(parts)


def _corners(ring: Array) -> Array:
    """A ring, (count, 2), without the points on straight lines."""
    before, after = np.sign(ring - np.roll(ring, 1, 0)), np.sign(np.roll(ring, -1, 0) - ring)
    return ring[(before != after).any(1)]


def _signed_area(ring: Array) -> int:
    """Twice the area of a ring: above 0 if it leads clockwise."""
    (x, y), (next_x, next_y) = ring.T, np.roll(ring, -1, 0).T
    return int((x * next_y - next_x * y).sum())
