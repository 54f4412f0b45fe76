"""Any labelled set written as masks: images/, masks/ and classes.txt."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from augmentai.annotations import LabelError, Labels, Shape
from augmentai.dataset.atomic_files import OutputError
from augmentai.dataset.formats.base import Layout, OutputFile, StreamedFiles
from augmentai.dataset.formats.format_writer import FormatWriter
from augmentai.dataset.formats.masks.raster import filled
from augmentai.recipe import RecipeError
from augmentai.types import Source

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows

_BACKGROUND = "background"
_VALUES_IN_8_BITS = 256  # the last of them, and of 16 bits, is of no class: trainers ignore it (Pascal VOC)


class MaskWriter(FormatWriter):
    """Writes images/SPLIT/..., a PNG in masks/SPLIT/... for each, and classes.txt, whose first line is value 0.

    Raises:
        RecipeError: there are boxes alone.
    """

    def __init__(self, layout: Layout, sources: Sequence[Source]) -> None:
        super().__init__(layout, sources)
        if not any(map(has_outlines, sources)):
            raise RecipeError("the set has no outlines or masks")

    def image_path(self, source: Source) -> str:
        return "/".join(filter(None, ("images", source.split, self.bare_path(source))))

    def label_files(
        self, source: Source, file: str, labels: Labels | None, size_wh: tuple[int, int]
    ) -> list[OutputFile]:
        if labels is None:
            return []
        shapes = self.objects_without_keypoints(source, labels)
        if not all(map(_has_outline, shapes)):
            self.lose("the pixels of boxes without an outline are of no class (255): not all of a box is the object")
        path = PurePosixPath("masks", *PurePosixPath(file).parts[1:]).with_suffix(".png")
        return [(str(path), self._png(shapes, size_wh))]

    def dataset_files(self, rows: ImageRows) -> StreamedFiles:
        names = "".join(f"{name}\n" for name in self.values)
        yield "classes.txt", [names.encode("utf-8", "backslashreplace")]

    @property
    def values(self) -> tuple[str, ...]:
        """The class of each value."""
        return (_BACKGROUND, *(name for name in self.class_names if name.casefold() != _BACKGROUND))

    def _png(self, shapes: Sequence[Shape], size_wh: tuple[int, int]) -> bytes:
        numbers = {name: value for value, name in enumerate(self.values)}
        is_deep = len(numbers) >= _VALUES_IN_8_BITS
        values = np.zeros((size_wh[1], size_wh[0]), np.uint16 if is_deep else np.uint8)
        drawn = np.zeros(values.shape, bool)
        # Small objects are drawn over large ones, which would hide them; what is of no class is below all of them.
        areas = [(shape, _area(shape, size_wh)) for shape in shapes]
        for shape, area in sorted(areas, key=lambda one: (_has_outline(one[0]), -int(one[1].sum()))):
            if not _has_outline(shape):
                values[area] = np.iinfo(values.dtype).max
                continue
            if (drawn & area).any():
                self.lose("where objects overlap, the smaller one was kept: a pixel of a mask has one class")
            drawn |= area
            values[area] = self._value(shape.category, numbers)
        self.lose("objects of one class were merged: a mask has the class of each pixel")
        image = Image.fromarray(values) if is_deep else Image.fromarray(values, "P")
        if not is_deep:
            image.putpalette(_palette())
        buffer = io.BytesIO()
        image.save(buffer, "PNG", bits=16 if is_deep else 8, optimize=False)
        return buffer.getvalue()

    def _value(self, category: str, numbers: dict[str, int]) -> int:
        if category in numbers:
            return numbers[category]
        if category.casefold() == _BACKGROUND:
            return 0
        raise OutputError(
            f'the class "{category}" was not in the set when the run began; start again in another folder'
        )


def has_outlines(source: Source) -> bool:
    """Whether something in an image has an outline, or a mask shows it."""
    if source.labels is None:
        return False
    try:
        labels = source.labels.load()
    except (LabelError, OSError):
        return False  # reported when this image's turn comes
    return labels.mask is not None or any(map(_has_outline, labels.shapes))


def _has_outline(shape: Shape) -> bool:
    return shape.mask is not None or bool(shape.polygons)


def _area(shape: Shape, size_wh: tuple[int, int]) -> np.ndarray[Any, Any]:
    """The pixels of an object, else of its box; (height, width) of bool."""
    if shape.mask is not None:
        return np.asarray(shape.mask, bool)
    if shape.polygons or shape.box is None:
        return filled(shape.polygons, size_wh)
    x0, y0, x1, y1 = shape.box
    return filled([((x0, y0), (x1, y0), (x1, y1), (x0, y1))], size_wh)


def _palette() -> list[int]:
    """Pascal VOC's colours: bits 0, 1 and 2 of a value are the highest ones of red, green and blue, and so on."""
    return [
        sum((value >> (3 * bit + channel) & 1) << (7 - bit) for bit in range(3))
        for value in range(_VALUES_IN_8_BITS)
        for channel in range(3)
    ]
