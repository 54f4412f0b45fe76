"""Strict readers of formats whose label files list many images each, written after the documentation of their tools."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from tests.support.tool_readers import Objects, Ring, corners, size_of


def cvat(file: Path, pictures: Path, subset: str | None = None) -> Objects:
    """CVAT's XML for images; an image is found by its name in the folder of images, or in that of its subset."""
    root = ElementTree.parse(file).getroot()
    assert root.tag == "annotations"
    numbers = [image.attrib["id"] for image in root.iter("image")]
    assert len(set(numbers)) == len(numbers)
    declared = {label.findtext("name") for label in root.findall("meta//label")}
    found: Objects = {}
    for image in root.iter("image"):
        places = [pictures / image.attrib["name"], pictures / image.get("subset", "").lower() / image.attrib["name"]]
        picture = next(place for place in places if place.is_file())
        assert size_of(picture) == (int(image.attrib["width"]), int(image.attrib["height"]))
        if subset is not None and image.get("subset") != subset:
            continue
        found[picture.stem] = []
        for element in image:
            if element.tag == "tag":
                continue
            assert not declared or element.attrib["label"] in declared
            found[picture.stem].append((element.attrib["label"], element.tag, cvat_ring(element)))
    return found


def cvat_ring(element: ElementTree.Element) -> Ring:
    if element.tag == "polygon":
        pairs = [pair.split(",") for pair in element.attrib["points"].split(";")]
        return [(float(x), float(y)) for x, y in pairs]
    if element.tag == "mask":
        left, top, width, height = (int(element.attrib[key]) for key in ("left", "top", "width", "height"))
        assert sum(map(int, element.attrib["rle"].split(", "))) == width * height
        return corners(left, top, left + width, top + height)
    assert element.tag == "box"
    assert not float(element.get("rotation", 0))
    x0, y0, x1, y1 = (float(element.attrib[key]) for key in ("xtl", "ytl", "xbr", "ybr"))
    return corners(x0, y0, x1, y1)


def createml(file: Path) -> Objects:
    """CreateML's JSON, its images beside it."""
    found: Objects = {}
    for entry in json.loads(file.read_text("utf-8")):
        picture = file.parent / entry["image"]
        assert picture.is_file()
        assert picture.stem not in found
        found[picture.stem] = []
        for one in entry["annotations"]:
            x, y, w, h = (one["coordinates"][side] for side in ("x", "y", "width", "height"))
            found[picture.stem].append((one["label"], "box", corners(x - w / 2, y - h / 2, x + w / 2, y + h / 2)))
    return found


def csv_boxes(file: Path) -> Objects:
    """A CSV of boxes as TensorFlow's object detection reads it, or without a header as RetinaNet does."""
    found: Objects = {picture.stem: [] for picture in file.parent.glob("*.[jp][pn]g")}
    with file.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.reader(stream))
    if rows[0][0] == "filename":
        assert rows.pop(0) == ["filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax"]
        for row in rows:
            assert size_of(file.parent / row[0]) == (int(row[1]), int(row[2]))
        rows = [[row[0], *row[4:], row[3]] for row in rows]
    for name, *box, category in rows:
        if category or any(box):
            found[Path(name).stem].append((category, "box", corners(*map(float, box))))
    return found


def via(file: Path) -> Objects:
    """VIA's JSON or CSV, its images beside it, found by their name and size."""
    if file.suffix == ".csv":
        images: dict[str, list[dict[str, Any]]] = {}
        with file.open(newline="", encoding="utf-8") as stream:
            for row in csv.DictReader(stream):
                assert int(row["file_size"]) == (file.parent / row["filename"]).stat().st_size
                regions = images.setdefault(row["filename"], [])
                assert int(row["region_id"]) == len(regions)
                if shape := json.loads(row["region_shape_attributes"]):
                    attributes = json.loads(row["region_attributes"])
                    regions.append({"shape_attributes": shape, "region_attributes": attributes})
    else:
        content = json.loads(file.read_text("utf-8"))
        for key, image in content.items():
            assert key == f"{image['filename']}{image['size']}"
            assert image["size"] == (file.parent / image["filename"]).stat().st_size
        images = {image["filename"]: image["regions"] for image in content.values()}
    found: Objects = {}
    for name, regions in images.items():
        found[Path(name).stem] = []
        for region in regions:
            shape, attributes = region["shape_attributes"], region["region_attributes"]
            if shape["name"] == "rect":
                x, y = shape["x"], shape["y"]
                ring = corners(x, y, x + shape["width"], y + shape["height"])
            else:
                assert shape["name"] == "polygon"
                ring = list(zip(shape["all_points_x"], shape["all_points_y"], strict=True))
            found[Path(name).stem].append((attributes.get("class") or attributes["name"], shape["name"], ring))
    return found
