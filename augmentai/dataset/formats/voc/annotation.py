"""Pascal VOC's XML: one file a picture, boxes by their first and last pixel, counted from 1."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import PurePosixPath
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from augmentai.annotations import Box, LabelError, Labels, Point, Shape
from augmentai.images.orientation import Frame

_MOVED_ALONG = ("bndbox", "polygon")


def read_xml(data: bytes, file: str) -> Element:
    """The root of an annotation. Raises LabelError with the line, also for XML that would unfold to gigabytes."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root = fromstring(data)
    except ElementTree.ParseError as error:
        line, column = error.position
        raise LabelError(f"{file}, line {line}: not XML that can be read ({error.msg}, column {column})") from error
    except (DefusedXmlException, ValueError, LookupError) as error:
        raise LabelError(f"{file}: XML that is not read here ({type(error).__name__}); save it plainly") from error
    if root.tag != "annotation":
        raise LabelError(f"{file}: found <{root.tag}>; expected <annotation>, as Pascal VOC has it")
    return root


def labels_of(root: Element, file: str, frame: Frame) -> Labels:
    """Everything in an annotation, in pixels of the upright picture. Raises LabelError."""
    turned = frame.matches_stored(_size(root))
    shapes = []
    for number, thing in enumerate(root.iter("object"), 1):
        try:
            shapes.append(_shape(thing, number - 1, frame, turned))
        except ValueError as error:
            raise LabelError(f"{file}, object {number}: {error}") from error
    return Labels(tuple(shapes), extra={"voc": ElementTree.tostring(root), "turned": turned})


def _size(root: Element) -> tuple[int, int]:
    try:
        return int(float(root.findtext("size/width", "0"))), int(float(root.findtext("size/height", "0")))
    except ValueError:
        return 0, 0


def _shape(thing: Element, place: int, frame: Frame, turned: bool) -> Shape:
    category = (thing.findtext("name") or "").strip()
    if not category:
        raise ValueError("it has no <name>; expected its class")
    found = thing.find("bndbox")
    rings = tuple(_rings(thing))
    if found is None and not rings:
        raise ValueError(f"{category} has no <bndbox>; expected xmin, ymin, xmax and ymax")
    box = _box(found, category) if found is not None else bounds([p for ring in rings for p in ring])
    if turned:
        box = bounds([frame.point(*box[:2]), frame.point(*box[2:])])
        rings = tuple(tuple(frame.point(x, y) for x, y in ring) for ring in rings)
    fields = {child.tag: _plain(child.text) for child in thing if not len(child) and child.tag != "name"}
    return Shape(category, box, rings, extra={"voc": place, "fields": fields})


def _plain(text: str | None) -> str | int:
    words = (text or "").strip()
    return int(words) if words.isdigit() else words


def _box(found: Element, category: str) -> Box:
    values = []
    for name in ("xmin", "ymin", "xmax", "ymax"):
        text = (found.findtext(name) or "").strip()
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise ValueError(f'{name} of {category} is "{text[:40]}"; expected a number of pixels')
        values.append(value)
    x0, y0, x1, y1 = values
    x0, x1 = min(x0, x1), max(x0, x1)  # two corners, whichever way round: that is what they mean
    y0, y1 = min(y0, y1), max(y0, y1)
    return x0 - 1, y0 - 1, x1, y1  # the first pixel is 1, and the last one belongs to the box


def _rings(thing: Element) -> Iterator[tuple[Point, ...]]:
    """Polygons as Roboflow and CVAT write them (x1, y1, x2, y2, ...) and as LabelMe does (pt with x and y)."""
    for found in thing.findall("polygon"):
        texts = {child.tag: (child.text or "").strip() for child in found}
        try:
            pairs = [(float(p.findtext("x", "")) - 1, float(p.findtext("y", "")) - 1) for p in found.findall("pt")]
            number = 1
            while f"x{number}" in texts and f"y{number}" in texts:
                pairs.append((float(texts[f"x{number}"]) - 1, float(texts[f"y{number}"]) - 1))
                number += 1
        except ValueError as error:
            raise ValueError("its <polygon> holds something that is no number; expected x1, y1, x2, y2, ...") from error
        if len(pairs) > 2:
            yield tuple(pairs)


