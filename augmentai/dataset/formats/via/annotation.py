"""VIA's regions: what is drawn, with attributes of one's own, one of which is the class.

A region has `shape_attributes` (name, and where it is in pixels) and `region_attributes`. VIA does not say which
attribute is the class: it is the one called so, else the first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from reprlib import repr as short
from typing import Any

from augmentai.annotations import Polygon, Shape
from augmentai.dataset.formats.drawn_shapes import boxed, dotted, elliptic, foreign_attributes, outlined, traced
from augmentai.dataset.formats.ellipses import Ellipse, fitted_ellipse
from augmentai.dataset.formats.label_values import clean, number, plain_fields, rounded
from augmentai.dataset.formats.object_shapes import with_polygons
from augmentai.dataset.formats.pixel_fields import without_places

CLASS_NAMES = ("class", "label", "name", "category", "type", "object", "classname", "objectname")
UNNAMED = "object"  # the class of regions without attributes
_KEYS = {
    "rect": ("x", "y", "width", "height"),
    "circle": ("cx", "cy", "r"),
    "ellipse": ("cx", "cy", "rx", "ry"),
    "point": ("cx", "cy"),
}
_PATHS = {"polygon", "polyline"}

Region = Mapping[str, Any]


def shape_of(region: object, place: int) -> Shape:
    """The object of one region.

    Args:
        region: as VIA's JSON has it.
        place: its position among the regions of its image.

    Raises:
        ValueError: it cannot be parsed.
    """
    if not isinstance(region, dict) or not isinstance(region.get("shape_attributes"), dict):
        raise ValueError(f"found {short(region)}; expected a mapping with shape_attributes and region_attributes")  # noqa: TRY004
    drawn = region["shape_attributes"]
    attributes = region.get("region_attributes")
    attributes = attributes if isinstance(attributes, dict) else {}
    key = class_key(attributes)
    name = text_of(attributes.get(key)) or UNNAMED
    fields = {str(other): text_of(value) for other, value in attributes.items() if other != key}
    extra = {"place": place, "fields": plain_fields(**fields)}
    kind = drawn.get("name") if isinstance(drawn.get("name"), str) else ""
    if kind in _PATHS:
        points = _points(drawn, name)
        return outlined(name, points, extra) if kind == "polygon" else traced(name, points, extra)
    if kind not in _KEYS:
        known = ", ".join(sorted({*_KEYS, *_PATHS}))
        raise ValueError(f"the shape of {name} is called {short(drawn.get('name'))}; expected one of {known}")
    values = [number(drawn.get(side), f"{side} of {name}") for side in _KEYS[kind]]
    if kind == "rect":
        x, y, width, height = values
        if min(width, height) < 0:
            raise ValueError(f"{name} is {width:g} wide and {height:g} high; expected a width and a height above 0")
        return boxed(name, (x, y), (x + width, y + height), extra)
    if kind == "point":
        return dotted(name, [(values[0], values[1])], extra)
    if kind == "circle":
        return elliptic(name, Ellipse(values[0], values[1], values[2], values[2]), extra)
    angle = math.degrees(number(drawn.get("theta", 0), f"theta of {name}"))
    x, y, rx, ry = values
    return elliptic(name, Ellipse(x, y, rx, ry, angle), extra)


def moved_regions(region: Region, shape: Shape, losses: dict[str, None]) -> list[dict[str, Any]]:
    """The regions of an object at its new place; several if the border cut it into pieces."""
    pieces = _drawn(shape, region["shape_attributes"].get("name"), losses)
    if len(pieces) > 1:
        losses.setdefault("objects that the border cuts into pieces become one region per piece")
    attributes = region.get("region_attributes")
    attributes = attributes if isinstance(attributes, dict) else {}
    key = class_key(attributes)
    kept = without_places({name: value for name, value in attributes.items() if name != key}, losses)
    rest = {name: value for name, value in attributes.items() if name == key or name in kept}
    own = {**region, "region_attributes": rest} if attributes else region
    return [{**own, "shape_attributes": piece} for piece in pieces]


def new_regions(shape: Shape, losses: dict[str, None]) -> list[dict[str, Any]]:
    """An object that came from another format, with its attributes."""
    if shape.mask is not None:
        losses.setdefault("bitmaps (RLE) were written as the polygons around them")
        shape = with_polygons(shape)
    kind = "polygon" if shape.polygons else "polyline" if shape.lines else "rect"
    if shape.lines and all(len(line) == 1 for line in shape.lines):
        kind = "point"
    attributes = {"class": shape.category, **{key: str(value) for key, value in foreign_attributes(shape).items()}}
    pieces = _drawn(shape, kind, losses)
    if len(pieces) > 1:
        losses.setdefault("objects in several parts became one region per part: VIA has no groups")
    return [{"shape_attributes": piece, "region_attributes": dict(attributes)} for piece in pieces]


def class_key(attributes: Mapping[str, Any]) -> str:
    """The attribute that is the class; "" if there is none.

    Example:
        >>> class_key({"colour": "red", "Class": "cat"}), class_key({"animal": "cat"}), class_key({})
        ('Class', 'animal', '')
    """
    plain = {"".join(filter(str.isalpha, str(key).casefold())): str(key) for key in reversed(list(attributes))}
    named = next((plain[name] for name in CLASS_NAMES if name in plain), None)
    return named if named is not None else next(iter(attributes), "")


def text_of(value: object) -> str:
    """The text of an attribute; of one with several options, those that are ticked."""
    if isinstance(value, dict):
        return ",".join(clean(str(name)) for name, ticked in value.items() if ticked)
    return clean(str(value)) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _points(drawn: Region, name: str) -> Polygon:
    xs, ys = drawn.get("all_points_x"), drawn.get("all_points_y")
    if not isinstance(xs, list) or not isinstance(ys, list) or len(xs) != len(ys):
        raise ValueError(
            f"all_points_x and all_points_y of {name} are {short(xs)} and {short(ys)}; expected lists of one length"
        )
    return tuple(
        (number(x, f"a point of {name}"), number(y, f"a point of {name}")) for x, y in zip(xs, ys, strict=True)
    )


def _drawn(shape: Shape, kind: str, losses: dict[str, None]) -> list[dict[str, Any]]:
    """The `shape_attributes` of each piece of an object that was drawn as some kind."""
    if kind in {"circle", "ellipse"}:
        ellipse = fitted_ellipse(shape.polygons[0]) if len(shape.polygons) == 1 else None
        if ellipse is not None:
            return [_round(ellipse, kind)]
        losses.setdefault("circles and ellipses that the border cuts are written as polygons")
        kind = "polygon"
    if kind == "point":
        return [{"name": "point", "cx": rounded(line[0][0]), "cy": rounded(line[0][1])} for line in shape.lines]
    if kind in _PATHS:
        paths: Sequence[Polygon] = shape.polygons if kind == "polygon" else shape.lines
        return [_path(kind, path) for path in paths]
    assert shape.box is not None
    x0, y0, x1, y1 = shape.box
    return [{"name": "rect", **dict(zip(_KEYS["rect"], map(rounded, (x0, y0, x1 - x0, y1 - y0)), strict=True))}]


def _path(kind: str, path: Polygon) -> dict[str, Any]:
    xs, ys = zip(*path, strict=True)
    return {"name": kind, "all_points_x": [rounded(x) for x in xs], "all_points_y": [rounded(y) for y in ys]}


def _round(ellipse: Ellipse, kind: str) -> dict[str, Any]:
    centre = {"cx": rounded(ellipse.x), "cy": rounded(ellipse.y)}
    if kind == "circle" and ellipse.is_circle:
        return {"name": "circle", **centre, "r": rounded(ellipse.rx)}
    theta = round(math.radians(ellipse.angle_deg), 6)
    return {"name": "ellipse", **centre, "rx": rounded(ellipse.rx), "ry": rounded(ellipse.ry), "theta": theta}
