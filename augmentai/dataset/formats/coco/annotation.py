"""One COCO annotation to a shape and back. Boxes are [x, y, width, height] in pixels; segmentations polygons or RLE."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from augmentai.annotations import Box, Point, Shape
from augmentai.dataset.formats.supervision_import import supervision
from augmentai.images.orientation import Frame

_DECIMALS = 3  # of a pixel: finer than anyone draws


def shape_of(annotation: Mapping[str, Any], categories: Mapping[int, str], frame: Frame, turned: bool) -> Shape:
    """A shape in pixels of the upright picture; turned: it was drawn on the picture as it is stored.

    Raises ValueError, whose message says what was found and what was expected.
    """
    category = annotation["category_id"]
    if not isinstance(category, int) or category not in categories:
        raise ValueError(f"category_id is {category!r}, which is not among its categories")
    segmentation = annotation.get("segmentation")
    size_wh = frame.stored_wh if turned else frame.size_wh
    mask = _bitmap(segmentation, size_wh) if isinstance(segmentation, Mapping) else None
    rings = _rings(segmentation) if isinstance(segmentation, list) else ()
    box = _box(annotation.get("bbox"))
    if box is None:
        box = _bounds(rings) if rings else bounds_of_mask(mask) if mask is not None else None
    if turned:
        rings = tuple(tuple(frame.point(x, y) for x, y in ring) for ring in rings)
        box = None if box is None else _bounds(((frame.point(*box[:2]), frame.point(*box[2:])),))
        mask = None if mask is None else _turned(mask, frame)
    extra: dict[str, Any] = {"coco": dict(annotation)}
    keypoints = annotation.get("keypoints")
    if isinstance(keypoints, list) and keypoints and len(keypoints) % 3 == 0 and all(map(_is_number, keypoints)):
        extra["keypoints"] = _turned_keypoints(keypoints, frame) if turned else keypoints
    return Shape(categories[category], box, rings, mask, extra)


def annotation_of(shape: Shape, before: Shape | None = None) -> dict[str, Any]:
    """The annotation of a shape. before: the same thing as its source has it; what did not move is written as it stood.

    Where it moved, what COCO derives from the outline follows, and every other field is kept.
    """
    raw = dict(shape.extra.get("coco", {}))
    if before is not None and same(before, shape):
        return raw
    keypoints = shape.extra.get("keypoints")
    if keypoints is not None:
        raw["keypoints"] = [_rounded(value) for value in keypoints]
        raw["num_keypoints"] = sum(1 for seen in keypoints[2::3] if seen)
    if shape.box is not None:
        x0, y0, x1, y1 = shape.box
        raw["bbox"] = [_rounded(x0), _rounded(y0), _rounded(x1 - x0), _rounded(y1 - y0)]
    if shape.mask is not None:
        old = raw.get("segmentation")
        packed = isinstance(old, Mapping) and isinstance(old.get("counts"), str)
        raw["segmentation"] = rle_of(shape.mask, packed)
        area = float(np.count_nonzero(shape.mask))
    elif shape.polygons:
        raw["segmentation"] = [[_rounded(value) for point in ring for value in point] for ring in shape.polygons]
        area = sum(area_of(ring) for ring in shape.polygons)
    else:
        raw.pop("segmentation", None)
        area = (shape.box[2] - shape.box[0]) * (shape.box[3] - shape.box[1]) if shape.box else 0.0
    raw["area"] = _rounded(area)
    raw.setdefault("iscrowd", 0)
    return raw


def same(one: Shape, other: Shape) -> bool:
    """Whether two shapes are drawn alike, to a millionth of a pixel."""
    if one.category != other.category or (one.mask is None) != (other.mask is None):
        return False
    if one.mask is not None and other.mask is not None and not np.array_equal(one.mask, other.mask):
        return False
    first, second = list(_values(one)), list(_values(other))
    return len(first) == len(second) and all(
        a == b or math.isclose(a, b, rel_tol=0, abs_tol=1e-6) for a, b in zip(first, second, strict=True)
    )


def _values(shape: Shape) -> Iterable[float]:
    yield from shape.box or ()
    for ring in shape.polygons:
        yield float(len(ring))
        for point in ring:
            yield from point


def rle_of(mask: np.ndarray[Any, Any], packed: bool) -> dict[str, Any]:
    """COCO's run lengths of a bitmap, column by column; packed: as the short text that pycocotools writes."""
    mask_to_rle = supervision().mask_to_rle

    counts = mask_to_rle(mask, compressed=packed)
    return {
        "size": [int(side) for side in mask.shape],
        "counts": counts if packed else [int(count) for count in counts],
    }


