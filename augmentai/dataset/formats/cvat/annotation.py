"""The elements of one image in CVAT's XML, as shapes and back: boxes, outlines, ellipses, lines, skeletons, bitmaps.

Coordinates are pixels. A box may have a rotation, in degrees, clockwise around its centre. A bitmap is run lengths, row
by row, of the part of the image that it covers, and they begin with its background.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from reprlib import repr as short
from typing import Any
from xml.etree.ElementTree import Element, SubElement

import numpy as np

from augmentai.annotations import Keypoint, Polygon, Shape
from augmentai.dataset.formats.bitmaps import from_part, part_of
from augmentai.dataset.formats.drawn_shapes import (
    boxed,
    dotted,
    elliptic,
    foreign_attributes,
    masked,
    outlined,
    traced,
)
from augmentai.dataset.formats.ellipses import Ellipse, fitted_ellipse
from augmentai.dataset.formats.label_values import category, number, plain_fields, rounded
from augmentai.dataset.formats.pixel_fields import without_places
from augmentai.dataset.formats.rotated_boxes import box_and_angle, fitted_corners, rotated_corners

SHAPES = frozenset({"box", "polygon", "polyline", "points", "ellipse", "cuboid", "skeleton", "mask"})
TAG = "tag"
_CORNERS = ("xtl", "ytl", "xbr", "ybr")
_CUBOID = tuple(f"{axis}{corner}{face}" for face in "12" for corner in ("tl", "bl", "tr", "br") for axis in "xy")
_PLACE = {
    "box": (*_CORNERS, "rotation"),
    "ellipse": ("cx", "cy", "rx", "ry", "rotation"),
    "mask": ("rle", "left", "top", "width", "height"),
    "cuboid": _CUBOID,
}


def shape_of(element: Element, place: int, size_wh: tuple[int, int], points: Sequence[str]) -> Shape:
    """The object of one element.

    Args:
        element: one of `SHAPES`.
        place: its position among the children of its image.
        size_wh: width and height of the image, in pixels.
        points: the names of a skeleton's points, in their order; empty if the file does not say.

    Raises:
        ValueError: it cannot be parsed.
    """
    name = category(element.get("label"), "label")
    attributes = {str(one.get("name")): (one.text or "").strip() for one in element.findall("attribute")}
    flags = {key: int(number(element.get(key, "0") or "0", key)) for key in ("occluded", "z_order", "group_id")}
    extra = {"place": place, "fields": plain_fields(**{**flags, **attributes})}
    kind = element.tag
    if kind == "box":
        return _box(element, name, extra)
    if kind == "ellipse":
        x, y, rx, ry = (number(element.get(key), key) for key in ("cx", "cy", "rx", "ry"))
        return elliptic(name, Ellipse(x, y, rx, ry, number(element.get("rotation") or "0", "rotation")), extra)
    if kind == "mask":
        return masked(name, _bitmap(element, size_wh), extra)
    if kind == "cuboid":
        return outlined(name, _hull([number(element.get(key), key) for key in _CUBOID]), extra)
    if kind == "skeleton":
        return _skeleton(element, name, extra, points)
    drawn = _points(element.get("points"))
    if kind == "polygon":
        return outlined(name, drawn, extra)
    return traced(name, drawn, extra) if kind == "polyline" else dotted(name, drawn, extra)


def moved_elements(element: Element, shape: Shape, points: Sequence[str], losses: dict[str, None]) -> list[Element]:
    """The elements of an object at its new place; several if the border cut it into pieces."""
    kind = element.tag
    if kind == "skeleton":
        return _moved_skeleton(element, shape, points, losses)
    if kind == "cuboid":
        losses.setdefault("cuboids are written as the polygons around them in geometrically transformed images")
    if kind == "ellipse" and (len(shape.polygons) != 1 or fitted_ellipse(shape.polygons[0]) is None):
        losses.setdefault("ellipses that the border cuts are written as polygons")
        shape = replace(shape, extra={**shape.extra, "as_polygon": True})
    if kind in {"polyline", "points"} and not shape.lines:
        return []
    pieces = list(_drawn(shape, kind))
    attributes = {key: value for key, value in element.attrib.items() if key not in {*_PLACE.get(kind, ()), "points"}}
    made = []
    for tag, placed in pieces:
        piece = Element(tag, {**attributes, "label": shape.category, **placed})
        piece.extend(_unplaced(element, losses))
        made.append(piece)
    return made


def new_elements(shape: Shape) -> list[Element]:
    """An object that came from another format, one element per piece, with its attributes."""
    if shape.mask is None and not shape.polygons and shape.lines:
        kind = "points" if all(len(line) == 1 for line in shape.lines) else "polyline"
    else:
        kind = "mask" if shape.mask is not None else "box" if shape.oriented or not shape.polygons else "polygon"
    fields = foreign_attributes(shape)
    occluded = str(int(bool(fields.pop("occluded", 0))))
    made = []
    for tag, placed in _drawn(shape, kind):
        piece = Element(tag, {"label": shape.category, "source": "manual", "occluded": occluded, **placed})
        piece.set("z_order", "0")
        for name, value in fields.items():
            SubElement(piece, "attribute", name=str(name)).text = str(value)
        made.append(piece)
    return made


def _drawn(shape: Shape, kind: str) -> Iterator[tuple[str, dict[str, str]]]:
    """(tag, what says where it is) of each piece of an object that was drawn as some kind."""
    if shape.mask is not None:
        yield "mask", _run_lengths(shape.mask)
    elif kind == "points":
        yield "points", {"points": _text(tuple(point for line in shape.lines for point in line))}
    elif kind == "polyline":
        yield from (("polyline", {"points": _text(line)}) for line in shape.lines)
    elif kind == "ellipse" and not shape.extra.get("as_polygon"):
        ellipse = fitted_ellipse(shape.polygons[0])
        assert ellipse is not None
        placed = {"cx": ellipse.x, "cy": ellipse.y, "rx": ellipse.rx, "ry": ellipse.ry}
        yield "ellipse", {key: _number(value) for key, value in placed.items()} | _rotation(ellipse.angle_deg)
    elif kind == "box" and shape.polygons:
        box, angle = box_and_angle(fitted_corners(*shape.polygons))
        yield "box", dict(zip(_CORNERS, map(_number, box), strict=True)) | _rotation(angle)
    elif shape.polygons:
        yield from (("polygon", {"points": _text(ring)}) for ring in shape.polygons)
    elif shape.box is not None:
        yield "box", dict(zip(_CORNERS, map(_number, shape.box), strict=True))


def _box(element: Element, name: str, extra: Mapping[str, Any]) -> Shape:
    x0, y0, x1, y1 = (number(element.get(key), key) for key in _CORNERS)
    angle = number(element.get("rotation") or "0", "rotation") % 360
    plain = boxed(name, (x0, y0), (x1, y1), extra)
    if not angle:
        return plain
    assert plain.box is not None
    return replace(outlined(name, rotated_corners(plain.box, angle), extra), oriented=True)


def _points(text: str | None) -> Polygon:
    """ "1,2;3,4" as points."""
    pairs = [pair.split(",") for pair in (text or "").split(";") if pair.strip()]
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError(f"points is {short(text)}; expected x,y;x,y in pixels")
    return tuple((number(x, "x of points"), number(y, "y of points")) for x, y in pairs)


def _hull(values: Sequence[float]) -> Polygon:
    """The outline around the eight corners of a cuboid."""
    import shapely

    hull = shapely.MultiPoint(list(zip(values[::2], values[1::2], strict=True))).convex_hull
    if hull.geom_type != "Polygon":
        raise ValueError("its corners enclose nothing; expected eight corners of a cuboid")
    return tuple((float(x), float(y)) for x, y in list(hull.exterior.coords)[:-1])


def _bitmap(element: Element, size_wh: tuple[int, int]) -> np.ndarray[Any, Any]:
    """The bitmap of a mask, (height, width) of bool."""
    left, top, width, height = (int(number(element.get(key), key)) for key in ("left", "top", "width", "height"))
    runs = [int(number(run, "a run of rle")) for run in (element.get("rle") or "").split(",")]
    if not (0 < width <= size_wh[0] + 1 and 0 < height <= size_wh[1] + 1):
        raise ValueError(f"its mask is {width}x{height} pixels, and the image {size_wh[0]}x{size_wh[1]}")
    if min(runs) < 0 or sum(runs) != width * height:
        raise ValueError(f"its runs (rle) add up to {sum(runs)}; expected {width * height}, {width} x {height} pixels")
    part = np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(height, width)
    return from_part(part, left, top, size_wh)


def _run_lengths(mask: np.ndarray[Any, Any]) -> dict[str, str]:
    part, left, top = part_of(mask)
    flat = np.concatenate([[False], part.ravel(), [not part.ravel()[-1]]])
    ends = np.flatnonzero(flat[1:] != flat[:-1])
    runs = np.diff(ends, prepend=0)
    return {
        "rle": ", ".join(map(str, runs.tolist())),
        "left": str(left),
        "top": str(top),
        "width": str(part.shape[1]),
        "height": str(part.shape[0]),
    }


def _skeleton(element: Element, name: str, extra: Mapping[str, Any], points: Sequence[str]) -> Shape:
    found: dict[str, Keypoint] = {}
    for number_of, one in enumerate(element.findall("points"), 1):
        drawn = _points(one.get("points"))
        if len(drawn) != 1:
            raise ValueError(f"point {number_of} of {name} is {short(one.get('points'))}; expected x,y")
        visibility = 0.0 if one.get("outside") == "1" else 1.0 if one.get("occluded") == "1" else 2.0
        found[one.get("label") or str(number_of)] = (*drawn[0], visibility)
    order = [*points, *(label for label in found if label not in points)]
    keypoints = tuple(found.get(label, (0.0, 0.0, 0.0)) for label in order)
    seen = [(x, y) for x, y, visibility in keypoints if visibility]
    box = None
    if seen:
        xs, ys = zip(*seen, strict=True)
        box = (min(xs), min(ys), max(xs), max(ys)) if min(xs) < max(xs) and min(ys) < max(ys) else None
    return Shape(name, box, keypoints=keypoints, extra=extra)


def _unplaced(element: Element, losses: dict[str, None]) -> list[Element]:
    """The attributes of an object that stay true when it moves."""
    listed = element.findall("attribute")
    kept = without_places({one.get("name") or "": (one.text or "").strip() for one in listed}, losses)
    return [one for one in listed if (one.get("name") or "") in kept]


def _moved_skeleton(element: Element, shape: Shape, points: Sequence[str], losses: dict[str, None]) -> list[Element]:
    """A skeleton at its new place; what left the image is outside. None if nothing of it is left."""
    if not any(visibility for _, _, visibility in shape.keypoints):
        return []
    made = Element(element.tag, {**element.attrib, "label": shape.category})
    labels = [one.get("label") or str(i) for i, one in enumerate(element.findall("points"), 1)]
    order = [*points, *(label for label in labels if label not in points)]
    at = dict(zip(order, shape.keypoints, strict=False))
    labelled = iter(labels)
    unplaced = _unplaced(element, losses)
    for child in element:
        if child.tag == "attribute" and child not in unplaced:
            continue
        if child.tag != "points":
            made.append(child)
            continue
        x, y, visibility = at[next(labelled)]
        placed = {"points": f"{_number(x)},{_number(y)}", "outside": str(int(not visibility))}
        one = SubElement(made, "points", {**child.attrib, **placed})
        one.extend(list(child))
    return [made]


def _text(points: Polygon) -> str:
    return ";".join(f"{_number(x)},{_number(y)}" for x, y in points)


def _rotation(angle_deg: float) -> dict[str, str]:
    angle = rounded(angle_deg % 360)
    return {"rotation": str(angle)} if angle % 360 else {}


def _number(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")
