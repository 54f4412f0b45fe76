"""Outlines as pixels: those whose centre is inside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from augmentai.annotations import Polygon, Shape


def filled(polygons: Sequence[Polygon], size_wh: tuple[int, int]) -> np.ndarray[Any, Any]:
    """The pixels inside of one of some outlines.

    Args:
        polygons: in pixels; the first pixel reaches from 0 to 1. Where an outline crosses itself, or a seam leads to a
            hole, every other crossing is outside.
        size_wh: width and height of the image in pixels.

    Returns:
        (height, width) of bool.

    Example:
        >>> filled([((1, 0), (3, 0), (3, 1), (1, 1))], (4, 2)).astype(int).tolist()
        [[0, 1, 1, 0], [0, 0, 0, 0]]
    """
    found = np.zeros((size_wh[1], size_wh[0]), bool)
    for polygon in polygons:
        found |= _filled(np.asarray(polygon, float).reshape(-1, 2), size_wh)
    return found


def pixels_of(shape: Shape, size_wh: tuple[int, int]) -> np.ndarray[Any, Any]:
    """The pixels of an object that has a bitmap or outlines; (height, width) of bool."""
    return filled(shape.polygons, size_wh) if shape.mask is None else np.asarray(shape.mask, bool)


def _filled(ring: np.ndarray[Any, Any], size_wh: tuple[int, int]) -> np.ndarray[Any, Any]:
    width, height = size_wh
    following = np.roll(ring, -1, 0)
    first = np.clip(np.ceil(np.minimum(ring[:, 1], following[:, 1]) - 0.5), 0, height).astype(int)
    end = np.clip(np.ceil(np.maximum(ring[:, 1], following[:, 1]) - 0.5), 0, height).astype(int)
    edges = np.repeat(np.arange(len(ring)), end - first)  # each once for every row that it crosses
    rows = np.arange(edges.size) - np.repeat(np.cumsum(end - first) - (end - first), end - first) + first[edges]
    (x0, y0), (x1, y1) = ring[edges].T, following[edges].T
    columns = np.clip(np.ceil(x0 + (rows + 0.5 - y0) * (x1 - x0) / (y1 - y0) - 0.5), 0, width).astype(int)
    # How many edges pass to the left of each pixel's centre; whether the number is odd survives an overflow.
    crossings = np.zeros((height, width + 1), np.uint8)
    np.add.at(crossings, (rows, columns), 1)
    return np.asarray(crossings.cumsum(1, np.uint8)[:, :width] % 2 == 1)
