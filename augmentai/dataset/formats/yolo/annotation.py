"""YOLO's label files: one line per object, numbers between 0 and 1 of the upright image's width and height.

A line is "class x y width height" (x and y are the centre), the same followed by a confidence, the same followed by
keypoints if data.yaml declares some, or "class x1 y1 x2 y2 x3 y3 ..." for a polygon, or for the four corners of a
rotated rectangle (OBB). Ultralytics measures images after applying their EXIF orientation, and so does this.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from augmentai.annotations import Keypoint, LabelError, Labels, Shape, box_around
from augmentai.dataset.bounds import image_bounds
from augmentai.dataset.file_tree import Entry
from augmentai.dataset.formats.guarded_load import POINTS_SETTING, check_lines, check_objects, guarded
from augmentai.dataset.formats.image_frame import image_frame
from augmentai.dataset.formats.yolo.classes import Classes

_TOLERANCE = 0.01  # beyond the edge: as much as rounding explains, and as Ultralytics accepts
_WORDS_WITH_CONFIDENCE = 6
_LINES_SAMPLED = 20
_CHARS_SAMPLED = 100_000
_CORNERS = 8  # numbers of a rotated box
_INSIDE = 0.55  # of a box's sides: half, and what rounding explains
_REACH = 0.75  # of a box's sides: how far from its centre a keypoint is expected


@dataclass(frozen=True, slots=True)
class YoloLabels:
    """Reads the labels of one image. text: its label file, None if it has none, which means that it has no objects."""

    image: Entry
    text: Entry | None
    classes: Classes

    @guarded
    def load(self) -> Labels:
        if self.text is None:
            return Labels(extra={"yolo": None})
        size_wh = image_frame(self.image).size_wh
        return labels_from_yolo(self.text.text(), self.text.path, self.classes, size_wh)


def labels_from_yolo(text: str, file: str, classes: Classes, size_wh: tuple[int, int]) -> Labels:
    """The labels in the text of one label file.

    Args:
        text: one line per object; blank lines are skipped.
        file: its path, for messages.
        classes: the names of the classes.
        size_wh: width and height of the upright image, in pixels.

    Raises:
        LabelError: a line cannot be parsed; the message names the file and the line.

    Example:
        >>> labels_from_yolo("0 0.5 0.5 0.2 0.4", "a.txt", Classes({0: "cat"}), (100, 50)).shapes[0].box
        (40.0, 15.0, 60.0, 35.0)
    """
    shapes = []
    check_lines(text, file)
    lines = text.splitlines()
    check_objects(sum(map(bool, map(str.strip, lines))), file)
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                shapes.append(shape_from_yolo(line.split(), classes, size_wh))
            except ValueError as error:
                raise LabelError(f"{file}, line {number}: {error}") from error
    return Labels(tuple(shapes), extra={"yolo": file})


def looks_like_yolo(text: str) -> bool:
    """Whether a text is a label file, as far as its first lines show: captions and lists of files are text as well.

    Example:
        >>> looks_like_yolo("0 0.5 0.5 0.2 0.2"), looks_like_yolo("a red car")
        (True, False)
    """
    lines = [line.split() for line in islice(filter(str.strip, text[:_CHARS_SAMPLED].splitlines()), _LINES_SAMPLED)]
    return bool(lines) and all(map(numbers_of, lines))


def numbers_of(words: list[str]) -> list[float]:
    """The numbers behind the class of a line, split into words; none if it is not a label file's."""
    try:
        values = parse_line(words)[1]
        if not is_pose(values):
            shape_from_yolo(words, Classes({}), (1, 1))
    except ValueError:
        return []
    return values


def is_pose(values: list[float]) -> bool:
    """Whether the numbers behind a class are a box and keypoints in it, each with a visibility of 0, 1 or 2."""
    if len(values) < 7 or (len(values) - 4) % 3 or not all(0 <= value <= 1 for value in values[:4]):
        return False
    x, y, w, h = values[:4]
    points = [values[start : start + 3] for start in range(4, len(values), 3)]
    return all(
        visibility in {0, 1, 2} and (not visibility or (abs(px - x) <= w * _REACH and abs(py - y) <= h * _REACH))
        for px, py, visibility in points
    )


