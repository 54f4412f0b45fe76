"""What several annotation tools draw, as shapes: boxes, outlines, ellipses, open lines and points."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from augmentai.annotations import Point, Polygon, Shape, box_around, mask_to_box
from augmentai.dataset.formats.ellipses import Ellipse
from augmentai.dataset.formats.pixel_fields import without_places
from augmentai.images.orientation import Frame
from augmentai.plurals import counted

Extra = Mapping[str, Any]
_SAME_PX = 1e-6
_UNSAID = (0, "", "Unspecified")  # what tools write where nobody said anything


def boxed(category: str, first: Point, second: Point, extra: Extra) -> Shape:
    """A box between two opposite corners, in any order."""
    return Shape(category, box_around((first, second)), extra=extra)


def outlined(category: str, ring: Iterable[Point], extra: Extra) -> Shape:
    """An area inside an outline. Raises ValueError for fewer than three corners."""
    points = tuple(ring)
    if len(points) > 3 and points[0] == points[-1]:
        points = points[:-1]
    if len(points) < 3:
        raise ValueError(f"its outline has {counted(len(points), 'point')}; expected three or more")
    return Shape(category, box_around(points), (points,), extra=extra)


def elliptic(category: str, ellipse: Ellipse, extra: Extra) -> Shape:
    """A circle or an ellipse. Raises ValueError if a radius is not above 0."""
    if not min(ellipse.rx, ellipse.ry) > 0:
        raise ValueError("its radius is 0 or less; expected a radius above 0")
    return Shape(category, ellipse.box, (ellipse.ring,), extra=extra)


def masked(category: str, mask: np.ndarray[Any, Any], extra: Extra) -> Shape:
    """A bitmap, (height, width) of bool. Raises ValueError if it is empty."""
    box = mask_to_box(mask)
    if box is None:
        raise ValueError("its mask is empty; remove it, or draw it again")
    return Shape(category, box, mask=mask, extra=extra)


def traced(category: str, path: Iterable[Point], extra: Extra) -> Shape:
    """An open line. Raises ValueError if it has no point."""
    points = tuple(path)
    if not points:
        raise ValueError("it has no point; expected one or more")
    return Shape(category, None, extra=extra, lines=(points,))


def dotted(category: str, points: Iterable[Point], extra: Extra) -> Shape:
    """Single points. Raises ValueError if there is none."""
    lines = tuple((point,) for point in points)
    if not lines:
        raise ValueError("it has no point; expected one or more")
    return Shape(category, None, extra=extra, lines=lines)


def foreign_attributes(shape: Shape) -> dict[str, Any]:
    """What the format that an object came from says of it beside its place, as attributes for another format."""
    coco = shape.extra.get("coco")
    found = {name: value for name, value in shape.extra.get("fields", {}).items() if value not in _UNSAID}
    if isinstance(coco, dict):
        attributes = coco.get("attributes")
        found |= attributes if isinstance(attributes, dict) else {}
        if coco.get("iscrowd"):
            found["iscrowd"] = 1
    return found


def without_untrue_fields(shapes: Sequence[Shape], own: Sequence[Shape], losses: dict[str, None]) -> tuple[Shape, ...]:
    """The objects without what their own format says of their place beside it, if they are not where they were.

    Args:
        shapes: the objects of an image or of a variation of it, in the order of the image.
        own: those of the image.
        losses: what is removed is added to these, in words for the user.
    """
    rest = iter(own)
    if all(any(is_same_place(shape, other) for other in rest) for shape in shapes):
        return tuple(shapes)
    return tuple(_without_places(shape, losses) for shape in shapes)


def _without_places(shape: Shape, losses: dict[str, None]) -> Shape:
    extra = dict(shape.extra)
    if isinstance(fields := extra.get("fields"), dict):
        extra["fields"] = without_places(fields, losses)
    coco = extra.get("coco")
    if isinstance(coco, dict) and isinstance(attributes := coco.get("attributes"), dict):
        extra["coco"] = {**coco, "attributes": without_places(attributes, losses, "attributes.")}
    return replace(shape, extra=extra)


def upright(shape: Shape, frame: Frame) -> Shape:
    """A shape that was drawn on the stored image, turned upright with it."""

    def turned(points: Polygon) -> Polygon:
        return tuple(frame.point(x, y) for x, y in points)

    box = shape.box
    return replace(
        shape,
        box=None if box is None else box_around((frame.point(*box[:2]), frame.point(*box[2:]))),
        polygons=tuple(map(turned, shape.polygons)),
        lines=tuple(map(turned, shape.lines)),
        # 0, 0, 0 is a point that is not labelled.
        keypoints=tuple((*frame.point(x, y), v) if v else (x, y, v) for x, y, v in shape.keypoints),
        mask=None if shape.mask is None else _upright_mask(shape.mask, frame),
    )


def is_same_place(one: Shape, other: Shape) -> bool:
    """Whether two shapes have the same class and the same place, to a millionth of a pixel."""
    if one.category != other.category or (one.mask is None) != (other.mask is None):
        return False
    if one.mask is not None and other.mask is not None and not np.array_equal(one.mask, other.mask):
        return False
    first, second = list(_coordinates(one)), list(_coordinates(other))
    return len(first) == len(second) and all(
        a == b or math.isclose(a, b, rel_tol=0, abs_tol=_SAME_PX) for a, b in zip(first, second, strict=True)
    )


def _coordinates(shape: Shape) -> Iterator[float]:
    yield from shape.box or ()
    for path in (*shape.polygons, *shape.lines, *(((x, y), (v, 0)) for x, y, v in shape.keypoints)):
        yield float(len(path))
        for point in path:
            yield from point


def _upright_mask(mask: np.ndarray[Any, Any], frame: Frame) -> np.ndarray[Any, Any]:
    """A bitmap of the stored image, (height, width) of bool, rotated upright."""
    from PIL import Image

    return np.asarray(frame.upright(Image.fromarray(mask.astype(np.uint8)))).astype(bool)
