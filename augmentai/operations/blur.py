"""Blurring by a small kernel, whatever the size of the image."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from PIL import Image

Values = np.ndarray[Any, np.dtype[np.float32]]

_MAX_SIDE = 31  # of a kernel; for a larger one the image is reduced first, whose detail would not survive anyway
_SAMPLES = 9  # of a pixel's side, so that a kernel's edges are smooth


def line_kernel(length_px: float, angle_deg: float) -> Values:
    """A straight path, along which a camera moved.

    Returns:
        (side, side), odd, with the sum 1.

    Example:
        >>> line_kernel(2.0, 0.0).round(2).tolist()
        [[0.0, 0.0, 0.0], [0.25, 0.5, 0.25], [0.0, 0.0, 0.0]]
    """
    reach = math.ceil(length_px / 2)
    steps = (np.arange(64 * (reach + 1)) + 0.5) / (64 * (reach + 1)) - 0.5
    across = reach + steps * length_px * math.cos(math.radians(angle_deg))
    down = reach - steps * length_px * math.sin(math.radians(angle_deg))
    kernel = np.zeros((2 * reach + 2, 2 * reach + 2))
    column, row = np.floor(across).astype(int), np.floor(down).astype(int)
    for right in (0, 1):
        for below in (0, 1):  # each point is shared by its four nearest pixels
            share = np.abs(1 - right - (across - column)) * np.abs(1 - below - (down - row))
            np.add.at(kernel, (row + below, column + right), share)
    return _trimmed(kernel[:-1, :-1])


def disk_kernel(radius_px: float) -> Values:
    """A disk, to which a lens out of focus spreads a point.

    Returns:
        (side, side), odd, with the sum 1.

    Example:
        >>> disk_kernel(0.2).shape, disk_kernel(1.4).shape
        ((1, 1), (3, 3))
    """
    reach = math.ceil(max(0.0, radius_px - 0.5))
    places = (np.arange((2 * reach + 1) * _SAMPLES) + 0.5) / _SAMPLES - (reach + 0.5)
    within = np.hypot(*np.meshgrid(places, places)) <= max(radius_px, 1e-9)
    side = 2 * reach + 1
    return _trimmed(within.reshape(side, _SAMPLES, side, _SAMPLES).mean((1, 3)))


def _trimmed(kernel: Any) -> Values:
    """Without an empty border, as float32 with the sum 1."""
    while len(kernel) > 1 and not (kernel[0].any() or kernel[-1].any() or kernel[:, 0].any() or kernel[:, -1].any()):
        kernel = kernel[1:-1, 1:-1]
    total = kernel.sum()
    return (kernel / total if total else np.ones((1, 1))).astype(np.float32)


def reduction_for(width_px: float) -> int:
    """By how much an image is reduced before it is blurred by a kernel of this width."""
    return max(1, math.ceil(width_px / _MAX_SIDE))


def blurred(values: Values, kernel: Values, reduction: int = 1) -> Values:
    """Values convolved with a kernel; beyond the border they are reflected.

    Args:
        values: of an image.
        kernel: for the image reduced by `reduction`.
        reduction: see `reduction_for`.

    Shape:
        values: (height, width, channels).
    """
    if kernel.shape == (1, 1):
        return values
    import cv2

    height, width = values.shape[:2]
    image = np.ascontiguousarray(values, np.float32)
    if reduction > 1:
        image = _reduced(image, (max(1, width // reduction), max(1, height // reduction)))
    made = cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_ISOLATED | cv2.BORDER_REFLECT)
    if reduction > 1:
        made = cv2.resize(made, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(made, np.float32).reshape(values.shape)


def _reduced(values: Values, size_wh: tuple[int, int]) -> Values:
    """Reduced by a triangle filter that covers every pixel: (H, W, C) -> (h, w, C)."""
    planes = [Image.fromarray(plane).resize(size_wh, Image.Resampling.BILINEAR) for plane in values.transpose(2, 0, 1)]
    return np.stack([np.asarray(plane) for plane in planes], -1)
