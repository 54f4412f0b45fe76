"""Objects that are drawn in several pieces with one group, as LabelMe and CVAT have them, as one object each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from augmentai.annotations import Box, Shape
from augmentai.dataset.formats.object_shapes import with_polygons

_GROUP = "group_id"


def whole_objects(shapes: Sequence[Shape]) -> tuple[Shape, ...]:
    """Pieces of one class and one group as one object, at the place of the first.

    Pieces of which something else is said too, such as another attribute, stay objects of their own; so do boxes, which
    people group for other reasons.

    Args:
        shapes: the objects of an image; `extra["fields"]["group_id"]` is the group.

    Example:
        >>> ring = ((0, 0), (4, 0), (4, 4))
        >>> pieces = [Shape("cat", (0, 0, 4, 4), (ring,), extra={"fields": {"group_id": 3}})] * 2
        >>> [len(shape.polygons) for shape in whole_objects(pieces)]
        [2]
    """
    groups: dict[Any, list[Shape]] = {}
    for number, shape in enumerate(shapes):
        fields = shape.extra.get("fields", {})
        key: Any = number
        if fields.get(_GROUP) and shape.has_outline and shape.box and not (shape.keypoints or shape.lines):
            key = shape.category, tuple(sorted((name, str(value)) for name, value in fields.items()))
        groups.setdefault(key, []).append(shape)
    return tuple(pieces[0] if len(pieces) == 1 else _joined(pieces) for pieces in groups.values())


def _joined(pieces: Sequence[Shape]) -> Shape:
    first = pieces[0]
    fields = {name: value for name, value in first.extra["fields"].items() if name != _GROUP}
    boxes = np.array([shape.box for shape in pieces], float)
    box: Box = (*boxes[:, :2].min(0).tolist(), *boxes[:, 2:].max(0).tolist())
    whole = replace(first, box=box, extra={**first.extra, "fields": fields}, oriented=False)
    masks = [shape.mask for shape in pieces if shape.mask is not None]
    if len(masks) == len(pieces):
        return replace(whole, polygons=(), mask=np.any(masks, axis=0))
    polygons = tuple(ring for shape in pieces for ring in with_polygons(shape).polygons)
    return replace(whole, polygons=polygons, mask=None)
