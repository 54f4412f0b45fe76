"""Objects that several files describe, each once: COCO's instances and person keypoints have the same ids."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, islice
from typing import Any

from augmentai.annotations import Shape
from augmentai.dataset.formats.coco.ids import id_key

_TOLERANCE_PX = 1.0  # tools round boxes
_MOST_ALIKE = 50  # objects of one id or place that are compared: a file may give all of them the same


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
    for _, of_file in groupby(described, key=lambda one: one.file):
        by_key = _by_key(found)
        added: list[Shape] = []
        for one in of_file:
            number = _same(found, one, by_key)
            if number is None:
                added.append(replace(one.shape, extra={**one.shape.extra, "coco_in": ((one.file, one.annotation),)}))
            else:
                found[number] = _joined(found[number], one)
        found += added
    return [replace(shape, extra={**shape.extra, "coco_number": number}) for number, shape in enumerate(found)]


def _by_key(found: Sequence[Shape]) -> dict[tuple[Any, ...], deque[int]]:
    """Positions of the objects by what they are looked up by."""
    by_key: dict[tuple[Any, ...], deque[int]] = defaultdict(deque)
    for number, shape in enumerate(found):
        for key in _keys(shape.extra["coco"], shape):
            by_key[key].append(number)
    return by_key


def _same(found: Sequence[Shape], one: Described, by_key: Mapping[tuple[Any, ...], deque[int]]) -> int | None:
    """The position of an object that a file describes again; each is found once."""
    for key in _keys(one.annotation, one.shape):
        candidates = by_key.get(key, deque())
        for number in islice(candidates, _MOST_ALIKE):
            if _is_same(found[number], one):
                candidates.remove(number)
                return number
    return None


def _keys(annotation: Mapping[str, Any], shape: Shape) -> list[tuple[Any, ...]]:
    """What an object is looked up by: its id, and its place in whole pixels."""
    key = id_key(annotation.get("id"))
    place = tuple(round(value) for value in shape.box or ())
    return [*([("id", key)] if key is not None else []), ("place", shape.category, place, len(shape.polygons))]


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
