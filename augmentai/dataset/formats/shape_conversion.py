"""One kind of label made into another: bitmaps to polygons, polygons to boxes, whole masks to things."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from PIL.Image import Image

from augmentai.annotations import Labels, Point, Shape
from augmentai.dataset.formats.outlines import rings_of

_VOID = 255  # of masks with several classes: the border between things, which is none of them (Pascal VOC)

_WHITE = 250  # and above: the thing itself
_FEWEST_GREYS = 3  # that an edge has; fewer may be classes
_MOST_INNER = 0.2  # of the greys of an edge, as a share: where a JPEG was made of the mask, noise lies around it


def objects_of_labels(labels: Labels) -> tuple[Shape, ...]:
    """The shapes of a picture; of a semantic mask each connected area of one value is a thing of its own."""
    if labels.shapes or labels.mask is None:
        return labels.shapes
    values, present = _values(labels.mask)
    return tuple(
        Shape(name, _around(ring), (ring,)) for value, name in present.items() for ring in rings_of(values == value)
    )


def classes_of(labels: Labels) -> set[str]:
    """The classes of `objects_of_labels`, without drawing around anything."""
    if labels.shapes or labels.mask is None:
        return {shape.category for shape in labels.shapes}
    return set(_values(labels.mask)[1].values())


def _values(mask: Image) -> tuple[np.ndarray[Any, Any], dict[int, str]]:
    """(height, width) of a mask's values, and what each but the background is called: its number or its colour."""
    values = np.asarray(mask)
    in_colour = values.ndim == 3 and values.shape[2] > 2
    if values.ndim == 3:
        values = _colours(values) if in_colour else values[..., 0]
    if mask.mode in {"L", "LA"} and _is_soft(values):
        values = np.where(values >= 128, np.uint8(255), np.uint8(0))
    present = [int(value) for value in np.unique(values) if value]
    if len(present) > 1 and values.dtype == np.uint8:
        present = [value for value in present if value != _VOID]
    return values, {value: f"#{value:06x}" if in_colour else str(value) for value in present}


def _is_soft(values: np.ndarray[Any, Any]) -> bool:
    """Whether a grey mask, (height, width) of uint8, shows one thing, white on black, with a soft edge around it.

    Greys are classes where they have areas of their own; at an edge hardly any has four neighbours like itself.
    """
    counts = np.bincount(values.ravel(), minlength=256)
    greys = int(counts[1:_WHITE].sum())
    if not greys or not counts[_WHITE:].any() or np.count_nonzero(counts[1:_WHITE]) < _FEWEST_GREYS:
        return False
    inner, like = values[1:-1, 1:-1], np.ones((max(0, values.shape[0] - 2), max(0, values.shape[1] - 2)), bool)
    for other in (values[:-2, 1:-1], values[2:, 1:-1], values[1:-1, :-2], values[1:-1, 2:]):
        like &= inner == other
    return int((like & (inner > 0) & (inner < _WHITE)).sum()) <= _MOST_INNER * greys


def with_polygons(shape: Shape) -> Shape:
    """The shape with polygons in place of its bitmap."""
    if shape.mask is None or shape.polygons:
        return shape
    return replace(shape, mask=None, polygons=tuple(rings_of(shape.mask)))


def _around(ring: tuple[Point, ...]) -> tuple[float, float, float, float]:
    xs, ys = [x for x, _ in ring], [y for _, y in ring]
    return min(xs), min(ys), max(xs) + 1, max(ys) + 1


def _colours(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """(height, width, 3) or more of uint8 to one number a colour; black stays 0, the background."""
    red, green, blue = (values[..., i].astype(np.uint32) for i in range(3))
    return red << 16 | green << 8 | blue
