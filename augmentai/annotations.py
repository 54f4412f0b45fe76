"""The data model of labels: boxes, polygons, bitmaps, masks and keypoints, the same for every format.

All coordinates are pixels of the upright image (after its EXIF orientation), x to the right and y down, fractions
allowed. The first pixel reaches from 0 to 1, so a box around the whole image is (0, 0, width, height).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image

Point = tuple[float, float]  # x, y
Polygon = tuple[Point, ...]  # an outer ring; the last point is not the first one again
Box = tuple[float, float, float, float]  # x0, y0, x1, y1
Keypoint = tuple[float, float, float]  # x, y, visibility: 0 not labelled, 1 hidden, 2 visible


class LabelError(ValueError):
    """Labels cannot be read; the message names the file and the line, what was found, and what was expected."""


@dataclass(frozen=True)
class Shape:
    """One labelled object.

    Attributes:
        category: its class, by name.
        box: x0, y0, x1, y1 in pixels; None if it has none.
        polygons: its outlines in pixels; an object in two parts has two.
        mask: a bitmap of this object alone, if its format has one (COCO's RLE).
        keypoints: x, y in pixels and visibility, in the order its format defines.
        extra: whatever else its format says about it, to be written back unchanged. An object that was pasted from
            another image has none of it but under "pasted", as it was said of the object there.
        flip_order: for each keypoint, the position of the one that takes its place in a mirrored image: the left eye
            becomes the right eye. Empty if nothing says which; the object must not be mirrored then.
        oriented: its one polygon is a rotated rectangle of four corners, and stays one however it moves.
        lines: open paths in pixels, which enclose nothing; a path of one point is a point.
        visible: the share of the object that is left of what its source shows, after all that cut or hid it.

    Shape:
        mask: (height, width) of bool, the size of the image.

    Example:
        >>> cat = Shape("cat", (10, 20, 40, 60), polygons=(((10, 20), (40, 20), (25, 60)),))
        >>> cat.category, cat.box[2] - cat.box[0]
        ('cat', 30)
    """

    category: str
    box: Box | None
    polygons: tuple[Polygon, ...] = ()
    mask: np.ndarray[Any, Any] | None = field(default=None, compare=False)
    keypoints: tuple[Keypoint, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    flip_order: tuple[int, ...] = ()
    oriented: bool = False
    lines: tuple[Polygon, ...] = ()
    visible: float = field(default=1.0, compare=False)

    @property
    def has_outline(self) -> bool:
        """Whether it has polygons or a bitmap, which say more than its box."""
        return bool(self.polygons) or self.mask is not None


@dataclass(frozen=True)
class Hidden:
    """Objects that lost their label since others were put in front of them.

    Attributes:
        objects: how many.
        pixels: how many of their pixels still show, without a label.
    """

    objects: int = 0
    pixels: int = 0

    def __add__(self, other: Hidden) -> Hidden:
        return Hidden(self.objects + other.objects, self.pixels + other.pixels)


@dataclass(frozen=True)
class Labels:
    """Everything labelled in one image.

    Attributes:
        shapes: the objects, in the order of the label file.
        mask: a semantic mask, one class per pixel, in its own mode (1, P, L, I;16, RGB, ...).
        other_masks: further masks of the same image, such as instances next to classes; they move as `mask` does.
        reoriented: the labels were drawn on the image as it is stored, and have been rotated upright with it. The label
            file of the source does not fit an upright image then.
        extra: whatever else the format says about the image, to be written back unchanged. Also "instance_masks", the
            numbers of those masks, counted from `mask`, whose values are single objects, and "mask_classes", the class
            of each value where the values of `mask` are single objects of known classes; "stuff", which of these
            classes have no single objects; "takes_no_objects", why no shape can be added.
        hidden: objects that are labelled no more, since others were put in front of them.
        other_size_wh: the width and height that a label file states for the image, if the image is of another size.
        dropped: objects that left the image, as far as an operation counted them itself: of several images in one, not
            all of which are its own.

    Shape:
        mask, other_masks: PIL images of the image's width and height.

    Example:
        >>> labels = Labels((Shape("cat", (10, 20, 40, 60)), Shape("dog", (0, 0, 8, 8))))
        >>> [shape.category for shape in labels.shapes]
        ['cat', 'dog']
    """

    shapes: tuple[Shape, ...] = ()
    mask: Image | None = field(default=None, compare=False)
    other_masks: tuple[Image, ...] = field(default=(), compare=False)
    reoriented: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)
    hidden: Hidden = Hidden()
    other_size_wh: tuple[int, int] | None = field(default=None, compare=False)
    dropped: int = field(default=0, compare=False)

    @property
    def masks(self) -> tuple[Image, ...]:
        """`mask` and `other_masks`, as far as there are some."""
        return (*((self.mask,) if self.mask is not None else ()), *self.other_masks)


class LabelReader(Protocol):
    """Reads the labels of one image when they are needed; a source holds it instead of the labels, to stay small."""

    def load(self) -> Labels:
        """Read them anew at each call.

        Raises:
            LabelError: the labels or the image cannot be read.
            OSError: a file is missing.
        """
        ...


def box_around(*polygons: Polygon) -> Box:
    """The smallest box around the points of some polygons.

    Example:
        >>> box_around(((1, 5), (4, 2)), ((0, 3),))
        (0, 2, 4, 5)
    """
    xs = [x for polygon in polygons for x, _ in polygon]
    ys = [y for polygon in polygons for _, y in polygon]
    return min(xs), min(ys), max(xs), max(ys)


def mask_to_box(mask: np.ndarray[Any, Any]) -> Box | None:
    """The smallest box around the pixels of a bitmap; None if it is empty.

    Shape:
        mask: (height, width) of bool.

    Example:
        >>> mask_to_box(np.array([[False, False], [True, True]]))
        (0.0, 1.0, 2.0, 2.0)
    """
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not rows.size:
        return None
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def objects_lost(before: Labels, after: Labels) -> int:
    """How many objects left the image: shapes, and masks that have nothing left on them.

    A mask with several objects counts only when all of them are gone, since it does not say where one of them ends.
    Objects that were pasted (`extra["pasted"]`) make up for none that is lost.

    Args:
        before: the labels of the source.
        after: the labels of its variation.

    Example:
        >>> objects_lost(Labels((Shape("cat", (0, 0, 9, 9)),)), Labels())
        1
    """
    lost = len(before.shapes) - len(after.shapes) + max(0, _pasted(after) - _pasted(before))
    if before.mask is not None and after.mask is not None:
        pairs = zip((before.mask, *before.other_masks), (after.mask, *after.other_masks), strict=True)
        lost += sum(_is_emptied(one, other) for one, other in pairs)
    return lost


def _pasted(labels: Labels) -> int:
    return sum("pasted" in shape.extra for shape in labels.shapes)


def _is_emptied(before: Image, after: Image) -> bool:
    """Whether of several values one is left, the background: 0, or, in a mask without zeros, whichever it is."""
    ranges, found = _ranges(before), _ranges(after)
    if all(low == high for low, high in ranges) or any(low != high for low, high in found):
        return False
    return any(low != 0 for low, _ in ranges) or all(low == 0 for low, _ in found)


def _ranges(mask: Image) -> list[tuple[float, float]]:
    """The lowest and highest value of each band."""
    extrema: Any = mask.getextrema()
    return list(extrema) if isinstance(extrema[0], tuple) else [extrema]
