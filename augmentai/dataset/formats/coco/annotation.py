"""One COCO annotation to a shape and back. Boxes are [x, y, width, height] in pixels; segmentations polygons or RLE."""

from __future__ import annotations

import re
from collections.abc import Mapping
from reprlib import repr as short
from typing import Any

import numpy as np

from augmentai.annotations import Polygon, Shape, box_around, mask_to_box
from augmentai.dataset.formats.coco.ids import id_key
from augmentai.dataset.formats.coco.rle import mask_to_rle, rle_to_mask
from augmentai.dataset.formats.coco.values import Categories, Category, box_in, keypoints_in, polygons_in
from augmentai.dataset.formats.drawn_shapes import is_same_place
from augmentai.dataset.formats.pixel_fields import is_in_pixels
from augmentai.images.orientation import Frame

_DECIMALS = 3  # of a pixel: finer than anyone draws
_UNNAMED = "object"
_GEOMETRY = ("bbox", "segmentation", "keypoints")
_OWN = {*_GEOMETRY, "id", "image_id", "category_id", "area", "iscrowd", "num_keypoints", "attributes", "segments_info"}
# Fields of other tools in pixels: of COCO-WholeBody, DensePose, CrowdHuman, CVAT. Nothing says how they move.
_IN_PIXELS = re.compile(r"(?i)kpts|keypoint|box|point|poly|contour|corner|center|centroid|landmark|segm|mask|quad|^dp_")
_ANGLE = re.compile(r"(?i)^(rotation|angle|theta|heading|yaw)$")


def has_geometry(annotation: Mapping[str, Any]) -> bool:
    """Whether an annotation says where something is, or of which class it is; a caption does not."""
    return annotation.get("category_id") is not None or any(annotation.get(key) for key in _GEOMETRY)


def shape_from_coco(annotation: Mapping[str, Any], categories: Categories, frame: Frame, on_stored: bool) -> Shape:
    """The object of one annotation.

    Args:
        annotation: as COCO's JSON has it.
        categories: the classes by `id_key` of category_id.
        frame: size and orientation of the image.
        on_stored: it was drawn on the image as it is stored, so it is rotated upright.

    Returns:
        The shape, in pixels of the upright image.

    Raises:
        ValueError: it cannot be parsed; the message says what was found and what was expected.
    """
    category = _category(annotation.get("category_id"), categories)
    segmentation = annotation.get("segmentation")
    if segmentation is not None and not isinstance(segmentation, Mapping | list):
        raise ValueError(f"segmentation is {short(segmentation)}; expected polygons or RLE")
    size_wh = frame.stored_wh if on_stored else frame.size_wh
    mask = rle_to_mask(segmentation, size_wh) if isinstance(segmentation, Mapping) else None
    polygons = polygons_in(segmentation) if isinstance(segmentation, list) else ()
    box = box_in(annotation.get("bbox"))
    if box is None:
        box = box_around(*polygons) if polygons else mask_to_box(mask) if mask is not None else None
    keypoints = keypoints_in(annotation.get("keypoints"))
    if on_stored:
        polygons = tuple(tuple(frame.point(x, y) for x, y in polygon) for polygon in polygons)
        box = None if box is None else box_around((frame.point(*box[:2]), frame.point(*box[2:])))
        mask = None if mask is None else _upright(mask, frame)
        # 0, 0, 0 is a point that is not labelled.
        keypoints = tuple((*frame.point(x, y), v) if v else (x, y, v) for x, y, v in keypoints)
    order = category.flip_order(len(keypoints)) if keypoints else ()
    return Shape(category.name, box, polygons, mask, keypoints, {"coco": dict(annotation)}, order)


