"""Strict readers of formats whose label files list many images each, written after the documentation of their tools."""

from __future__ import annotations

from pathlib import Path
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
