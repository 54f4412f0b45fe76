"""COCO panoptic: a PNG per image whose colours are the ids of segments, and a list of the segments in the JSON."""

from __future__ import annotations

from collections.abc import Container, Mapping
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from augmentai.annotations import mask_to_box
from augmentai.dataset.file_tree import Entry, Tree, parent
from augmentai.dataset.formats.base import ImageKey
from augmentai.dataset.formats.coco.ids import id_key
from augmentai.dataset.formats.coco.values import Categories
from augmentai.dataset.formats.image_names import ImageNames, match_key, name_of, shared_parts
from augmentai.dataset.formats.masks.mask_file import MaskFile


def is_panoptic(annotation: Mapping[str, Any]) -> bool:
    """Whether an annotation is the list of an image's segments."""
    return isinstance(annotation.get("segments_info"), list) and isinstance(annotation.get("file_name"), str)


class PanopticIndex:
    """Finds the PNG of an annotation.

    Args:
        tree: the files of the set.
        photos: the images that COCO files list.
    """

    def __init__(self, tree: Tree, photos: Container[ImageKey]) -> None:
        others = [entry for entry in tree.images if entry.key not in photos]
        self._names = ImageNames(others)

    def find(self, file: Entry, name: str) -> Entry | None:
        """The PNG that an annotation of a COCO file names; it is in a folder called as the file, or near it."""
        folder, here = PurePosixPath(file.path).stem, file.path.split("/")[:-1]
        found = self._names.called(name_of(name), file.path, [folder, name_of(parent(name))])

        def likelihood(entry: Entry) -> tuple[object, ...]:
            own = entry.path.split("/")[:-1]
            wanted = [match_key(part) for part in name.replace("\\", "/").split("/")[:-1]]
            return (
                match_key(entry.path) == match_key("/".join([*here, folder, *name.split("/")])),
                match_key(folder) in map(match_key, own),
                shared_parts([match_key(part) for part in own[::-1]], wanted[::-1]),
                shared_parts(own, here),
                entry.origin == file.origin,
            )

        return max(found, key=likelihood, default=None)


def segment_ids(mask: Image.Image) -> np.ndarray[Any, Any]:
    """The id of each pixel's segment, (height, width) of uint32: red + 256 green + 65536 blue; 0 is none."""
    values = np.asarray(mask if mask.mode != "RGBA" else mask.convert("RGB"))
    if values.ndim == 2:
        return values.astype(np.uint32)
    weights = np.array([1, 256, 65536], np.uint32)
    return (values[..., :3].astype(np.uint32) * weights).sum(-1, dtype=np.uint32)


def pixel_value(number: int, mask: Image.Image) -> int:
    """The value of a segment's pixels as `object_shapes` has it: of colours, red first.

    Example:
        >>> pixel_value(9 + 256 * 1, Image.new("RGB", (1, 1))) == 0x090100
        True
    """
    if len(mask.getbands()) < 3:
        return number
    return (number & 255) << 16 | (number & 0xFF00) | number >> 16


def moved_segments(annotation: Mapping[str, Any], mask: Image.Image) -> dict[str, Any]:
    """The annotation of a moved PNG: segments that left the image are gone, area and bbox are those of the pixels."""
    ids = segment_ids(mask)
    segments = []
    for segment in annotation["segments_info"]:
        pixels = ids == _number(segment)
        box = mask_to_box(pixels)
        if box is not None:
            x0, y0, x1, y1 = map(int, box)
            measured = {"area": int(np.count_nonzero(pixels)), "bbox": [x0, y0, x1 - x0, y1 - y0]}
            segments.append({**segment, **{key: value for key, value in measured.items() if key in segment}})
    return {**annotation, "segments_info": segments}


def segment_classes(annotation: Mapping[str, Any], categories: Categories) -> dict[int, str]:
    """The class of each segment's id. Raises ValueError."""
    found = {}
    for number, segment in enumerate(annotation["segments_info"], 1):
        key = id_key(segment.get("category_id")) if isinstance(segment, dict) else None
        if key is None or key not in categories or _number(segment) < 0:
            words = str(segment)[:80]
            raise ValueError(f"segment {number} is {words}; expected an id and a category_id among its categories")
        found[_number(segment)] = categories[key].name
    return found


def crowd_segments(annotation: Mapping[str, Any]) -> list[int]:
    """The ids of the segments that are crowds, of an annotation that `segment_classes` has read."""
    return [_number(segment) for segment in annotation["segments_info"] if segment.get("iscrowd")]


def mask_file(entry: Entry, image: Entry) -> MaskFile:
    """A PNG, and how those of variations are named: as the variation, with what the PNG's name adds to the image's."""
    own, stem = PurePosixPath(entry.path).stem, PurePosixPath(image.path).stem
    prefix, _, suffix = own.partition(stem) if stem in own else (f"{own}__", "", "")
    return MaskFile(entry, prefix, suffix)


def _number(segment: Mapping[str, Any]) -> int:
    """A segment's id; -1 if it is none that a colour could have."""
    key = id_key(segment.get("id"))
    return int(key) if key is not None and key.isascii() and key.isdigit() and len(key) < 10 else -1
