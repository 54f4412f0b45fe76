"""Small functions on images as NumPy arrays, which the network's numbers depend on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from augmentai.gan.layout import LUMA_WEIGHTS

Array = np.ndarray[Any, Any]

_CACHE_LINE_BYTES = 64


def aligned(shape: tuple[int, ...], dtype: Any) -> Array:
    """An array, not filled, that begins with a cache line: loads of 64 bytes then take half the time.

    Example:
        >>> aligned((3, 16), np.float32).ctypes.data % 64
        0
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    room = np.empty(size + _CACHE_LINE_BYTES, np.uint8)
    start = -room.ctypes.data % _CACHE_LINE_BYTES
    return room[start : start + size].view(dtype).reshape(shape)


def luma(x: Array) -> Array:
    """Luma of each pixel (ITU-R BT.601): (3, H, W) -> (H, W)."""
    red, green, blue = (np.float32(weight) for weight in LUMA_WEIGHTS)
    return np.asarray(red * x[0] + green * x[1] + blue * x[2])


def unit_rms(w: Array) -> Array:
    """Scale each style to a root mean square of one: (B, D) -> (B, D).

    Example:
        >>> unit_rms(np.array([[3.0, 3.0]], np.float32)).tolist()
        [[1.0, 1.0]]
    """
    return np.asarray(w / np.sqrt((w * w).mean(-1, keepdims=True) + np.float32(1e-8)), w.dtype)


def quantiles(values: Array, shares: Sequence[float]) -> Array:
    """Quantiles by linear interpolation, as float32: values of any shape -> (len(shares),).

    Example:
        >>> quantiles(np.arange(5, dtype=np.float32), (0.0, 0.5, 0.625)).tolist()
        [0.0, 2.0, 2.5]
    """
    places = [share * (values.size - 1) for share in shares]
    below = [int(place) for place in places]
    above = [min(place + 1, values.size - 1) for place in below]
    ordered = np.partition(values, sorted({*below, *above}), axis=None)
    return np.array(
        [
            ordered[low] + (ordered[high] - ordered[low]) * (place - low)
            for place, low, high in zip(places, below, above, strict=True)
        ],
        np.float32,
    )


def blur(x: Array) -> Array:
    """Blur with a separable 5-tap binomial kernel; the border is replicated: (C, h, w) -> (C, h, w)."""
    height, width = x.shape[1:]
    wide = np.empty((len(x), height, width + 4), x.dtype)  # filled by hand: `np.pad` takes longer than all the rest
    wide[..., 2:-2], wide[..., :2], wide[..., -2:] = x, x[..., :1], x[..., -1:]
    x = _five_taps([wide[..., start : start + width] for start in range(5)])
    high = np.empty((len(x), height + 4, width), x.dtype)
    high[:, 2:-2], high[:, :2], high[:, -2:] = x, x[:, :1], x[:, -1:]
    return _five_taps([high[:, start : start + height] for start in range(5)])


def _five_taps(moved: Sequence[Array]) -> Array:
    """The weighted mean of an array and of what is beside it, by binomial weights."""
    total = np.asarray(moved[1] + moved[3])
    total *= np.float32(4)
    total += moved[0] + moved[4]
    total += moved[2] * np.float32(6)
    total *= np.float32(1 / 16)
    return total


def half_size(x: Array) -> Array:
    """Average each 2 x 2 pixels: (C, 2h, 2w) -> (C, h, w)."""
    rows = x[:, ::2] + x[:, 1::2]
    return np.asarray((rows[..., ::2] + rows[..., 1::2]) * np.float32(0.25))


def bilinear_weights(grid: int, size: int) -> Array:
    """What each of `grid` values contributes to each of `size` pixels, as bilinear interpolation has it.

    Returns:
        float32 (size, grid); the values are at the centres of equal cells, and beyond the outer ones nothing changes.

    Example:
        >>> bilinear_weights(2, 4).tolist()
        [[1.0, 0.0], [0.75, 0.25], [0.25, 0.75], [0.0, 1.0]]
    """
    first, share = bilinear_places(grid, size)
    weights = np.zeros((size, grid), np.float32)
    rows = np.arange(size)
    weights[rows, first] = 1 - share
    weights[rows, np.minimum(first + 1, grid - 1)] += share
    return weights


def bilinear_places(grid: int, size: int) -> tuple[Array, Array]:
    """Between which two of `grid` values each of `size` pixels lies: (size,) of int32, and how far, of float32.

    Example:
        >>> [part.tolist() for part in bilinear_places(2, 4)]
        [[0, 0, 0, 0], [0.0, 0.25, 0.75, 1.0]]
    """
    middles = ((np.arange(size) + 0.5) * (grid / size) - 0.5).clip(0, grid - 1)
    first = np.minimum(middles.astype(np.int32), max(0, grid - 2)).astype(np.int32)
    return first, (middles - first).astype(np.float32)
