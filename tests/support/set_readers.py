"""Finished sets as programs of other people read them, with the pixels of every object: a file of labels per image.

Written after the public description of each format, and of nothing else. `list_set_readers` has the other formats.
"""

from __future__ import annotations

import base64
import io
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from tests.support import dota_reader, ultralytics_reader
from tests.support.painted_objects import filled

Area = np.ndarray[Any, Any]  # (height, width) of bool
Corners = tuple[float, float, float, float]


@dataclass
class Object:
    """One object. area: its pixels, None of a box; is_bitmap: these are no outline's; points: x, y, visibility."""

    category: str
    box: Corners
    area: Area | None = None
    is_bitmap: bool = False
    points: list[tuple[float, float, int]] = field(default_factory=list)


Found = dict[tuple[str, str], list[Object]]  # by split and stem of the image


def outlined(category: str, rings: list[Any], size_wh: tuple[int, int], holes: list[Any] | None = None) -> Object:
    """An object of some polygons, and the holes in it."""
    area = filled(rings, size_wh) & ~filled(holes or [], size_wh)
    corners = np.concatenate([np.array(ring, float) for ring in rings])
    return Object(category, (*corners.min(0), *corners.max(0)), area)


def bitmap(category: str, area: Area) -> Object:
    """An object of these pixels."""
    rows, columns = np.flatnonzero(area.any(1)), np.flatnonzero(area.any(0))
    box = (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
    return Object(category, box, area, is_bitmap=True)


def placed(part: Area, left: int, top: int, size_wh: tuple[int, int]) -> Area:
    """The pixels of a crop in its image; every one of them is in it."""
    assert left >= 0
    assert top >= 0
    area = np.zeros(size_wh[::-1], bool)
    area[top : top + part.shape[0], left : left + part.shape[1]] = part
    assert area.sum() == part.sum()
    return area


def size_of(image: Path) -> tuple[int, int]:
    with Image.open(image) as opened:
        return opened.size


def images_in(folder: Path) -> Iterator[Path]:
    yield from (path for path in sorted(folder.rglob("*")) if path.suffix in {".png", ".jpg"})


def yolo(out: Path, task: str) -> Found:
    """data.yaml as Ultralytics reads it for a task."""
    found: Found = {}
    for split in ("train", "val"):
        for name, read in ultralytics_reader.read_set(out / "data.yaml", split, task).items():
            objects = []
            for category, box, places, visible in zip(
                read.classes, read.boxes.tolist(), read.points, read.visible, strict=True
            ):
                if task in {"segment", "obb"}:
                    objects.append(outlined(category, [places], read.size_wh))
                else:
                    points = [(float(x), float(y), int(v)) for (x, y), v in zip(places, visible, strict=True)]
                    objects.append(Object(category, tuple(box), points=points))
            found[split, Path(name).stem] = objects
    return found


def voc(out: Path, _: str) -> Found:
    """An XML file per image; its corners count pixels from 1, and the last one is in the box."""
    found: Found = {}
    for split in ("train", "val"):
        for stem in (out / f"ImageSets/Main/{split}.txt").read_text("utf-8").splitlines():
            root = ElementTree.parse(out / f"Annotations/{stem}.xml").getroot()
            image = out / "JPEGImages" / str(root.findtext("filename"))
            size = tuple(int(str(root.findtext(f"size/{side}"))) for side in ("width", "height"))
            assert size_of(image) == size
            objects = []
            for one in root.findall("object"):
                x0, y0, x1, y1 = (float(str(one.findtext(f"bndbox/{key}"))) for key in ("xmin", "ymin", "xmax", "ymax"))
                assert 1 <= x0 <= x1 <= size[0]
                assert 1 <= y0 <= y1 <= size[1]
                objects.append(Object(str(one.findtext("name")), (x0 - 1, y0 - 1, x1, y1)))
            found[split, image.stem] = objects
    return found


def labelme(out: Path, _: str) -> Found:
    """A JSON file beside each image; a mask is a PNG between the corners of its box, the last pixel included."""
    found: Found = {}
    for split in ("train", "val"):
        for image in images_in(out / split):
            content = json.loads(image.with_suffix(".json").read_text("utf-8"))
            assert content["imagePath"] == image.name
            size_wh = content["imageWidth"], content["imageHeight"]
            assert size_wh == size_of(image)
            found[split, image.stem] = grouped(
                [(one["group_id"], _labelme_object(one, size_wh)) for one in content["shapes"]]
            )
    return found


def _labelme_object(one: dict[str, Any], size_wh: tuple[int, int]) -> Object:
    kind, points = one["shape_type"], one["points"]
    if kind == "polygon":
        return outlined(one["label"], [points], size_wh)
    (x0, y0), (x1, y1) = points
    if kind == "mask":
        with Image.open(io.BytesIO(base64.b64decode(one["mask"]))) as crop:
            part = np.asarray(crop) > 0
        assert part.shape == (y1 - y0 + 1, x1 - x0 + 1)
        return bitmap(one["label"], placed(part, int(x0), int(y0), size_wh))
    assert kind == "rectangle"
    return Object(one["label"], (x0, y0, x1, y1))


def supervisely(out: Path, _: str) -> Found:
    """ann/NAME.json beside img/NAME; meta.json has the classes; a bitmap is a PNG whose alpha is the object."""
    titles = {one["title"] for one in json.loads((out / "meta.json").read_text("utf-8"))["classes"]}
    found: Found = {}
    for split in ("train", "val"):
        for image in images_in(out / split / "img"):
            content = json.loads((out / split / "ann" / f"{image.name}.json").read_text("utf-8"))
            size_wh = content["size"]["width"], content["size"]["height"]
            assert size_wh == size_of(image)
            objects = []
            for one in content["objects"]:
                assert one["classTitle"] in titles
                objects.append((one.get("instance"), _supervisely_object(one, size_wh)))
            found[split, image.stem] = grouped(objects)
    return found


def _supervisely_object(one: dict[str, Any], size_wh: tuple[int, int]) -> Object:
    name, kind = one["classTitle"], one["geometryType"]
    if kind == "bitmap":
        with Image.open(io.BytesIO(zlib.decompress(base64.b64decode(one["bitmap"]["data"])))) as crop:
            part = np.asarray(crop if len(crop.getbands()) == 1 else crop.getchannel("A")) > 0
        return bitmap(name, placed(part, *one["bitmap"]["origin"], size_wh))
    exterior = one["points"]["exterior"]
    if kind == "rectangle":
        (x0, y0), (x1, y1) = exterior
        return Object(name, (x0, y0, x1, y1))
    assert kind == "polygon"
    return outlined(name, [exterior], size_wh, one["points"]["interior"])


def grouped(objects: list[tuple[Any, Object]]) -> list[Object]:
    """The parts of one object, which a number holds together, as one."""
    found: list[Object] = []
    known: dict[Any, Object] = {}
    for number, one in objects:
        first = known.get(number) if number is not None else None
        if first is None or first.area is None or one.area is None:
            known[number] = one
            found.append(one)
            continue
        first.area |= one.area
        low, high = np.minimum(first.box, one.box), np.maximum(first.box, one.box)
        first.box = (*map(float, low[:2]), *map(float, high[2:]))  # type: ignore[assignment]
    return found


def dota(out: Path, _: str) -> Found:
    """SPLIT/images and SPLIT/labelTxt."""
    found: Found = {}
    for split in ("train", "val"):
        for name, objects in dota_reader.read_set(out / split).items():
            size_wh = size_of(out / split / name)
            found[split, Path(name).stem] = [outlined(category, [ring], size_wh) for category, ring, _ in objects]
    return found


def masks(out: Path, _: str) -> Found:
    """A PNG of values for each image; classes.txt names them. Each class is one object."""
    names = (out / "classes.txt").read_text("utf-8").splitlines()
    found: Found = {}
    for split in ("train", "val"):
        for image in images_in(out / "images" / split):
            with Image.open(out / "masks" / split / f"{image.stem}.png") as mask:
                assert mask.size == size_of(image)
                palette = mask.getpalette()
                assert palette is None or palette[:9] == [0, 0, 0, 128, 0, 0, 0, 128, 0]  # Pascal VOC's colours
                values = np.asarray(mask)
            present = [value for value in np.unique(values).tolist() if value not in {0, 255}]
            found[split, image.stem] = [bitmap(names[value], values == value) for value in present]
    return found