def shape_to_coco(shape: Shape, before: Shape | None = None, raw: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The annotation of an object, without its ids.

    Args:
        shape: the object, in pixels.
        before: the same object in its source. If it did not move it is written as it was read; if it moved, what COCO
            derives from the outline follows, and every other field is kept.
        raw: the annotation as its file has it; of several files that describe one object, each has its own fields.
            None writes all that is known of the object.
    """
    written = dict(raw if raw is not None else shape.extra.get("coco", {}))
    if before is not None and is_same_place(before, shape):
        return written
    if shape.keypoints and (raw is None or raw.get("keypoints")):
        written["keypoints"] = [_rounded(value) for keypoint in shape.keypoints for value in keypoint]
        written["num_keypoints"] = sum(1 for *_, visibility in shape.keypoints if visibility)
    if shape.box is not None and (raw is None or raw.get("bbox")):
        x0, y0, x1, y1 = shape.box
        written["bbox"] = [_rounded(x0), _rounded(y0), _rounded(x1 - x0), _rounded(y1 - y0)]
    has_outline = raw is None or bool(raw.get("segmentation"))
    if shape.mask is not None and has_outline:
        old = written.get("segmentation")
        packed = isinstance(old, Mapping) and isinstance(old.get("counts"), str)
        written["segmentation"] = mask_to_rle(shape.mask, packed)
    elif shape.polygons and has_outline:
        written["segmentation"] = [[_rounded(v) for point in polygon for v in point] for polygon in shape.polygons]
    elif written.get("segmentation"):
        del written["segmentation"]
    written["area"] = _rounded(_area(shape))
    written.setdefault("iscrowd", 0)
    return written


def with_area(annotation: dict[str, Any]) -> dict[str, Any]:
    """An annotation whose area was no number with that of its outline or box.

    Example:
        >>> with_area({"bbox": [1, 2, 3, 4], "area": None})
        {'bbox': [1, 2, 3, 4], 'area': 12}
    """
    if annotation.get("area", 0) is not None:
        return annotation
    try:
        segmentation, box = annotation.get("segmentation"), box_in(annotation.get("bbox"))
        polygons = polygons_in(segmentation) if isinstance(segmentation, list) else ()
    except ValueError:
        return annotation  # reported with its image
    return {**annotation, "area": _rounded(_area(Shape("", box, polygons)))}


def without_pixels(annotation: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """An annotation without fields of other tools that are in pixels, and what they are called.

    Example:
        >>> without_pixels({"bbox": [1, 2, 3, 4], "lefthand_kpts": [5, 6, 2], "attributes": {"rotation": 30, "age": 4}})
        ({'bbox': [1, 2, 3, 4], 'attributes': {'age': 4}}, ['attributes.rotation', 'lefthand_kpts'])
    """
    kept, removed = dict(annotation), []
    for key, value in annotation.items():
        if key not in _OWN and _is_unmoved(key, value):
            del kept[key]
            removed.append(key)
    attributes = kept.get("attributes")
    if isinstance(attributes, dict):
        unmoved = [key for key, value in attributes.items() if _is_unmoved(key, value)]
        kept["attributes"] = {key: value for key, value in attributes.items() if key not in unmoved}
        removed += [f"attributes.{key}" for key in unmoved]
    return kept, sorted(removed)


def polygon_area(polygon: Polygon) -> float:
    """The area of a polygon in square pixels (the shoelace formula).

    Example:
        >>> polygon_area(((0, 0), (4, 0), (4, 3)))
        6.0
    """
    points = np.asarray(polygon, np.float64)
    x, y = points[:, 0], points[:, 1]
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def _category(value: object, categories: Categories) -> Category:
    """The class of an annotation; of one without category_id, the only class of its file."""
    if value is None:
        return next(iter(categories.values())) if len(categories) == 1 else Category(_UNNAMED)
    key = id_key(value)
    if key is None or key not in categories:
        raise ValueError(f"category_id is {short(value)}, which is not among its categories")
    return categories[key]


def _area(shape: Shape) -> float:
    if shape.mask is not None:
        return float(np.count_nonzero(shape.mask))
    if shape.polygons:
        return sum(polygon_area(polygon) for polygon in shape.polygons)
    return (shape.box[2] - shape.box[0]) * (shape.box[3] - shape.box[1]) if shape.box else 0.0


def _is_unmoved(key: str, value: object) -> bool:
    """Whether a field of another tool is a place in the image, or an angle in it."""
    if isinstance(value, bool):
        return is_in_pixels(key, value)
    if not value:
        return False  # an angle of 0 says nothing
    return (
        bool(_IN_PIXELS.search(key) and isinstance(value, list | dict))
        or is_in_pixels(key, value)
        or bool(_ANGLE.match(key))
    )


def _upright(mask: np.ndarray[Any, Any], frame: Frame) -> np.ndarray[Any, Any]:
    """A bitmap of the stored image, (height, width) of bool, rotated upright."""
    from PIL import Image

    return np.asarray(frame.upright(Image.fromarray(mask.astype(np.uint8)))).astype(bool)


def _rounded(value: float) -> float | int:
    rounded = round(float(value), _DECIMALS)
    return int(rounded) if rounded.is_integer() else rounded
