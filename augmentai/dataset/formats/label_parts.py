"""What the labels of an image consist of, apart from their numbers: fields with the kind of value, kinds of objects.

Of a hundred thousand images, the few whose labels have a field or a kind of object that no others have are found so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from augmentai.annotations import LabelReader, Labels, Shape
from augmentai.dataset.formats.label_values import is_number
from augmentai.dataset.formats.listed.layout import ListedLabels

Part = tuple[str, str]  # a field or element, and the kind of value that it has

_KINDS = frozenset({"shape_type", "type", "kind", "name", "geometrytype", "shape"})  # fields whose words are kinds
_LONGEST_KIND = 24
_SIDE_WORDS = re.compile(r"(?i)\b(left|right|up|down|top|bottom|upwards?|downwards?)\b")
_TAG = re.compile(r"<([\w:.-]+)([^<>]*)>([^<]*)")
_ATTRIBUTE = re.compile(r'([\w:.-]+)="([^"]*)"')
_BOX = 4


def label_parts(labels: Labels, reader: LabelReader | None = None) -> set[Part]:
    """The parts of the labels of an image: two images with the same parts lose the same when their objects move.

    Args:
        labels: of the image.
        reader: what read them; of files that list many images it knows what the labels themselves do not hold.

    Example:
        >>> cup = Shape("cup", (0, 0, 9, 9), extra={"fields": {"heading": 30, "note": "rear"}})
        >>> sorted(label_parts(Labels((cup,))))
        [('', 'box'), ('heading', 'number'), ('note', 'text')]
    """
    found = {part for shape in labels.shapes for part in (*_shape(shape), *_parts("", shape.extra))}
    found.update(_parts("", labels.extra))
    if isinstance(reader, ListedLabels):
        for rows in reader.layout.store.rows_of(reader.image.key).values():
            found.update(_parts("", rows))
    return found


def _shape(shape: Shape) -> Iterator[Part]:
    """The geometry of an object."""
    present = {
        "box": shape.box is not None,
        "outline": len(shape.polygons) == 1,
        "outlines": len(shape.polygons) > 1,
        "bitmap": shape.mask is not None,
        "keypoints": bool(shape.keypoints),
        "flip order": bool(shape.flip_order),
        "oriented": shape.oriented,
        "lines": bool(shape.lines),
    }
    return (("", name) for name, is_there in present.items() if is_there)


def _parts(name: str, value: Any) -> Iterator[Part]:
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from _parts(str(key), below)
    elif isinstance(value, list | tuple):
        if value and all(isinstance(one, int | float) for one in value):
            yield name, f"{min(len(value), _BOX + 1)} numbers"
        else:
            for below in value:
                yield from _parts(name, below)
    elif isinstance(value, bytes):
        yield from _parts(name, value.decode("utf-8", "replace"))
    elif isinstance(value, str) and value.lstrip().startswith("<"):
        for tag, attributes, text in _TAG.findall(value):
            yield tag, _kind(tag, text.strip())
            yield from ((f"{tag}.{key}", _kind(key, one)) for key, one in _ATTRIBUTE.findall(attributes))
    elif value is not None:
        yield name, _kind(name, value)


def _kind(name: str, value: Any) -> str:
    """What a single value is, as far as it decides whether it is a place or an angle."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value == "" or not isinstance(value, str | int | float):
        return ""
    if is_number(value):
        return "number" if float(value) else "zero"
    text = str(value)
    if name.casefold() in _KINDS and len(text) <= _LONGEST_KIND:
        return f"the kind {text}"
    if _SIDE_WORDS.search(text):
        return "a side"
    return "digits" if any(map(str.isdigit, text)) else "text"
