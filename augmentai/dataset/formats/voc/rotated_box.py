"""Rotated boxes in Pascal VOC's XML, as roLabelImg writes them: centre, size and angle."""

from __future__ import annotations

import math
from copy import deepcopy
from xml.etree.ElementTree import Element, SubElement

from augmentai.annotations import Polygon

ROTATED = "robndbox"
_FIELDS = ("cx", "cy", "w", "h", "angle")


def rotated_corners(element: Element, category: str) -> Polygon | None:
    """The corners of an object's rotated box; None if it has none.

    Args:
        element: the object.
        category: its class, for messages.

    Raises:
        ValueError: a field is no number.
    """
    found = element.find(ROTATED)
    if found is None:
        return None
    values = []
    for name in _FIELDS:
        text = (found.findtext(name) or "").strip()
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not abs(value) < 1e9:
            raise ValueError(f'{name} of {category} is "{text[:40]}"; expected a number')
        values.append(value)
    x, y, width, height, angle = values
    cos, sin = math.cos(angle), math.sin(angle)
    sides = [(-width / 2, -height / 2), (width / 2, -height / 2), (width / 2, height / 2), (-width / 2, height / 2)]
    return tuple((x + dx * cos - dy * sin, y + dx * sin + dy * cos) for dx, dy in sides)


def moved_rotated(element: Element, corners: Polygon) -> Element:
    """The rotated box of four corners; angles are from 0 to pi, as roLabelImg has them."""
    moved = deepcopy(element)
    (ax, ay), (bx, by), (cx, cy), _ = corners
    values = {
        "cx": sum(x for x, _ in corners) / 4,
        "cy": sum(y for _, y in corners) / 4,
        "w": math.dist((ax, ay), (bx, by)),
        "h": math.dist((bx, by), (cx, cy)),
        "angle": math.atan2(by - ay, bx - ax) % math.pi,
    }
    for name, value in values.items():
        field = moved.find(name)
        field = SubElement(moved, name) if field is None else field
        field.text = f"{value:.6f}".rstrip("0").rstrip(".")
    return moved
