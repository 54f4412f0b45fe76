"""One kind of label made into another: bitmaps to polygons, polygons to boxes, whole masks to things."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from augmentai.dataset.labels.base import Labels, Point, Shape
from augmentai.dataset.labels.sv import supervision

_VOID = 255  # of masks with several classes: the border between things, which is none of them (Pascal VOC)


def things_of(labels: Labels) -> tuple[Shape, ...]:
    """The shapes of a picture; of a semantic mask each connected area of one value is a thing of its own."""
    if labels.shapes or labels.mask is None:
        return labels.shapes
    values = np.asarray(labels.mask)
    if values.ndim == 3:
        values = _colours(values)
    present = [int(value) for value in np.unique(values) if value]
    if len(present) > 1 and values.dtype == np.uint8 and labels.mask.mode not in {"RGB", "RGBA"}:
        present = [value for value in present if value != _VOID]
    return tuple(
        Shape(_name(value, labels.mask.mode), _around(ring), (ring,))
        for value in present
        for ring in rings_of(values == value)
    )


def with_polygons(shape: Shape) -> Shape:
    """The shape with polygons in place of its bitmap."""
    if shape.mask is None or shape.polygons:
        return shape
    return replace(shape, mask=None, polygons=tuple(rings_of(shape.mask)))


def rings_of(mask: np.ndarray[Any, Any]) -> list[tuple[Point, ...]]:
    """Polygons around a bitmap, (height, width) of bool: one for each connected area, joined to its holes by seams.

    Corners are pixels of the area itself, as contours are everywhere in this field.
    """
    mask_to_polygons = supervision().mask_to_polygons
    from supervision.dataset.utils import approximate_mask_with_polygons

    found: Sequence[np.ndarray[Any, Any]]
    try:
        found = approximate_mask_with_polygons(mask, bridge_holes=True)
    except ValueError:  # a hole that no straight seam reaches
        found = mask_to_polygons(mask)
    return [tuple((float(x), float(y)) for x, y in ring) for ring in found if len(ring) > 2]


def _around(ring: tuple[Point, ...]) -> tuple[float, float, float, float]:
    xs, ys = [x for x, _ in ring], [y for _, y in ring]
    return min(xs), min(ys), max(xs) + 1, max(ys) + 1


def _colours(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """(height, width, 3) or more of uint8 to one number a colour; black stays 0, the background."""
    red, green, blue = (values[..., i].astype(np.uint32) for i in range(3))
    return red << 16 | green << 8 | blue


def _name(value: int, mode: str) -> str:
    return f"#{value:06x}" if mode in {"RGB", "RGBA"} else str(value)
