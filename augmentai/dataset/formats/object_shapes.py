"""The objects of an image as shapes, whatever kind of label its set has: semantic masks become one shape per area."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from PIL.Image import Image

from augmentai.annotations import Labels, Shape, box_around, mask_to_box
from augmentai.dataset.formats.masks.polygons import mask_to_polygons

_PLAIN_VALUES = {"1", "255"}  # of masks that say "an object" and no more
_VOID = 255  # in masks of several classes: the border between objects, which is of no class (Pascal VOC)

_BACKGROUND = "background"
_WHITE = 250  # values from here on are the object itself
_FEWEST_SHADES = 64
_MAX_EQUAL_FRACTION = 0.65  # of neighbouring pixels in a map of shades
_MIN_EDGE_GREYS = 3  # values in a soft edge; fewer may be classes
_MAX_INNER_FRACTION = 0.2  # of the grey pixels of a soft edge: a mask that was a JPEG has noise around its edges


def objects_in(labels: Labels) -> tuple[Shape, ...]:
    """The objects of an image.

    Args:
        labels: its labels.

    Returns:
        The shapes; if there is only a mask whose values are objects of known classes (`extra["mask_classes"]`), each of
        them; if there is only a semantic mask, each connected area of one value as a separate shape. Its class is the
        value as text, or its colour as "#rrggbb", or what the set calls it (`extra["class_names"]`). If there is a mask
        for each object, each is one shape.
    """
    if labels.shapes or labels.mask is None:
        return labels.shapes
    if (named := labels.extra.get("mask_classes")) is not None:
        return tuple(_named_objects(labels.mask, named, labels.extra.get("mask_crowds", ())))
    if labels.extra.get("instances"):
        found = (_instance(mask, labels) for mask in (labels.mask, *labels.other_masks))
        return tuple(shape for shape in found if shape is not None)
    values, classes = _named_values(labels.mask, labels)
    return tuple(
        Shape(name, box_around(polygon), (polygon,))
        for value, name in classes.items()
        for polygon in mask_to_polygons(values == value)
    )


def class_of(shape: Shape, labels: Labels, label: str | None) -> str:
    """The class of an object. A mask of black and white in a class folder shows an object of that class.

    Args:
        shape: one of the labels' objects.
        labels: of its image.
        label: the image's own class, if it has one.

    Example:
        >>> from PIL import Image
        >>> mask = Labels(mask=Image.new("L", (8, 8), 255))
        >>> class_of(Shape("255", None), mask, "crack"), class_of(Shape("cat", None), Labels(), None)
        ('crack', 'cat')
    """
    plain = labels.mask is not None and not labels.shapes and shape.category in _PLAIN_VALUES
    return label if plain and label is not None else shape.category


def _instance(mask: Image, labels: Labels) -> Shape | None:
    """The object that a mask shows alone; None if it shows none."""
    values, classes = _named_values(mask, labels)
    if not classes:
        return None
    polygons = tuple(mask_to_polygons(values > 0))
    return Shape(next(reversed(classes.values())), box_around(*polygons) if polygons else None, polygons)


def classes_in(labels: Labels) -> set[str]:
    """The classes of `objects_in`, without drawing any outline.

    Example:
        >>> sorted(classes_in(Labels((Shape("dog", None), Shape("cat", None)))))
        ['cat', 'dog']
    """
    if labels.shapes or labels.mask is None:
        return {shape.category for shape in labels.shapes}
    if labels.extra.get("instances"):
        return {shape.category for shape in objects_in(labels)}
    if (named := labels.extra.get("mask_classes")) is not None:
        present = set(np.unique(_pixel_values(labels.mask)).tolist())
        return {name for value, name in named.items() if value in present}
    return set(_named_values(labels.mask, labels)[1].values())


def named_values(mask: Image, labels: Labels) -> tuple[np.ndarray[Any, Any], dict[int, str]]:
    """The values of a mask, soft edges made hard, and the class of each value that is one.

    Args:
        mask: one of the labels' own.
        labels: which say what values are called.

    Returns:
        One number per pixel: its value, or its colour as 0xRRGGBB; and {number: class}. The background has none.

    Shape:
        values: (height, width).
    """
    return _named_values(mask, labels)


def with_polygons(shape: Shape) -> Shape:
    """The shape with polygons in place of its bitmap."""
    if shape.mask is None or shape.polygons:
        return shape
    return replace(shape, mask=None, polygons=tuple(mask_to_polygons(shape.mask)))


def _named_objects(mask: Image, named: Mapping[int, str], crowds: Collection[int]) -> Iterator[Shape]:
    """The object of each value, as a bitmap. crowds: the values that are several objects."""
    values = _pixel_values(mask)
    for value, name in named.items():
        pixels = values == value
        if pixels.any():
            extra = {"coco": {"iscrowd": 1}} if value in crowds else {}
            yield Shape(name, mask_to_box(pixels), mask=pixels, extra=extra)


def _pixel_values(mask: Image) -> np.ndarray[Any, Any]:
    """One number per pixel, (height, width): its value, or its colour."""
    values = np.asarray(mask)
    if values.ndim == 2:
        return values
    return _color_values(values) if values.shape[2] > 2 else values[..., 0]


def _class_values(mask: Image) -> tuple[np.ndarray[Any, Any], dict[int, str]]:
    """The values of a mask, (height, width), and the class of each value except the background."""
    values, in_color = _pixel_values(mask), len(mask.getbands()) > 2
    if mask.mode in {"L", "LA"} and _has_soft_edge(values):
        values = np.where(values >= 128, np.uint8(255), np.uint8(0))
    present = [int(value) for value in np.unique(values) if value]
    if _are_shades(values, len(present)):
        return values, {}
    if len(present) > 1 and values.dtype == np.uint8:
        present = [value for value in present if value != _VOID]
    return values, {value: f"#{value:06x}" if in_color else str(value) for value in present}


def _named_values(mask: Image, labels: Labels) -> tuple[np.ndarray[Any, Any], dict[int, str]]:
    """The same with the names that the set has for values and colours. A single name is that of white, too."""
    values, classes = _class_values(mask)
    names: Mapping[str, str] = labels.extra.get("class_names", {})
    real = {key: name for key, name in names.items() if name.casefold() != _BACKGROUND}
    if len(real) > 1 and str(_VOID) not in names:  # the classes have values of their own
        classes.pop(_VOID, None)
    only = next(iter(real.values())) if len(real) == 1 and len(classes) == 1 else None
    named = {value: names.get(key, only or key) for value, key in classes.items()}
    return values, {value: name for value, name in named.items() if name.casefold() != _BACKGROUND}


def _has_soft_edge(values: np.ndarray[Any, Any]) -> bool:
    """Whether a grey mask, (height, width) of uint8, shows white objects on black with a soft edge around them.

    Greys are classes if they have areas of their own; in an edge hardly any pixel has four neighbours of its value.
    """
    counts = np.bincount(values.ravel(), minlength=256)
    greys = int(counts[1:_WHITE].sum())
    if not greys or not counts[_WHITE:].any() or np.count_nonzero(counts[1:_WHITE]) < _MIN_EDGE_GREYS:
        return False
    inner, equal = values[1:-1, 1:-1], np.ones((max(0, values.shape[0] - 2), max(0, values.shape[1] - 2)), bool)
    for other in (values[:-2, 1:-1], values[2:, 1:-1], values[1:-1, :-2], values[1:-1, 2:]):
        equal &= inner == other
    return int((equal & (inner > 0) & (inner < _WHITE)).sum()) <= _MAX_INNER_FRACTION * greys


def _are_shades(values: np.ndarray[Any, Any], count: int) -> bool:
    """Whether the values of a mask, (height, width), are measures, as in a depth map or a matte, and not classes.

    Classes and numbers of objects fill areas; `count` is how many values there are.
    """
    if count < _FEWEST_SHADES or values.shape[1] < 2:
        return False
    return float((values[:, 1:] == values[:, :-1]).mean()) < _MAX_EQUAL_FRACTION


def _color_values(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """(height, width, 3 or more) of uint8 to one number per colour; black stays 0, the background."""
    red, green, blue = (values[..., i].astype(np.uint32) for i in range(3))
    return red << 16 | green << 8 | blue