def xml_of(labels: Labels, before: Labels | None, file: str, size_wh: tuple[int, int], moved: bool) -> bytes:
    """The annotation of a picture called `file`. before: its source's labels; None writes a new one.

    What the source's annotation says is kept: pose, truncated, difficult, parts and fields of one's own. moved: pixels
    were moved, so pose and parts, which did not move along, are left out.
    """
    raw = before.extra.get("voc") if before is not None else None
    root = _parsed(raw) if isinstance(raw, bytes) else _new(size_wh)
    name = PurePosixPath(file).name
    _set(root, "filename", name)
    path = root.find("path")
    if path is not None:
        path.text = name  # where the source lay on somebody's machine says nothing of this picture
    if moved:
        for side, value in zip(("width", "height"), size_wh, strict=True):
            _set(_child(root, "size"), side, str(value))
    things = list(root.iter("object"))
    parents = {child: above for above in root.iter() for child in above}
    wanted = {shape.extra["voc"]: shape for shape in labels.shapes if isinstance(shape.extra.get("voc"), int)}
    for place, thing in enumerate(things):
        if place not in wanted:
            parents[thing].remove(thing)
        elif moved:
            _move(thing, wanted[place])
    for shape in labels.shapes:
        if not isinstance(shape.extra.get("voc"), int):
            root.append(_thing(shape))
    ElementTree.indent(root, "\t")
    return ElementTree.tostring(root, encoding="utf-8") + b"\n"


def _parsed(raw: bytes) -> Element:
    return ElementTree.fromstring(raw)  # our own words by now: read safely before


def _new(size_wh: tuple[int, int]) -> Element:
    root = Element("annotation")
    SubElement(root, "folder").text = "JPEGImages"
    SubElement(root, "filename")
    size = SubElement(root, "size")
    for name, value in (("width", size_wh[0]), ("height", size_wh[1]), ("depth", 3)):
        SubElement(size, name).text = str(value)
    SubElement(root, "segmented").text = "0"
    return root


def _thing(shape: Shape) -> Element:
    thing = Element("object")
    SubElement(thing, "name").text = shape.category
    SubElement(thing, "pose").text = "Unspecified"
    SubElement(thing, "truncated").text = "0"
    SubElement(thing, "difficult").text = str(int(bool(shape.extra.get("coco", {}).get("iscrowd"))))
    _write_box(SubElement(thing, "bndbox"), shape)
    return thing


def _move(thing: Element, shape: Shape) -> None:
    for part in thing.findall("part"):
        thing.remove(part)
    pose = thing.find("pose")
    if pose is not None:
        pose.text = "Unspecified"
    had_polygon = thing.find("polygon") is not None
    for name in _MOVED_ALONG:
        for old in thing.findall(name):
            thing.remove(old)
    _write_box(SubElement(thing, "bndbox"), shape)
    for ring in shape.polygons if had_polygon else ():
        polygon = SubElement(thing, "polygon")
        for number, (x, y) in enumerate(ring, 1):
            SubElement(polygon, f"x{number}").text = _number(x + 1)
            SubElement(polygon, f"y{number}").text = _number(y + 1)


def _write_box(found: Element, shape: Shape) -> None:
    assert shape.box is not None
    x0, y0, x1, y1 = shape.box
    whole = [round(x0 + 1), round(y0 + 1), round(x1), round(y1)]
    whole[2], whole[3] = max(whole[2], whole[0]), max(whole[3], whole[1])
    for name, value in zip(("xmin", "ymin", "xmax", "ymax"), whole, strict=True):
        SubElement(found, name).text = str(value)


def bounds(points: list[Point]) -> Box:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs), min(ys), max(xs), max(ys)


def _child(root: Element, name: str) -> Element:
    found = root.find(name)
    return SubElement(root, name) if found is None else found


def _set(root: Element, name: str, text: str) -> None:
    _child(root, name).text = text


def _number(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")
