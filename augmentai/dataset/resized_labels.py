"""Labels in the pixels of an image that was resized."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

from augmentai.annotations import Box, Labels, Polygon, Shape

Size = tuple[int, int]


def resized(labels: Labels, full_wh: Size, size_wh: Size) -> Labels:
    """Labels in the pixels of an image that was resized.

    Args:
        labels: in pixels of the image as it was.
        full_wh: its width and height.
        size_wh: width and height now.

    Example:
        >>> resized(Labels((Shape("cat", (10, 20, 40, 60)),)), (100, 100), (50, 25)).shapes[0].box
        (5.0, 5.0, 20.0, 15.0)
    """
    if full_wh == size_wh:
        return labels
    scale = size_wh[0] / full_wh[0], size_wh[1] / full_wh[1]
    return replace(
        labels,
        shapes=tuple(_shape(shape, scale, size_wh) for shape in labels.shapes),
        mask=None if labels.mask is None else _mask(labels.mask, size_wh),
        other_masks=tuple(_mask(mask, size_wh) for mask in labels.other_masks),
    )


def _shape(shape: Shape, scale: tuple[float, float], size_wh: Size) -> Shape:
    return replace(
        shape,
        box=None if shape.box is None else _box(shape.box, scale),
        polygons=tuple(_ring(ring, scale) for ring in shape.polygons),
        lines=tuple(_ring(line, scale) for line in shape.lines),
        mask=None if shape.mask is None else _bitmap(shape.mask, size_wh),
        keypoints=tuple((x * scale[0], y * scale[1], seen) for x, y, seen in shape.keypoints),
    )


def _box(box: Box, scale: tuple[float, float]) -> Box:
    return box[0] * scale[0], box[1] * scale[1], box[2] * scale[0], box[3] * scale[1]


def _ring(ring: Polygon, scale: tuple[float, float]) -> Polygon:
    return tuple((x * scale[0], y * scale[1]) for x, y in ring)


def _mask(mask: Image.Image, size_wh: Size) -> Image.Image:
    """By nearest neighbour: no new value appears."""
    return mask.resize(size_wh, Image.Resampling.NEAREST)


def _bitmap(bitmap: np.ndarray[Any, Any], size_wh: Size) -> np.ndarray[Any, Any]:
    return np.asarray(_mask(Image.fromarray(bitmap.astype(np.uint8)), size_wh)).astype(bool)
