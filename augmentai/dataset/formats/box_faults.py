"""What is wrong with the boxes of an image, whatever format they are read from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from augmentai.annotations import Box, Labels

Kind = Literal["boxes_outside", "boxes_without_area", "tiny_boxes", "repeated_objects"]

_TOLERANCE_PX = 1.0  # by which a box may reach over the edge: as much as rounding explains
_TINY_PX = 3.0  # the shorter side of a box that hardly any model can find


@dataclass(frozen=True, slots=True)
class BoxFault:
    """One box that is wrong, or worth a look.

    Attributes:
        kind: what is wrong.
        detail: which object it is, and where, in words.
        classes: of one box that is labelled as two classes, both; else empty.
    """

    kind: Kind
    detail: str
    classes: tuple[str, ...] = ()


def box_faults(labels: Labels, size_wh: tuple[int, int]) -> Iterator[BoxFault]:
    """The faults of the boxes of an image, in their order.

    Args:
        labels: of the image.
        size_wh: its width and height in pixels.

    Example:
        >>> from augmentai.annotations import Shape
        >>> twice = Labels((Shape("cup", (0, 0, 9, 9)), Shape("pan", (0, 0, 9, 9))))
        >>> [(one.kind, one.classes) for one in box_faults(twice, (64, 48))]
        [('repeated_objects', ('cup', 'pan'))]
    """
    seen: set[tuple[str, Box]] = set()
    classes: dict[Box, str] = {}
    for number, shape in enumerate(labels.shapes, 1):
        if shape.box is None:
            continue
        x0, y0, x1, y1 = shape.box
        what = f"object {number}, {shape.category}: ({x0:.6g}, {y0:.6g}) to ({x1:.6g}, {y1:.6g})"
        beyond = max(-x0, -y0, x1 - size_wh[0], y1 - size_wh[1])
        if min(x1 - x0, y1 - y0) <= 0:
            yield BoxFault("boxes_without_area", what)
        elif beyond > _TOLERANCE_PX:
            yield BoxFault("boxes_outside", f"{what}, in an image of {size_wh[0]}x{size_wh[1]}")
        elif min(x1 - x0, y1 - y0) < _TINY_PX:
            yield BoxFault("tiny_boxes", what)
        if (shape.category, shape.box) in seen:
            yield BoxFault("repeated_objects", what)
        elif (other := classes.get(shape.box, shape.category)) != shape.category:
            yield BoxFault("repeated_objects", f"{what}; labelled {other} as well", (other, shape.category))
        seen.add((shape.category, shape.box))
        classes.setdefault(shape.box, shape.category)
