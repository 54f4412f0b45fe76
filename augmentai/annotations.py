"""What is labelled in one picture, the same for every format, and how it is read when its turn comes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

Point = tuple[float, float]
Box = tuple[float, float, float, float]


class LabelError(ValueError):
    """Labels cannot be read; the message names the file and the line, what was found, and what was expected."""


@dataclass(frozen=True)
class Shape:
    """One labelled thing.

    category: its class, by name. box: x0, y0, x1, y1 in pixels of the upright picture, fractions allowed; the first
    pixel reaches from 0 to 1, so a box around the whole picture is (0, 0, width, height). None where there is none.
    polygons: outer rings of (x, y) in the same pixels, as COCO has them; a thing in two pieces has two.
    mask: (height, width) of bool, where the format gives a bitmap of its own for this thing (COCO's RLE).
    extra: whatever else the format says of it, kept to be written back; what is not understood is never changed.
    """

    category: str
    box: Box | None
    polygons: tuple[tuple[Point, ...], ...] = ()
    mask: np.ndarray[Any, Any] | None = field(default=None, compare=False)
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Labels:
    """Everything labelled in one picture.

    shapes: in the order of the file. mask: a semantic mask of the picture's size, in its own mode (1, P, L, I;16, ...).
    other_masks: further bitmaps of the same picture, such as instances beside classes; what moves `mask` moves them.
    extra: whatever else the format says of the picture, kept to be written back; "turned" where the labels were drawn
    on the picture as it is stored, and were turned upright with it.
    """

    shapes: tuple[Shape, ...] = ()
    mask: Image | None = field(default=None, compare=False)
    other_masks: tuple[Image, ...] = field(default=(), compare=False)
    extra: Mapping[str, Any] = field(default_factory=dict)


def objects_lost(before: Labels, after: Labels) -> int:
    """How many labelled things moved out of the picture: shapes, and masks in which there is nothing any more.

    Of a mask with several things that part of them is gone is not told: nothing says where one ends.
    """
    lost = len(before.shapes) - len(after.shapes)
    if before.mask is not None and after.mask is not None:
        pairs = zip((before.mask, *before.other_masks), (after.mask, *after.other_masks), strict=True)
        lost += sum(not _is_flat(one) and _is_flat(other) for one, other in pairs)
    return lost


def _is_flat(mask: Image) -> bool:
    """One value all over: a background and nothing on it."""
    extrema: Any = mask.getextrema()
    return all(low == high for low, high in (extrema if isinstance(extrema[0], tuple) else [extrema]))


class LabelReader(Protocol):
    """What a source holds instead of its labels, so that a hundred thousand sources stay small."""

    def load(self) -> Labels:
        """Read them, afresh at each call. Raises LabelError, and OSError where the file is gone."""
        ...
