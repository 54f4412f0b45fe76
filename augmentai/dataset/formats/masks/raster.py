"""Outlines as pixels: those whose centre is inside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from augmentai.annotations import Polygon


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


def _filled(ring: np.ndarray[Any, Any], size_wh: tuple[int, int]) -> np.ndarray[Any, Any]:
    width, height = size_wh
    crossings = np.zeros((height, width + 1), np.int64)  # how many edges pass to the left of each pixel's centre
    for (x0, y0), (x1, y1) in zip(ring, np.roll(ring, -1, 0), strict=True):
        top, bottom = min(y0, y1), max(y0, y1)
        rows = np.arange(max(0, int(np.ceil(top - 0.5))), min(height, int(np.ceil(bottom - 0.5))))
        if rows.size:
            xs = x0 + (rows + 0.5 - y0) * (x1 - x0) / (y1 - y0)
            crossings[rows, np.clip(np.ceil(xs - 0.5), 0, width).astype(int)] += 1
    return np.asarray(crossings.cumsum(1)[:, :width] % 2 == 1)