def is_flat_pose(values: list[float]) -> bool:
    """Whether the numbers behind a class are a box and keypoints of two numbers that lie in it and fill it.

    Four corners of a rotated box have as many numbers as a box and two keypoints, so those are none.
    """
    if len(values) < 6 or len(values) % 2 or len(values) == _CORNERS or not all(0 <= value <= 1 for value in values):
        return False
    x, y, w, h = values[:4]
    points = [(px, py) for px, py in zip(values[4::2], values[5::2], strict=True) if px or py]
    if (
        not points
        or not w
        or not h
        or min(x - w / 2, y - h / 2) < -_TOLERANCE
        or max(x + w / 2, y + h / 2) > 1 + _TOLERANCE
    ):
        return False
    if any(abs(px - x) > _INSIDE * w or abs(py - y) > _INSIDE * h for px, py in points):
        return False
    spans = [(max(each) - min(each)) / side for each, side in zip(zip(*points, strict=True), (w, h), strict=True)]
    return len(points) == 1 or max(spans) >= _INSIDE


def shape_from_yolo(words: list[str], classes: Classes, size_wh: tuple[int, int]) -> Shape:
    """The object of one line, split into words.

    Raises:
        ValueError: the line cannot be parsed; the message says what was found and what was expected.
    """
    number, values = parse_line(words)
    if classes.names and number not in classes.names:
        raise ValueError(f"class {number} is not among the {len(classes.names)} names of {classes.file}")
    category = classes.name(number)
    extra: dict[str, Any] = {"yolo": " ".join(words)}
    width, height = size_wh
    is_pose = classes.keypoints and len(values) == 4 + classes.keypoints * classes.dimensions
    if len(values) in {4, 5} or is_pose:
        x, y, w, h = values[:4]
        _check_range(values[:4])
        if w < 0 or h < 0:
            raise ValueError(f"the box is {w:g} wide and {h:g} high; expected a width and a height above 0")
        box = ((x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height)
        keypoints = tuple(_keypoints(values[4:], classes.dimensions, size_wh)) if is_pose else ()
        return Shape(category, box, keypoints=keypoints, extra=extra, flip_order=classes.flip_order if is_pose else ())
    if classes.keypoints:
        raise ValueError(
            f"found {len(values)} numbers after the class; expected 4 (a box) or "
            f"{4 + classes.keypoints * classes.dimensions} (a box and {classes.keypoints} keypoints of "
            f"{classes.dimensions} numbers), as kpt_shape says"
        )
    if len(values) < 6 or len(values) % 2:
        raise ValueError(
            f"found {len(values)} numbers after the class; expected 4 (centre, width and height of a box) "
            "or three pairs or more (a polygon)"
        )
    _check_range(values)
    polygon = tuple((x * width, y * height) for x, y in zip(values[::2], values[1::2], strict=True))
    return Shape(
        category, box_around(polygon), (polygon,), extra=extra, oriented=classes.oriented and len(polygon) == 4
    )


def shape_to_yolo(shape: Shape, classes: Classes, size_wh: tuple[int, int], as_polygons: bool) -> list[str]:
    """The lines of one object. An object that did not move is written exactly as it was read.

    Args:
        shape: the object, in pixels.
        classes: the names of the classes, those that it was read with.
        size_wh: width and height of the image, in pixels.
        as_polygons: the file has polygons, so a box becomes one of four corners: Ultralytics reads a file as boxes or
            as polygons.

    Returns:
        One line, or one per polygon of an object in several parts; none for an object without box and polygons.
    """
    raw = shape.extra.get("yolo")
    if not isinstance(raw, str):
        return lines_of(shape, classes.number(shape.category), classes, size_wh, as_polygons)
    words = raw.split()
    if _has_not_moved(shape_from_yolo(words, classes, size_wh), shape):
        return [raw]
    number = classes.number(shape.category, int(float(words[0])))
    lines = lines_of(shape, number, classes, size_wh, as_polygons)
    has_confidence = len(words) == _WORDS_WITH_CONFIDENCE and not as_polygons
    return [f"{line} {words[-1]}" for line in lines] if has_confidence else lines


def lines_of(shape: Shape, number: int, classes: Classes, size_wh: tuple[int, int], as_polygons: bool) -> list[str]:
    """The lines of an object, as far as it is in the image.

    Args:
        shape: the object, in pixels.
        number: of its class.
        classes: says how many keypoints follow a box.
        size_wh: width and height of the image, in pixels.
        as_polygons: see `shape_to_yolo`.

    Example:
        >>> lines_of(Shape("car", (80, 10, 180, 30)), 0, Classes({}), (100, 80), as_polygons=False)
        ['0 0.9 0.25 0.2 0.25']
    """
    from augmentai.clipping import clip_shape  # loads shapely

    clipped = clip_shape(shape, size_wh)
    if clipped is None:
        return []
    width, height = size_wh
    polygons = clipped.polygons
    if not polygons and clipped.box is not None:
        x0, y0, x1, y1 = clipped.box
        if not as_polygons:
            values = ((x0 + x1) / 2 / width, (y0 + y1) / 2 / height, (x1 - x0) / width, (y1 - y0) / height)
            return [f"{number} " + " ".join(map(_fraction, values)) + _pose(clipped, classes, size_wh)]
        polygons = (((x0, y0), (x1, y0), (x1, y1), (x0, y1)),)
    return [
        f"{number} " + " ".join(f"{_fraction(x / width)} {_fraction(y / height)}" for x, y in polygon)
        for polygon in polygons
        if len(polygon) > 2
    ]


def parse_line(words: list[str]) -> tuple[int, list[float]]:
    """The class number of a line, split into words, and the numbers that follow it. Raises ValueError."""
    if len(words) // 2 > (most := image_bounds().points):
        raise ValueError(
            f"found an outline of {len(words) // 2:,} points; expected at most {most:,} ({POINTS_SETTING}), simplify it"
        )
    try:
        number, values = float(words[0]), [float(word) for word in words[1:]]
    except ValueError as error:
        raise ValueError(f'found "{" ".join(words)[:60]}"; expected a class number and coordinates') from error
    if not (number.is_integer() and number >= 0 and all(map(math.isfinite, values))):
        raise ValueError(f'found "{" ".join(words)[:60]}"; expected a whole class number and finite coordinates')
    return int(number), values


def _check_range(values: list[float]) -> None:
    outside = next((value for value in values if not -_TOLERANCE <= value <= 1 + _TOLERANCE), None)
    if outside is not None:
        raise ValueError(f"found {outside:g}; expected fractions of the image's width and height, 0 to 1, not pixels")


def _keypoints(values: list[float], dimensions: int, size_wh: tuple[int, int]) -> Iterator[Keypoint]:
    """Keypoints in pixels; a point at 0, 0 without a visibility is not labelled."""
    for start in range(0, len(values), dimensions):
        x, y = values[start : start + 2]
        visibility = values[start + 2] if dimensions == 3 else 2.0 * bool(x or y)
        yield x * size_wh[0], y * size_wh[1], visibility


def _pose(shape: Shape, classes: Classes, size_wh: tuple[int, int]) -> str:
    """The keypoints of an object as they follow its box; every line of a pose has the same number of them."""
    words = []
    missing = [(0.0, 0.0, 0.0)] * (classes.keypoints - len(shape.keypoints))
    for x, y, visibility in [*shape.keypoints, *missing][: classes.keypoints]:
        words += [_fraction(x / size_wh[0]), _fraction(y / size_wh[1])]
        words += [f"{visibility:g}"] if classes.dimensions == 3 else []
    return "".join(f" {word}" for word in words)


def _has_not_moved(before: Shape, now: Shape) -> bool:
    if before.box is None or now.box is None or before.category != now.category:
        return False
    old, new = ([*shape.box, *_coordinates(shape)] for shape in (before, now) if shape.box is not None)
    return len(old) == len(new) and all(abs(one - other) < 1e-6 for one, other in zip(old, new, strict=True))


def _coordinates(shape: Shape) -> Iterator[float]:
    for points in (*shape.polygons, shape.keypoints):
        for point in points:
            yield from point


def _fraction(value: float) -> str:
    return f"{min(max(value, 0.0), 1.0):.8f}".rstrip("0").rstrip(".")
