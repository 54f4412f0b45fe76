"""Masks that were saved with loss, as JPEG: the values that fill their areas, without the noise around the borders."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from augmentai.dataset.formats.masks.content import NOISE, area_levels

_REACH_PX = 4  # how far from an area the noise of its border goes: half a block of JPEG


def without_noise(mask: Image.Image) -> Image.Image | None:
    """A mask with each pixel at the value of an area near it.

    Args:
        mask: of mode L or RGB, as it was decoded.

    Returns:
        A mask of the same mode and size; None if the values of its areas cannot be distinguished.

    Example:
        >>> noisy = np.repeat(np.array([[0, 0, 0, 9, 240, 255, 255, 255]], np.uint8), 8, 0)
        >>> sorted(set(without_noise(Image.fromarray(noisy)).getdata()))
        [0, 255]
    """
    values = np.asarray(mask)
    if mask.mode not in {"L", "RGB"}:
        return None
    levels = np.array(area_levels(values), np.int16)  # (levels, channels)
    if not len(levels):
        return None
    pixels = values.reshape(*values.shape[:2], -1).astype(np.int16)
    best, lowest = np.zeros(values.shape[:2], np.intp), np.full(values.shape[:2], np.inf, np.float32)
    for number, level in enumerate(levels):
        distance = np.abs(pixels - level).max(2).astype(np.float32)
        distance[~_near(distance <= NOISE)] += 1e4  # only where no area is near, any value may be meant
        closer = distance < lowest
        best[closer], lowest[closer] = number, distance[closer]
    made = levels[best].astype(np.uint8)
    return Image.fromarray(made[..., 0] if mask.mode == "L" else made)


def _near(area: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The pixels within reach of an area, (height, width) of bool."""
    from scipy import ndimage

    core = ndimage.binary_opening(area, np.ones((2, 2)))  # a soft border passes through a value, and does not fill it
    return np.asarray(ndimage.maximum_filter(core, 2 * _REACH_PX + 1))
