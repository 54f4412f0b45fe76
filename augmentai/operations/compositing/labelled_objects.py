"""What single objects the labels of an image know, whether they are shapes or areas of a mask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from augmentai.annotations import Box, Labels, Shape, box_around, mask_to_box
from augmentai.dataset.formats.object_shapes import named_values

_VOID = 255  # in 8-bit masks of several values: the border between objects
_LEAST_AREA_PX = 16  # of an area of a mask; smaller ones are specks
_PER_CLASS = 1000  # Cityscapes: an object of class 26 is 26000 and more
_MOST_AREAS = 400  # of a mask; more are no objects

Values = np.ndarray[Any, Any]
Window = tuple[int, int, int, int]  # left, top, right, bottom in whole pixels


@dataclass(frozen=True)
class LabelledObject:
    """One object.

    Attributes:
        category: its class, by name; of an area of a mask without names, its value or colour.
        box: around it, in pixels.
        shape: how the labels hold it; None for an area of a mask.
        pixels: of an area of a mask: which pixels of the window around it belong to it.

    Shape:
        pixels: bool (bottom - top, right - left) of `window`.
    """

    category: str
    box: Box
    shape: Shape | None = None
    pixels: Values | None = field(default=None, repr=False, compare=False)

    @property
    def window(self) -> Window:
        """The whole pixels that its box touches."""
        x0, y0, x1, y1 = self.box
        return int(np.floor(x0)), int(np.floor(y0)), int(np.ceil(x1)), int(np.ceil(y1))


def labelled_objects(labels: Labels | None) -> tuple[LabelledObject, ...]:
    """The objects of an image, in an order that its labels decide.

    If there are shapes, they are the objects. Otherwise they are the areas of its masks: each value of a mask of
    instances, or each connected area of a mask of classes.

    Args:
        labels: in pixels of the image; None if it has none.

    Example:
        >>> [one.category for one in labelled_objects(Labels((Shape("cat", (1, 1, 5, 5)), Shape("tag", None))))]
        ['cat']
    """
    if labels is None:
        return ()
    if labels.shapes:
        placed = ((shape, _box_of(shape)) for shape in labels.shapes)
        return tuple(LabelledObject(shape.category, box, shape) for shape, box in placed if box is not None)
    if labels.mask is None or labels.extra.get("instances"):
        return ()
    return tuple(_areas(labels))


def pixel_values(mask: Image.Image) -> Values:
    """One number for each pixel of a mask: its value, or its colour as 0xRRGGBB.

    Shape:
        output: (height, width).

    Example:
        >>> pixel_values(Image.new("RGB", (1, 1), (1, 2, 3))).tolist()
        [[66051]]
    """
    values = np.asarray(mask)
    if values.ndim == 2:
        return values
    if values.shape[2] < 3:
        return values[..., 0]
    red, green, blue = (values[..., channel].astype(np.uint32) for channel in range(3))
    return red << 16 | green << 8 | blue


def _box_of(shape: Shape) -> Box | None:
    if shape.mask is not None:
        return mask_to_box(np.asarray(shape.mask))
    if shape.polygons:
        return box_around(*shape.polygons)
    return shape.box


def _areas(labels: Labels) -> Iterator[LabelledObject]:
    assert labels.mask is not None
    named = labels.extra.get("mask_classes")
    stuff = labels.extra.get("stuff", ())
    if named is not None:
        values = pixel_values(labels.mask)
        for value, name in named.items():
            if name not in stuff and value not in labels.extra.get("mask_crowds", ()):
                yield from _whole(values == value, name)
        return
    instances = [number for number in labels.extra.get("instance_masks", ()) if number < len(labels.masks)]
    values, classes = named_values(labels.mask, labels)
    if instances:
        yield from _single(labels.masks[instances[0]], values, classes)
        return
    for value, name in classes.items():
        yield from _connected(values == value, name)


def _single(mask: Image.Image, of_classes: Values, classes: Mapping[int, str]) -> Iterator[LabelledObject]:
    """Each value of a mask of single objects; its class is that of most of its pixels."""
    values = pixel_values(mask)
    present = [int(value) for value in np.unique(values) if value and not (value == _VOID and mask.mode in {"L", "P"})]
    if max(present, default=0) >= _PER_CLASS:
        present = [value for value in present if value >= _PER_CLASS]  # below it are no single objects
    for value in present if len(present) <= _MOST_AREAS else ():
        pixels = values == value
        found, counts = np.unique(of_classes[pixels], return_counts=True)
        yield from _whole(pixels, classes.get(int(found[counts.argmax()]), str(value)))


def _whole(pixels: Values, category: str) -> Iterator[LabelledObject]:
    """All pixels as one object."""
    box = mask_to_box(pixels)
    if box is not None and np.count_nonzero(pixels) >= _LEAST_AREA_PX:
        x0, y0, x1, y1 = map(int, box)
        yield LabelledObject(category, box, None, np.ascontiguousarray(pixels[y0:y1, x0:x1]))


def _connected(pixels: Values, category: str) -> Iterator[LabelledObject]:
    """Each connected area as an object."""
    import cv2

    count, areas, found, _ = cv2.connectedComponentsWithStats(pixels.astype(np.uint8), connectivity=8)
    for number in range(1, min(count, _MOST_AREAS)):
        x, y, width, height, area = (int(one) for one in found[number])
        if area >= _LEAST_AREA_PX:
            own = areas[y : y + height, x : x + width] == number
            yield LabelledObject(category, (float(x), float(y), float(x + width), float(y + height)), None, own)
