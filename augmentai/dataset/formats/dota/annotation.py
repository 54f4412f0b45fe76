"""DOTA's label files: "x1 y1 x2 y2 x3 y3 x4 y4 class difficult" on each line, corners in pixels.

The first lines may say where the image is from and how large a pixel is ("imagesource:GoogleEarth", "gsd:0.146").
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from augmentai.annotations import LabelError, Labels, Shape, box_around
from augmentai.dataset.file_tree import Entry
from augmentai.dataset.formats.guarded_load import check_objects, guarded
from augmentai.dataset.formats.image_frame import image_frame

_NUMBERS = 8
_LINES_SAMPLED = 20
_DECIMALS = 2  # of a pixel


@dataclass(frozen=True, slots=True)
class DotaLabels:
    """Reads the labels of one image. text: its label file, None if it has none, which means that it has no objects."""

    image: Entry
    text: Entry | None

    @guarded
    def load(self) -> Labels:
        if self.text is None:
            return Labels()
        image_frame(self.image)  # an image that cannot be read is reported with its own reason
        return labels_from_dota(self.text.text(), self.text.path)


def labels_from_dota(text: str, file: str) -> Labels:
    """The labels in the text of one label file.

    Args:
        text: one line per object, after lines such as "gsd:0.146".
        file: its path, for messages.

    Raises:
        LabelError: a line cannot be parsed; the message names the file and the line.

    Example:
        >>> labels_from_dota("gsd:0.1\\n0 0 4 0 4 2 0 2 small-vehicle 0", "a.txt").shapes[0].box
        (0.0, 0.0, 4.0, 2.0)
    """
    shapes = []
    header = []
    lines = text.splitlines()
    check_objects(sum(map(bool, map(str.strip, lines))), file)
    for number, line in enumerate(lines, 1):
        if _is_header(line):
            header.append(line)
        elif line.strip():
            try:
                shapes.append(shape_from_dota(line))
            except ValueError as error:
                raise LabelError(f"{file}, line {number}: {error}") from error
    return Labels(tuple(shapes), extra={"dota": header})


def shape_from_dota(line: str) -> Shape:
    """The object of one line. Raises ValueError."""
    words = line.split()
    try:
        values = [float(word) for word in words[:_NUMBERS]]
    except ValueError:
        values = []
    if len(words) <= _NUMBERS or len(values) < _NUMBERS or not all(map(math.isfinite, values)):
        raise ValueError(f'found "{line.strip()[:60]}"; expected x and y of four corners in pixels, then a class')
    category = words[_NUMBERS:]
    difficult = category.pop() if len(category) > 1 and category[-1].isdigit() else ""
    corners = tuple(zip(values[::2], values[1::2], strict=True))
    extra = {"dota": line.strip(), "difficult": difficult}
    return Shape(" ".join(category), box_around(corners), (corners,), extra=extra, oriented=True)


def shape_to_dota(shape: Shape, size_wh: tuple[int, int]) -> str:
    """The line of an object of four corners; "" if nothing of it is in the image.

    An object that did not move is written exactly as it was read.
    """
    raw = shape.extra.get("dota")
    if isinstance(raw, str) and shape_from_dota(raw).polygons == shape.polygons:
        return raw
    from augmentai.clipping import clip_shape  # loads shapely

    clipped = clip_shape(shape, size_wh)
    if clipped is None:
        return ""
    numbers = " ".join(_number(value) for corner in clipped.polygons[0] for value in corner)
    return " ".join(filter(None, (numbers, "-".join(shape.category.split()), shape.extra.get("difficult", "0"))))


def looks_like_dota(text: str) -> bool:
    """Whether a text is a label file of DOTA, as far as its first lines show.

    Example:
        >>> looks_like_dota("0 0 4 0 4 2 0 2 plane 0"), looks_like_dota("0 0.5 0.5 0.2 0.2 0.3 0.4 0.5 0.6")
        (True, False)
    """
    lines = [line for line in text.splitlines() if line.strip() and not _is_header(line)][:_LINES_SAMPLED]
    try:
        shapes = [shape_from_dota(line) for line in lines]
    except ValueError:
        return False
    return bool(shapes) and not any(_is_number(shape.category) for shape in shapes)


def _is_header(line: str) -> bool:
    key, separator, _ = line.partition(":")
    return bool(separator) and key.strip().isalpha()


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _number(value: float) -> str:
    return f"{value:.{_DECIMALS}f}".rstrip("0").rstrip(".")
