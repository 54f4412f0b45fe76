"""One COCO annotation to a shape and back. Boxes are [x, y, width, height] in pixels; segmentations polygons or RLE."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from reprlib import repr as short
from typing import Any

import numpy as np

from augmentai.annotations import Box, Keypoint, Polygon, Shape, box_around
from augmentai.dataset.formats.coco.rle import mask_to_rle, rle_to_mask
from augmentai.images.orientation import Frame

_DECIMALS = 3  # of a pixel: finer than anyone draws


def shape_from_coco(
    annotation: Mapping[str, Any], categories: Mapping[int, str], frame: Frame, on_stored: bool
) -> Shape:
    """The object of one annotation.

    Args:
        annotation: as COCO's JSON has it.
        categories: class names by category_id.
        frame: size and orientation of the image.
        on_stored: it was drawn on the image as it is stored, so it is rotated upright.

    Returns:
        The shape, in pixels of the upright image.

    Raises:
        ValueError: it cannot be parsed; the message says what was found and what was expected.
    """
    category = annotation["category_id"]
    if not isinstance(category, int) or category not in categories:
        raise ValueError(f"category_id is {category!r}, which is not among its categories")
    segmentation = annotation.get("segmentation")
    size_wh = frame.stored_wh if on_stored else frame.size_wh
    mask = rle_to_mask(segmentation, size_wh) if isinstance(segmentation, Mapping) else None
    polygons = _polygons(segmentation) if isinstance(segmentation, list) else ()
    box = _box(annotation.get("bbox"))
    if box is None:
        box = box_around(*polygons) if polygons else mask_to_box(mask) if mask is not None else None
    keypoints = tuple(_keypoints(annotation.get("keypoints")))
    if on_stored:
        polygons = tuple(tuple(frame.point(x, y) for x, y in polygon) for polygon in polygons)
        box = None if box is None else box_around((frame.point(*box[:2]), frame.point(*box[2:])))
        mask = None if mask is None else _upright(mask, frame)
        # 0, 0, 0 is a point that is not labelled.
        keypoints = tuple((*frame.point(x, y), v) if v else (x, y, v) for x, y, v in keypoints)
    return Shape(categories[category], box, polygons, mask, keypoints, {"coco": dict(annotation)})


def shape_to_coco(shape: Shape, before: Shape | None = None) -> dict[str, Any]:
    """The annotation of an object, without its ids.

    Args:
        shape: the object, in pixels.
        before: the same object in its source. If it did not move it is written as it was read; if it moved, what COCO
            derives from the outline follows, and every other field is kept.
    """
    raw = dict(shape.extra.get("coco", {}))
    if before is not None and have_same_outline(before, shape):
        return raw
    if shape.keypoints:
        raw["keypoints"] = [_rounded(value) for keypoint in shape.keypoints for value in keypoint]
        raw["num_keypoints"] = sum(1 for *_, visibility in shape.keypoints if visibility)
    if shape.box is not None:
        x0, y0, x1, y1 = shape.box
        raw["bbox"] = [_rounded(x0), _rounded(y0), _rounded(x1 - x0), _rounded(y1 - y0)]
    if shape.mask is not None:
        old = raw.get("segmentation")
        packed = isinstance(old, Mapping) and isinstance(old.get("counts"), str)
        raw["segmentation"] = mask_to_rle(shape.mask, packed)
        area = float(np.count_nonzero(shape.mask))
    elif shape.polygons:
        raw["segmentation"] = [[_rounded(value) for point in polygon for value in point] for polygon in shape.polygons]
        area = sum(polygon_area(polygon) for polygon in shape.polygons)
    else:
        raw.pop("segmentation", None)
        area = (shape.box[2] - shape.box[0]) * (shape.box[3] - shape.box[1]) if shape.box else 0.0
    raw["area"] = _rounded(area)
    raw.setdefault("iscrowd", 0)
    return raw


def have_same_outline(one: Shape, other: Shape) -> bool:
    """Whether two shapes have the same class, box, polygons and bitmap, to a millionth of a pixel."""
    if one.category != other.category or (one.mask is None) != (other.mask is None):
        return False
    if one.mask is not None and other.mask is not None and not np.array_equal(one.mask, other.mask):
        return False
    first, second = list(_coordinates(one)), list(_coordinates(other))
    return len(first) == len(second) and all(
        a == b or math.isclose(a, b, rel_tol=0, abs_tol=1e-6) for a, b in zip(first, second, strict=True)
    )


def polygon_area(polygon: Polygon) -> float:
    """The area of a polygon in square pixels (the shoelace formula).

    Example:
        >>> polygon_area(((0, 0), (4, 0), (4, 3)))
        6.0
    """
    points = np.asarray(polygon, np.float64)
    x, y = points[:, 0], points[:, 1]
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def mask_to_box(mask: np.ndarray[Any, Any]) -> Box | None:
    """The box around a bitmap, in pixels; None if the bitmap is empty.

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


def _coordinates(shape: Shape) -> Iterator[float]:
    yield from shape.box or ()
    for polygon in shape.polygons:
        yield float(len(polygon))
        for point in polygon:
            yield from point


def _box(value: object) -> Box | None:
    if value is None or value == []:
        return None
    if not isinstance(value, list) or len(value) != 4 or not all(map(_is_number, value)):
        raise ValueError(f"bbox is {short(value)}; expected [x, y, width, height] in pixels")
    x, y, width, height = (float(one) for one in value)
    if width < 0 or height < 0:
        raise ValueError(f"bbox is {short(value)}; expected a width and a height above 0")
    return x, y, x + width, y + height


def _polygons(segmentation: list[Any]) -> tuple[Polygon, ...]:
    parts = segmentation if not segmentation or isinstance(segmentation[0], list) else [segmentation]
    polygons = []
    for part in parts:
        if not isinstance(part, list) or len(part) % 2 or not all(map(_is_number, part)):
            raise ValueError(f"segmentation has {short(part)}; expected pairs of x and y in pixels")
        if len(part) >= 6:  # fewer corners enclose nothing; tools write such leftovers, and they stay as they are
            polygons.append(tuple((float(x), float(y)) for x, y in zip(part[::2], part[1::2], strict=True)))
    return tuple(polygons)


def _keypoints(value: object) -> Iterator[Keypoint]:
    """x, y and visibility, three by three; nothing if the field is not of that form."""
    if isinstance(value, Sequence) and value and len(value) % 3 == 0 and all(map(_is_number, value)):
        yield from zip(value[::3], value[1::3], value[2::3], strict=True)


def _upright(mask: np.ndarray[Any, Any], frame: Frame) -> np.ndarray[Any, Any]:
    """A bitmap of the stored image, (height, width) of bool, rotated upright."""
    from PIL import Image

    return np.asarray(frame.upright(Image.fromarray(mask.astype(np.uint8)))).astype(bool)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _rounded(value: float) -> float | int:
    rounded = round(float(value), _DECIMALS)
    return int(rounded) if rounded.is_integer() else rounded
