"""Pascal VOC's XML: one file per image, boxes by their first and last pixel, counted from 1."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from augmentai.annotations import Box, LabelError, Labels, Polygon, Shape, box_around
from augmentai.dataset.formats.bounded_xml import BoundedBuilder
from augmentai.dataset.formats.drawn_shapes import is_same_place
from augmentai.dataset.formats.guarded_load import check_objects
from augmentai.dataset.formats.pixel_fields import without_places
from augmentai.dataset.formats.voc.rotated_box import ROTATED, moved_rotated, rotated_corners
from augmentai.images.orientation import Frame

_GEOMETRY_TAGS = ("bndbox", "polygon", ROTATED)
_PLAIN_TAGS = {"name", "pose", "truncated", "difficult", "occluded"}
_PLACE = re.compile(r"(?i)^(?:[xy]\d*|[xy](?:min|max)|[cw]?[xyhw]|cx|cy|width|height|angle|pt|points?)$")
_MAX_PX = 1e9


def parse_xml(data: bytes, file: str) -> Element:
    """The root of an annotation.

    Args:
        data: the content of the file.
        file: its path, for messages.

    Raises:
        LabelError: it is not an annotation, or is XML that would expand to gigabytes; the message names the line.
    """
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import DefusedXMLParser

    check_objects(data.count(b"<object"), file)
    parser = DefusedXMLParser(target=BoundedBuilder(file))
    try:
        parser.feed(data)
        root: Element = parser.close()
    except ElementTree.ParseError as error:
        line, column = error.position
        raise LabelError(
            f"{file}, line {line}: not valid XML ({str(error.msg).partition(':')[0]}, column {column})"
        ) from error
    except LabelError:
        raise
    except (DefusedXmlException, ValueError, LookupError) as error:
        raise LabelError(
            f"{file}: XML of an unsafe kind ({type(error).__name__}); remove its DTD and entities"
        ) from error
    if root.tag != "annotation":
        raise LabelError(f"{file}: found <{root.tag}>; expected <annotation>, as in Pascal VOC")
    return root


def labels_from_voc(root: Element, file: str, frame: Frame) -> Labels:
    """Everything in an annotation.

    Args:
        root: the parsed file.
        file: its path, for messages.
        frame: size and orientation of the image.

    Returns:
        The labels, in pixels of the upright image.

    Raises:
        LabelError: an object cannot be parsed; the message names its number in the file.
    """
    stated_wh = _size(root)
    on_stored = frame.matches_stored(stated_wh)
    shapes = []
    for number, element in enumerate(root.iter("object"), 1):
        try:
            shapes.append(_shape(element, number - 1, frame, on_stored))
        except ValueError as error:
            raise LabelError(f"{file}, object {number}: {error}") from error
    extra = {"voc": ElementTree.tostring(root)}
    return Labels(tuple(shapes), reoriented=on_stored, extra=extra, other_size_wh=frame.unlike(stated_wh))


def labels_to_voc(labels: Labels, before: Labels | None, file: str, size_wh: tuple[int, int], moved: bool) -> bytes:
    """The annotation of an image.

    What the source's annotation says is kept: pose, truncated, difficult, parts and fields of one's own.

    Args:
        labels: the objects, in pixels.
        before: the labels of its source; None writes a new annotation.
        file: the path of the image.
        size_wh: width and height of the image, in pixels.
        moved: objects were moved; of these, pose and parts, which did not move along, are removed.
    """
    raw = before.extra.get("voc") if before is not None else None
    root = _reparsed(raw) if isinstance(raw, bytes) else _new_annotation(size_wh)
    name = PurePosixPath(file).name
    _set(root, "filename", name)
    path = root.find("path")
    if path is not None:
        path.text = name  # a path on somebody's machine says nothing of this image
    if moved:
        for tag, length in zip(("width", "height"), size_wh, strict=True):
            _set(_child(root, "size"), tag, str(length))
    parents = {child: above for above in root.iter() for child in above}
    remaining = {shape.extra["voc"]: shape for shape in labels.shapes if isinstance(shape.extra.get("voc"), int)}
    for number, element in enumerate(list(root.iter("object"))):
        if number not in remaining:
            parents[element].remove(element)
        elif moved and not _stays(before, remaining[number], number):
            _move(element, remaining[number])
    for shape in labels.shapes:
        if not isinstance(shape.extra.get("voc"), int):
            root.append(_new_object(shape))
    ElementTree.indent(root, "\t")
    return ElementTree.tostring(root, encoding="utf-8") + b"\n"


def _stays(before: Labels | None, shape: Shape, number: int) -> bool:
    """Whether an object is where it was in the source, since only others changed."""
    return before is not None and not before.reoriented and is_same_place(before.shapes[number], shape)


def _size(root: Element) -> tuple[int, int]:
    try:
        return int(float(root.findtext("size/width", "0"))), int(float(root.findtext("size/height", "0")))
    except (ValueError, OverflowError):
        return 0, 0


def _shape(element: Element, number: int, frame: Frame, on_stored: bool) -> Shape:
    """One object. number: its position in the file. on_stored: drawn on the image as it is stored."""
    category = (element.findtext("name") or "").strip()
    if not category:
        raise ValueError("it has no <name>; expected its class")
    bndbox = element.find("bndbox")
    polygons = tuple(_polygons(element))
    rotated = rotated_corners(element, category)
    oriented = rotated is not None and not polygons
    if rotated is not None and not polygons:
        polygons = (rotated,)
    if bndbox is None and not polygons:
        raise ValueError(f"{category} has no <bndbox>; expected xmin, ymin, xmax and ymax")
    box = _box(bndbox, category) if bndbox is not None else box_around(*polygons)
    if on_stored:
        box = box_around((frame.point(*box[:2]), frame.point(*box[2:])))
        polygons = tuple(tuple(frame.point(x, y) for x, y in polygon) for polygon in polygons)
    fields = {child.tag: _plain(child.text) for child in element if not len(child) and child.tag != "name"}
    return Shape(category, box, polygons, extra={"voc": number, "fields": fields}, oriented=oriented)


def _plain(text: str | None) -> str | int:
    words = (text or "").strip()
    return int(words) if words.isascii() and words.isdigit() and len(words) < 16 else words


def _box(bndbox: Element, category: str) -> Box:
    values = []
    for name in ("xmin", "ymin", "xmax", "ymax"):
        text = (bndbox.findtext(name) or "").strip()
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not abs(value) < _MAX_PX:
            raise ValueError(f'{name} of {category} is "{text[:40]}"; expected a number of pixels')
        values.append(value)
    x0, y0, x1, y1 = values
    x0, x1 = min(x0, x1), max(x0, x1)  # two corners, in either order
    y0, y1 = min(y0, y1), max(y0, y1)
    return x0 - 1, y0 - 1, x1, y1  # the first pixel is 1, and the last one belongs to the box


def _polygons(element: Element) -> Iterator[Polygon]:
    """Polygons as Roboflow and CVAT write them (x1, y1, x2, y2, ...) and as LabelMe does (pt with x and y)."""
    for polygon in element.findall("polygon"):
        texts = {child.tag: (child.text or "").strip() for child in polygon}
        try:
            pairs = [(float(p.findtext("x", "")) - 1, float(p.findtext("y", "")) - 1) for p in polygon.findall("pt")]
            number = 1
            while f"x{number}" in texts and f"y{number}" in texts:
                pairs.append((float(texts[f"x{number}"]) - 1, float(texts[f"y{number}"]) - 1))
                number += 1
        except ValueError as error:
            raise ValueError("its <polygon> has a coordinate that is not a number; expected x1, y1, x2, y2") from error
        if not all(abs(value) < _MAX_PX for pair in pairs for value in pair):
            raise ValueError("its <polygon> has a coordinate that is not a number of pixels")
        if len(pairs) > 2:
            yield tuple(pairs)


def _reparsed(raw: bytes) -> Element:
    return ElementTree.fromstring(raw)  # written by ElementTree itself, from what was parsed safely


def _new_annotation(size_wh: tuple[int, int]) -> Element:
    root = Element("annotation")
    SubElement(root, "folder").text = "JPEGImages"
    SubElement(root, "filename")
    size = SubElement(root, "size")
    for name, value in (("width", size_wh[0]), ("height", size_wh[1]), ("depth", 3)):
        SubElement(size, name).text = str(value)
    SubElement(root, "segmented").text = "0"
    return root


def _new_object(shape: Shape) -> Element:
    element = Element("object")
    SubElement(element, "name").text = shape.category
    SubElement(element, "pose").text = "Unspecified"
    SubElement(element, "truncated").text = "0"
    SubElement(element, "difficult").text = str(int(bool(shape.extra.get("coco", {}).get("iscrowd"))))
    _write_box(SubElement(element, "bndbox"), shape)
    return element


def _move(element: Element, shape: Shape) -> None:
    """Give an object the geometry of a shape; what did not move along with the pixels is removed."""
    for part in element.findall("part"):
        element.remove(part)
    pose = element.find("pose")
    if pose is not None:
        pose.text = "Unspecified"
    had_polygon, rotated = element.find("polygon") is not None, element.find(ROTATED)
    bndbox = element.find("bndbox")
    had_box = bndbox is not None or rotated is None
    has_fractions = bndbox is not None and any("." in (one.text or "") for one in bndbox)
    for child in list(element):
        if child.tag in _GEOMETRY_TAGS or _is_place(child):
            element.remove(child)
    for attributes, attribute in _angles(element):
        attributes.remove(attribute)
    if had_box:
        _write_box(SubElement(element, "bndbox"), shape, has_fractions)
    if rotated is not None and len(shape.polygons) == 1:
        element.append(moved_rotated(rotated, shape.polygons[0]))
    for points in shape.polygons if had_polygon else ():
        polygon = SubElement(element, "polygon")
        for number, (x, y) in enumerate(points, 1):
            SubElement(polygon, f"x{number}").text = _number(x + 1)
            SubElement(polygon, f"y{number}").text = _number(y + 1)


def unmoved_tags(root: bytes) -> list[str]:
    """The elements of objects that are places in a form that no documentation defines, such as `<lm>` or `<keypoints>`;
    they are removed where pixels move."""
    found: set[str] = set()
    for element in _reparsed(root).iter("object"):
        found |= {one.tag for one in element if one.tag not in (*_GEOMETRY_TAGS, "part") and _is_place(one)}
        found |= {f"attributes.{one.findtext('name')}" for _, one in _angles(element)}
    return sorted(found)


def _angles(element: Element) -> list[tuple[Element, Element]]:
    """(parent, attribute) of the angles and places that are attributes, as CVAT writes the angle of a box."""
    pairs = [(attributes, one) for attributes in element.findall("attributes") for one in attributes]
    named = [(above, one, {one.findtext("name", ""): one.findtext("value", "")}) for above, one in pairs]
    return [(above, one) for above, one, field in named if not without_places(field, {})]


def _is_place(element: Element) -> bool:
    if len(element):
        return any(_PLACE.match(below.tag) for below in element.iter() if below is not element)
    return element.tag not in _PLAIN_TAGS and not without_places({element.tag: (element.text or "").strip()}, {})


def _write_box(bndbox: Element, shape: Shape, has_fractions: bool = False) -> None:
    """Write corners; in whole pixels, as most programs expect them, unless the source had others."""
    assert shape.box is not None
    x0, y0, x1, y1 = shape.box
    if has_fractions:
        for name, edge in zip(("xmin", "ymin", "xmax", "ymax"), (x0 + 1, y0 + 1, x1, y1), strict=True):
            SubElement(bndbox, name).text = _number(edge)
        return
    corners = [round(x0 + 1), round(y0 + 1), round(x1), round(y1)]
    corners[2], corners[3] = max(corners[2], corners[0]), max(corners[3], corners[1])
    for name, value in zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True):
        SubElement(bndbox, name).text = str(value)


def _child(root: Element, name: str) -> Element:
    found = root.find(name)
    return SubElement(root, name) if found is None else found


def _set(root: Element, name: str, text: str) -> None:
    _child(root, name).text = text


def _number(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")
