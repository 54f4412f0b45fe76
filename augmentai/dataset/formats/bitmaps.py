"""Bitmaps of single objects, of which label files store the part that the object covers."""

from __future__ import annotations

from typing import Any

import numpy as np

from augmentai.annotations import LabelError

_MAX_PIXELS = 400_000_000  # of all bitmaps of one image, a byte each, and as much again where pixels move


def refuse_bitmaps(count: int, size_wh: tuple[int, int], where: str) -> None:
    """Check that the bitmaps of an image fit into memory, before they are decoded.

    Args:
        count: how many there are, each as large as the image.
        size_wh: width and height of the image in pixels.
        where: the label file or its entry, for the message.

    Raises:
        LabelError: they do not.
    """
    if count * size_wh[0] * size_wh[1] > _MAX_PIXELS:
        size = "x".join(map(str, size_wh))
        raise LabelError(
            f"{where} has {count:,} bitmaps for this one image of {size}, more than fit into memory; "
            "draw them as polygons"
        )


def part_of(mask: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], int, int]:
    """The part of a bitmap that its object covers, and its first column and row. The bitmap is not empty.

    Shape:
        mask: (height, width) of bool.

    Example:
        >>> part, x, y = part_of(np.array([[False, False], [False, True]]))
        >>> part.shape, x, y
        ((1, 1), 1, 1)
    """
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], int(columns[0]), int(rows[0])


def from_part(part: np.ndarray[Any, Any], x: int, y: int, size_wh: tuple[int, int]) -> np.ndarray[Any, Any]:
    """The bitmap whose part is stored; what is beyond the image is cut off.

    Args:
        part: (height, width) of bool.
        x, y: the column and the row of its first pixel; they may be negative.
        size_wh: width and height of the image in pixels.

    Returns:
        (height, width) of bool, the size of the image.

    Example:
        >>> from_part(np.ones((2, 2), bool), -1, 0, (2, 2)).astype(int).tolist()
        [[1, 0], [1, 0]]
    """
    width, height = size_wh
    mask = np.zeros((height, width), bool)
    top, left = max(0, -y), max(0, -x)
    inside = part[top : max(0, height - y), left : max(0, width - x)]
    mask[y + top : y + top + inside.shape[0], x + left : x + left + inside.shape[1]] = inside
    return mask