def area_of(ring: tuple[Point, ...]) -> float:
    """Of a polygon, in square pixels (the shoelace formula)."""
    points = np.asarray(ring, np.float64)
    x, y = points[:, 0], points[:, 1]
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def bounds_of_mask(mask: np.ndarray[Any, Any]) -> Box | None:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not rows.size:
        return None
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def _box(value: object) -> Box | None:
    if value is None or value == []:
        return None
    if not isinstance(value, list) or len(value) != 4 or not all(map(_is_number, value)):
        raise ValueError(f"bbox is {_short(value)}; expected [x, y, width, height] in pixels")
    x, y, width, height = (float(one) for one in value)
    if width < 0 or height < 0:
        raise ValueError(f"bbox is {_short(value)}; expected a width and a height above 0")
    return x, y, x + width, y + height


def _rings(segmentation: list[Any]) -> tuple[tuple[Point, ...], ...]:
    parts = segmentation if not segmentation or isinstance(segmentation[0], list) else [segmentation]
    rings = []
    for part in parts:
        if not isinstance(part, list) or len(part) % 2 or not all(map(_is_number, part)):
            raise ValueError(f"segmentation holds {_short(part)}; expected pairs of x and y in pixels")
        if len(part) >= 6:  # fewer corners enclose nothing; tools write such leftovers, and they stay as they are
            rings.append(tuple((float(x), float(y)) for x, y in zip(part[::2], part[1::2], strict=True)))
    return tuple(rings)


def _bitmap(segmentation: Mapping[str, Any], size_wh: tuple[int, int]) -> np.ndarray[Any, Any]:
    rle_to_mask = supervision().rle_to_mask

    size, counts = segmentation.get("size"), segmentation.get("counts")
    width, height = size_wh
    if size != [height, width]:
        raise ValueError(f"the size of its RLE is {_short(size)}; expected [{height}, {width}] as the picture has")
    if not isinstance(counts, str | list):
        raise ValueError(  # noqa: TRY004 (a fault in the file, not in the program)
            f"the counts of its RLE are {_short(counts)}; expected a list of numbers or COCO's text"
        )
    if isinstance(counts, list) and not all(isinstance(one, int) and one >= 0 for one in counts):
        raise ValueError("the counts of its RLE hold something that is no whole number from 0 up")
    if isinstance(counts, list) and sum(counts) != width * height:
        raise ValueError(f"the counts of its RLE add up to {sum(counts)}; expected {width * height} pixels")
    try:
        return np.asarray(rle_to_mask(counts, size_wh), dtype=bool)
    except Exception as error:
        raise ValueError(f"its RLE cannot be read ({error})") from error


def _turned(mask: np.ndarray[Any, Any], frame: Frame) -> np.ndarray[Any, Any]:
    from PIL import Image

    return np.asarray(frame.upright(Image.fromarray(mask.astype(np.uint8)))).astype(bool)


def _turned_keypoints(keypoints: list[float], frame: Frame) -> list[float]:
    """x, y and whether it is seen, three by three; 0, 0, 0 is a point that nobody marked."""
    turned: list[float] = []
    for x, y, seen in zip(keypoints[::3], keypoints[1::3], keypoints[2::3], strict=True):
        turned += [*(frame.point(x, y) if seen else (x, y)), seen]
    return turned


def _bounds(rings: tuple[tuple[Point, ...], ...]) -> Box:
    xs = [x for ring in rings for x, _ in ring]
    ys = [y for ring in rings for _, y in ring]
    return min(xs), min(ys), max(xs), max(ys)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _rounded(value: float) -> float | int:
    rounded = round(float(value), _DECIMALS)
    return int(rounded) if rounded.is_integer() else rounded


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
