"""Finished sets as annotation tools open them: strict readers of their formats, written after their documentation.

Each gives {stem of the image: its objects}, an object being (class, kind, ring), in pixels.
"""

from __future__ import annotations

import base64
import io
import json
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from tests.support import trainers

Ring = list[tuple[float, float]]
Objects = dict[str, list[tuple[str, str, Ring]]]


def boxes_of(found: Objects) -> trainers.Boxes:
    """The box around each object."""
    boxes: trainers.Boxes = {}
    for stem, objects in found.items():
        boxes[stem] = []
        for category, _, ring in objects:
            low, high = np.min(ring, axis=0), np.max(ring, axis=0)
            boxes[stem].append((category, (float(low[0]), float(low[1]), float(high[0]), float(high[1]))))
    return boxes


def corners(x0: float, y0: float, x1: float, y1: float) -> Ring:
    assert x0 <= x1
    assert y0 <= y1
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def size_of(picture: Path) -> tuple[int, int]:
    with Image.open(picture) as opened:
        return opened.size


def labelme(folder: Path) -> Objects:
    """LabelMe: a JSON file per image, which imagePath leads to."""
    found: Objects = {}
    for file in sorted(folder.rglob("*.json")):
        content = json.loads(file.read_text("utf-8"))
        picture = file.parent / content["imagePath"].replace("\\", "/")
        assert picture.is_file(), content["imagePath"]
        assert size_of(picture) == (content["imageWidth"], content["imageHeight"])
        assert "__v" not in picture.stem or content["imageData"] is None
        assert isinstance(content["version"], str)
        assert isinstance(content["flags"], dict)
        found[picture.stem] = []
        for shape in content["shapes"]:
            ring = [(float(x), float(y)) for x, y in shape["points"]]
            if shape["shape_type"] in {"rectangle", "mask"}:
                (x0, y0), (x1, y1) = ring
            if shape["shape_type"] == "mask":  # the last pixel belongs to it
                x1, y1 = x1 + 1, y1 + 1
                with Image.open(io.BytesIO(base64.b64decode(shape["mask"]))) as crop:
                    assert crop.size == (x1 - x0, y1 - y0)
            if shape["shape_type"] in {"rectangle", "mask"}:
                ring = corners(x0, y0, x1, y1)
            found[picture.stem].append((shape["label"], shape["shape_type"], ring))
    return found


def supervisely(folder: Path) -> Objects:
    """Supervisely: ann/NAME.json beside img/NAME, of classes that meta.json has, with the image's size."""
    meta = json.loads(next(folder.rglob("meta.json")).read_text("utf-8"))
    titles = {one["title"] for one in meta["classes"]}
    found: Objects = {}
    for file in sorted(folder.rglob("ann/*.json")):
        content = json.loads(file.read_text("utf-8"))
        picture = next(one for one in (file.parent.parent / "img").iterdir() if file.stem in {one.name, one.stem})
        assert size_of(picture) == (content["size"]["width"], content["size"]["height"])
        found[picture.stem] = []
        for one in content["objects"]:
            assert one["classTitle"] in titles
            assert isinstance(one.get("tags", []), list)
            if one["geometryType"] == "bitmap":
                x0, y0 = one["bitmap"]["origin"]
                with Image.open(io.BytesIO(zlib.decompress(base64.b64decode(one["bitmap"]["data"])))) as part:
                    ring = corners(x0, y0, x0 + part.width, y0 + part.height)
            else:
                ring = [(float(x), float(y)) for x, y in one["points"]["exterior"]]
            if one["geometryType"] == "rectangle":
                (x0, y0), (x1, y1) = ring
                ring = corners(x0, y0, x1, y1)
            found[picture.stem].append((one["classTitle"], one["geometryType"], ring))
    return found
