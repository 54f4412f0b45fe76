"""YOLO's label files: one line a thing, numbers between 0 and 1 of the upright picture's width and height.

A line is "class x y width height" (its centre), the same with a confidence behind, the same with keypoints where
data.yaml tells of them, or "class x1 y1 x2 y2 x3 y3 ..." for a polygon. Ultralytics measures pictures after EXIF has
turned them, and so does this.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from augmentai.annotations import LabelError, Labels, Point, Shape
from augmentai.dataset.file_tree import Entry
from augmentai.images.orientation import read_frame

STANDS_IN = (
    "the set has no validation pictures, and Ultralytics asks for some: data.yaml names those for training as val too; "
    "name your own there before you believe what it measures"
)
_HEAD = """# This set has no validation pictures, and Ultralytics asks for some: those for training stand in for them.
# Name your own as val before you believe what it measures.
"""
_SLACK = 0.01  # as much beyond the edge as rounding explains, and as Ultralytics forgives


@dataclass(frozen=True, slots=True)
class Classes:
    """The names of a set's classes by number; empty where nothing names them.

    keypoints: how many stand behind the box of a pose, with so many `dimensions` each: 2, or 3 with whether it is seen.
    """

    names: dict[int, str]
    file: str = ""
    keypoints: int = 0
    dimensions: int = 3

    def name(self, number: int) -> str:
        return self.names.get(number, str(number))

    def number(self, category: str) -> int:
        found = next((number for number, name in self.names.items() if name == category), None)
        return int(category) if found is None else found


@dataclass(frozen=True, slots=True)
class YoloLabels:
    """Labels of one picture. text: its label file, None where it has none, which says that there is nothing on it."""

    picture: Entry
    text: Entry | None
    classes: Classes

    def load(self) -> Labels:
        if self.text is None:
            return Labels(extra={"yolo": None})
        with self.picture.open() as stream:
            size_wh = read_frame(stream).size_wh
        return parse(self.text.text(), self.text.path, self.classes, size_wh)


def parse(text: str, file: str, classes: Classes, size_wh: tuple[int, int]) -> Labels:
    """Labels out of the text of one file. Raises LabelError with the line."""
    shapes = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                shapes.append(_shape(line.split(), classes, size_wh))
            except ValueError as error:
                raise LabelError(f"{file}, line {number}: {error}") from error
    return Labels(tuple(shapes), extra={"yolo": file})


def yaml_of(content: dict[str, Any], stands_in: bool) -> str:
    """The text of data.yaml. stands_in: the training pictures are named for validation too, which its head says."""
    import yaml

    return _HEAD * stands_in + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=10**6)


def looks_right(text: str) -> bool:
    """Whether this is a label file, as far as its lines tell: captions and lists of files are text as well."""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    try:
        return bool(lines) and all(_shape(words, Classes({}), (1, 1)) for words in lines[:20])
    except ValueError:
        return False


def _shape(words: list[str], classes: Classes, size_wh: tuple[int, int]) -> Shape:
    number, values = _numbers(words)
    if classes.names and number not in classes.names:
        raise ValueError(f"class {number} is not among the {len(classes.names)} names of {classes.file}")
    category = classes.name(number)
    extra: dict[str, Any] = {"yolo": " ".join(words)}
    width, height = size_wh
    is_pose = classes.keypoints and len(values) == 4 + classes.keypoints * classes.dimensions
    if len(values) in {4, 5} or is_pose:
        x, y, w, h = values[:4]
        _within(values[:4])
        if w < 0 or h < 0:
            raise ValueError(f"the box is {w:g} wide and {h:g} high; expected a width and a height above 0")
        box = ((x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height)
        if is_pose:
            extra["keypoints"] = _triples(values[4:], classes.dimensions, size_wh)
        return Shape(category, box, extra=extra)
    if len(values) < 6 or len(values) % 2:
        raise ValueError(
            f"found {len(values)} numbers behind the class; expected 4 (centre, width and height of a box) "
            "or three pairs and more (a polygon)"
        )
    _within(values)
    ring = tuple((x * width, y * height) for x, y in zip(values[::2], values[1::2], strict=True))
    return Shape(category, bounds(ring), (ring,), extra=extra)


def _numbers(words: list[str]) -> tuple[int, list[float]]:
    try:
        number, values = float(words[0]), [float(word) for word in words[1:]]
    except ValueError as error:
        raise ValueError(f'found "{" ".join(words)[:60]}"; expected a class number and positions') from error
    if not (number.is_integer() and number >= 0 and all(map(math.isfinite, values))):
        raise ValueError(f'found "{" ".join(words)[:60]}"; expected a whole class number and finite positions')
    return int(number), values


def _within(values: list[float]) -> None:
    outside = next((value for value in values if not -_SLACK <= value <= 1 + _SLACK), None)
    if outside is not None:
        raise ValueError(f"found {outside:g}; expected shares of the picture's width and height, 0 to 1, not pixels")


def bounds(ring: tuple[Point, ...]) -> tuple[float, float, float, float]:
    """The box around a polygon."""
    xs, ys = [x for x, _ in ring], [y for _, y in ring]
    return min(xs), min(ys), max(xs), max(ys)


def lines_of(shape: Shape, classes: Classes, size_wh: tuple[int, int], polygons: bool) -> list[str]:
    """The lines of one thing: what did not move is written as it stood.

    polygons: the file holds polygons, so a box becomes one of four corners: Ultralytics reads a file as one kind or the
    other. A thing in several pieces takes a line for each.
    """
    raw = shape.extra.get("yolo")
    if isinstance(raw, str):
        before = _shape(raw.split(), classes, size_wh)
        if _same(before, shape):
            return [raw]
    number = classes.number(shape.category)
    width, height = size_wh
    if shape.polygons:
        rings = shape.polygons
    elif shape.box is None:
        return []
    elif polygons:
        x0, y0, x1, y1 = shape.box
        rings = (((x0, y0), (x1, y0), (x1, y1), (x0, y1)),)
    else:
        x0, y0, x1, y1 = shape.box
        values = ((x0 + x1) / 2 / width, (y0 + y1) / 2 / height, (x1 - x0) / width, (y1 - y0) / height)
        return [f"{number} " + " ".join(map(_share, values)) + _pose(shape, classes, size_wh)]
    return [
        f"{number} " + " ".join(f"{_share(x / width)} {_share(y / height)}" for x, y in ring)
        for ring in rings
        if len(ring) > 2
    ]


def _triples(values: list[float], dimensions: int, size_wh: tuple[int, int]) -> list[float]:
    """Keypoints as COCO has them: x and y in pixels, and 2 where it is seen; what YOLO leaves at 0, 0 nobody marked."""
    found: list[float] = []
    for at in range(0, len(values), dimensions):
        x, y = values[at : at + 2]
        seen = values[at + 2] if dimensions == 3 else 2.0 * bool(x or y)
        found += [x * size_wh[0], y * size_wh[1], seen]
    return found


def _pose(shape: Shape, classes: Classes, size_wh: tuple[int, int]) -> str:
    points: list[float] = shape.extra.get("keypoints", []) if classes.keypoints else []
    words = []
    for x, y, seen in zip(points[::3], points[1::3], points[2::3], strict=True):
        words += [_share(x / size_wh[0]), _share(y / size_wh[1]), *([f"{seen:g}"] if classes.dimensions == 3 else [])]
    return "".join(f" {word}" for word in words)


def _same(before: Shape, now: Shape) -> bool:
    if before.box is None or now.box is None or before.category != now.category:
        return False
    flat = [*before.box, *(value for ring in before.polygons for point in ring for value in point)]
    after = [*now.box, *(value for ring in now.polygons for point in ring for value in point)]
    return len(flat) == len(after) and all(abs(one - other) < 1e-6 for one, other in zip(flat, after, strict=True))


def _share(value: float) -> str:
    return f"{min(max(value, 0.0), 1.0):.8f}".rstrip("0").rstrip(".")
