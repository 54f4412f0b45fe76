"""Objects that several files describe, each once: COCO's instances and person keypoints have the same ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from augmentai.annotations import Shape
from augmentai.dataset.formats.coco.ids import id_key

_TOLERANCE_PX = 1.0  # tools round boxes


@dataclass(frozen=True)
class Described:
    """An object as one file describes it.

    Attributes:
        file: the number of the file.
        annotation: as the file has it.
        shape: the same as a shape.
    """

    file: int
    annotation: dict[str, Any]
    shape: Shape


def merged(described: Sequence[Described]) -> list[Shape]:
    """The objects of one image, in order; `extra["coco_in"]` has the annotation of each file that describes one.

    Two annotations of different files are one object if they are of one class and place, and have the same id or the
    same outline. Two of one file never are.
    """
    found: list[Shape] = []
    by_key: dict[tuple[Any, ...], list[int]] = {}
    for one in described:
        number = next((n for key in _keys(one) for n in by_key.get(key, ()) if _is_same(found[n], one)), None)
        if number is None:
            number = len(found)
            found.append(replace(one.shape, extra={**one.shape.extra, "coco_in": ((one.file, one.annotation),)}))
        else:
            found[number] = _joined(found[number], one)
        for key in _keys(one):
            by_key.setdefault(key, []).append(number)
    return [replace(shape, extra={**shape.extra, "coco_number": number}) for number, shape in enumerate(found)]


def _keys(one: Described) -> list[tuple[Any, ...]]:
    """What an object is looked up by: its id, and its place in whole pixels."""
    key = id_key(one.annotation.get("id"))
    place = tuple(round(value) for value in one.shape.box or ())
    return [*([("id", key)] if key is not None else []), ("place", one.shape.category, place, len(one.shape.polygons))]


def _is_same(shape: Shape, one: Described) -> bool:
    """Whether an object is one that another file describes."""
    other = one.shape
    if shape.category != other.category or any(file == one.file for file, _ in shape.extra["coco_in"]):
        return False
    same_id = id_key(shape.extra["coco"].get("id")) == id_key(one.annotation.get("id")) is not None
    if shape.box is None or other.box is None:
        return same_id
    is_near = all(abs(a - b) <= _TOLERANCE_PX for a, b in zip(shape.box, other.box, strict=True))
    return is_near and (same_id or shape.polygons == other.polygons)


def _joined(shape: Shape, one: Described) -> Shape:
    """An object with what another file adds to it."""
    other = one.shape
    return replace(
        shape,
        box=shape.box if shape.box is not None else other.box,
        polygons=shape.polygons or other.polygons,
        mask=shape.mask if shape.mask is not None or shape.polygons else other.mask,
        keypoints=shape.keypoints or other.keypoints,
        flip_order=shape.flip_order or other.flip_order,
        extra={
            **shape.extra,
            "coco": {**one.annotation, **shape.extra["coco"]},
            "coco_in": (*shape.extra["coco_in"], (one.file, one.annotation)),
        },
    )
