"""Fields of people and tools that say where something is in an image, under names and in forms that no format defines.

Nothing says how they move, so they are removed where pixels move, and that is reported.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from augmentai.dataset.formats.label_values import is_number

_BY_NAME = re.compile(
    r"(?i)segmentation|keypoint|kpts|polygon|landmark|centroid|quad(rangle|rilateral)?s?$|encoded_?pixels"
    r"|(^|_)(b?box|points?|contour|corners?|cent(er|re)|rle|obb|angle|rotation|roi|rect|ellipse|circle)(s|es)?(_?(2|3)d)?$"
    r"|^[xy]_?(min|max|center|centre|c|\d{1,2})?$|^(cent(er|re)|c|b?box|obj|object|face)_?[xywh]$"
    r"|^b?box_?([xy]_?(min|max|\d)|width|height|left|right|top|bottom)$"
)
_DIRECTION = re.compile(
    r"(?i)(^|[_.\s-])(heading|yaw|theta|azimuth|bearing|direction|orientation|facing|rotation|angle|rot)"
    r"([_\s-]?(deg|degrees?|rad|radians?|angle|z|2d))?$"
)
_ZERO_SAYS_NOTHING = re.compile(r"(?i)rotation|angle|theta|^rot")  # tools write 0 for what was never rotated
_SIDE_WORDS = re.compile(r"(?i)\b(left|right|up|down|top|bottom|upwards?|downwards?)\b")
# Fields that are of a side if their value is one: "pose" of Pascal VOC, "side", "laterality" of X-rays.
_SIDED = re.compile(
    r"(?i)(^|[_.\s-])(pose|view|side|laterality|handedness|hand|eye|ear|arm|leg|foot|position|location|lane|turn)$"
)
_LEFT_OR_RIGHT = re.compile(r"(?i)(left|right)([\s_-]?(side|hand|eye|facing|lane|turn))?$")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_TRUTH = frozenset({"true", "false", "yes", "no"})
_UNITS = re.compile(r"(?i)[_.\s-]?(norm(ali[sz]ed)?|rel(ative)?|pixels?|px|abs(olute)?)$")
_COUNTS = re.compile(r"(?i)(num|count|n|has|is|no)_")  # num_keypoints
_SIDES = ("left", "top", "right", "bottom")  # of a box if the first two are there; "left" alone may be a class
_SIZES = ("w", "h", "width", "height")  # of a box beside x and y, of the image else
_OTHER_NUMBERS = re.compile(
    r"(?i)colou?r|rgb|hsv|mean|std|score|prob|logit|embed|feature|size|shape|date|time|version|id|scale|dpi|resolution"
    r"|spacing"
)
_COORDINATE = re.compile(r"(?:(.*[^xyXY])[_. -]([xyXY])|([xyXY])[_. -](.+))")
_CORNER_KEYS = ({"x", "y"}, {"left", "top"}, {"xmin", "ymin"}, {"x1", "y1"})
_NUMBERS = re.compile(r"[\d\s.,;eE+()\[\]-]+")
_BOX = 4


def is_in_pixels(field: str, value: object = None) -> bool:
    """Whether a field is a place in the image: by its name, or because its value is a box or a list of points.

    Args:
        field: its name.
        value: what it holds, if that is known.

    Example:
        >>> [is_in_pixels(name) for name in ("bbox", "xmin", "face_keypoints", "inbox", "pointer")]
        [True, True, True, False, False]
        >>> is_in_pixels("heading", 90), is_in_pixels("facing", "left"), is_in_pixels("orientation", "portrait")
        (True, True, False)
        >>> is_in_pixels("side", "left"), is_in_pixels("Pose", "Right"), is_in_pixels("side", "front")
        (True, True, False)
        >>> is_in_pixels("head", [10, 20, 30, 40]), is_in_pixels("colour", [10, 20, 30, 40]), is_in_pixels("bbox_id", 3)
        (True, False, False)
        >>> is_in_pixels("facing_left", True), is_in_pixels("leftHand", "no"), is_in_pixels("left", True)
        (True, True, False)
    """
    name = _UNITS.sub("", field.strip())
    if _COUNTS.match(name):
        return False
    if _BY_NAME.search(name) or (_DIRECTION.search(name) and _is_direction(value)):
        return True
    if _is_flag_of_side(name, value):
        return True
    if _SIDED.search(name) and isinstance(value, str) and _LEFT_OR_RIGHT.match(value.strip()):
        return True
    return not _OTHER_NUMBERS.search(name) and _is_place(value)


def without_places(fields: Mapping[str, Any], losses: dict[str, None], within: str = "") -> dict[str, Any]:
    """What a format says of an object beside its place, without what is in pixels or an angle in the image.

    Args:
        fields: as the object has them in its source.
        losses: what is removed is added to these, in words for the user.
        within: what the fields belong to, as the words name it ("attributes.").

    Example:
        >>> losses = {}
        >>> without_places({"rotation": "30", "heading": 0, "age": "4", "pose": "upright"}, losses, "attributes.")
        {'age': '4', 'pose': 'upright'}
        >>> list(losses)[0]
        '`attributes.rotation` is removed from geometrically transformed images'
    """
    removed = [name for name in fields_in_pixels(fields) if not _says_nothing(name, fields[name])]
    for name in removed:
        losses.setdefault(removed_words(within + name))
    return {name: value for name, value in fields.items() if name not in removed}


def removed_words(name: str) -> str:
    """That a field is removed where pixels move, for the user."""
    return f"`{name}` is removed from geometrically transformed images"


def fields_in_pixels(row: Mapping[str, Any]) -> list[str]:
    """The fields of a row that are places in its image; "left" and "width" are with what belongs to them.

    Example:
        >>> fields_in_pixels({"x": 3, "y": 4, "w": 9, "h": 9, "age": 4}), fields_in_pixels({"width": 64, "left": "yes"})
        (['x', 'y', 'w', 'h'], [])
        >>> fields_in_pixels({"left_eye_x": 9, "left_eye_y": 5, "scale_x": 2, "scale_y": 2, "x": "a", "y": "b"})
        ['left_eye_x', 'left_eye_y', 'x', 'y']
    """
    known = {name.strip().casefold() for name in row}
    sides = _SIDES if {"left", "top"} <= known else ()
    sizes = _SIZES if {"x", "y"} <= known else ()
    points = _points(row)
    return [
        name
        for name, value in row.items()
        if is_in_pixels(name, value) or name in points or name.strip().casefold() in (*sides, *sizes)
    ]


def _points(row: Mapping[str, Any]) -> set[str]:
    """The fields that are the two coordinates of a point: "nose_x" beside "nose_y", both numbers."""
    pairs: dict[str, dict[str, str]] = defaultdict(dict)
    for name, value in row.items():
        found = _COORDINATE.fullmatch(name.strip()) if is_number(value) and not isinstance(value, bool) else None
        if found is not None and not _OTHER_NUMBERS.search(name):
            pairs[f"{found[1] or ''}*{found[4] or ''}".casefold()][(found[2] or found[3]).casefold()] = name
    return {name for pair in pairs.values() if len(pair) == 2 for name in pair.values()}


def _says_nothing(name: str, value: object) -> bool:
    """Whether a value is no place and no angle, whatever its name says: yes, no, and words without a number."""
    if _is_flag_of_side(name, value):
        return False
    if value is None or isinstance(value, bool) or value in ("", [], {}):
        return True
    if _ZERO_SAYS_NOTHING.search(name) and is_number(value) and float(str(value)) == 0:
        return True
    return isinstance(value, str) and not re.search(r"\d", value) and not _SIDE_WORDS.search(value)


def _is_flag_of_side(name: str, value: object) -> bool:
    """Whether a field says yes or no to a side that it names: "facing_left", not a class called "left" alone."""
    is_flag = isinstance(value, bool) or (isinstance(value, str) and value.strip().casefold() in _TRUTH)
    words = [word.casefold() for word in _WORD.findall(name)] if is_flag else []
    return len(words) > 1 and not {"left", "right"}.isdisjoint(words)


def _is_direction(value: object) -> bool:
    """Whether a value is an angle, or names a side of the image."""
    if isinstance(value, str):
        return is_number(value.strip().rstrip("°")) or bool(_SIDE_WORDS.search(value))
    return is_number(value) and not isinstance(value, bool)


def _is_place(value: object) -> bool:
    """Whether a value is a box, or points or boxes in a list, as numbers or as text of them."""
    if isinstance(value, str):
        value = _parsed(value)
    if isinstance(value, Mapping):
        keys = {str(key).casefold() for key in value}
        return any(corner <= keys for corner in _CORNER_KEYS)
    if not isinstance(value, list) or not value:
        return False
    if len(value) == _BOX and all(map(is_number, value)):
        return True
    if all(isinstance(item, Mapping) for item in value):
        return all(map(_is_place, value))
    return all(isinstance(item, list) and len(item) in {2, 3, _BOX} and all(map(is_number, item)) for item in value)


def _parsed(text: str) -> object:
    if text.lstrip().startswith(("{", "[{")):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return None
    if not _NUMBERS.fullmatch(text):
        return None
    if "[" not in text and "(" not in text:
        return [part for part in re.split(r"[\s,;]+", text.strip()) if part]
    try:
        return json.loads(text.replace("(", "[").replace(")", "]"))
    except (ValueError, RecursionError):
        return None
