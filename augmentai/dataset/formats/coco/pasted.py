"""Objects that were pasted into an image of a COCO set, as its files describe them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from augmentai.annotations import Labels, Shape
from augmentai.dataset.formats.coco.annotation import shape_to_coco, without_pixels
from augmentai.dataset.formats.coco.ids import id_key
from augmentai.dataset.formats.coco.values import Categories

_OF_THE_SOURCE = ("id", "image_id")


def pasted_annotations(
    shape: Shape, files: Iterable[int], categories: Mapping[int, Categories] | list[Categories]
) -> dict[int, dict[str, Any]]:
    """The annotations of a pasted object, by the number of the file, without ids.

    Each file that describes it in the image that it comes from describes it again, with all that it says of it; if
    none of these lists the image that it was pasted into, the first that does and knows its class.

    Args:
        shape: the object, in pixels of its new image.
        files: those that list the new image.
        categories: the classes of each file.
    """
    listing = list(files)
    known = {file: raw for file, raw in shape.extra.get("pasted", {}).get("coco_in", ()) if file in listing}
    made = {}
    for file, raw in known.items():
        described = without_pixels(shape_to_coco(shape, None, raw))[0]
        made[file] = {key: value for key, value in described.items() if key not in _OF_THE_SOURCE}
    for file in listing if not made else ():
        number = category_id(shape.category, categories[file])
        if number is not None:
            return {file: {"category_id": number, **shape_to_coco(shape)}}
    return made


def with_pasted_segments(
    annotation: Mapping[str, Any], labels: Labels, in_colour: bool, categories: Categories
) -> dict[str, Any]:
    """The list of an image's segments with those that were pasted; their areas are measured as those of the others.

    Args:
        annotation: with the segments of the source.
        labels: of the variation; they say which class each value of the PNG has, colours as 0xRRGGBB.
        in_colour: the PNG has colours.
        categories: the classes of the file.
    """
    segments = list(annotation["segments_info"])
    have = {id_key(one.get("id")) for one in segments if isinstance(one, dict)}
    crowds = labels.extra.get("mask_crowds", ())
    for value, name in labels.extra.get("mask_classes", {}).items():
        number = (value & 255) << 16 | value & 0xFF00 | value >> 16 if in_colour else value
        kind = category_id(name, categories)
        if str(number) not in have and kind is not None:
            segments.append({"id": number, "category_id": kind, "iscrowd": int(value in crowds), "area": 0, "bbox": []})
    return {**annotation, "segments_info": segments}


def category_id(name: str, categories: Categories) -> Any:
    """The id of a class; None if a file has no such class.

    Example:
        >>> from augmentai.dataset.formats.coco.values import Category
        >>> category_id("cat", {"3": Category("cat")}), category_id("dog", {})
        (3, None)
    """
    return next((json.loads(key) for key, one in categories.items() if one.name == name), None)
