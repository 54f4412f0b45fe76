"""Whole images as the squares that a backbone takes."""

from __future__ import annotations

import numpy as np
from PIL import Image

from augmentai.backbone.layout import SIDE_PX


def square(image: Image.Image, side_px: int = SIDE_PX) -> np.ndarray:
    """Squeeze a whole image to a square, its aspect ratio not kept, so that nothing of it is cut off.

    Args:
        image: Of any mode and size.
        side_px: Side of the square.

    Shape:
        output: uint8 (S, S, 3)

    Example:
        >>> square(Image.new("L", (300, 200), 255), 32).shape
        (32, 32, 3)
    """
    # The gap keeps large photos fast: they are first reduced by whole numbers, to no less than three times the side.
    resized = image.convert("RGB").resize((side_px, side_px), Image.Resampling.BICUBIC, reducing_gap=3.0)
    return np.asarray(resized)
