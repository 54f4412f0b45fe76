"""Any labelled set written as masks: images/, masks/ and classes.txt."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from augmentai.annotations import Labels, Shape
from augmentai.dataset.formats.base import OutputFile, StreamedFiles
from augmentai.dataset.formats.format_writer import FormatWriter, class_number
from augmentai.dataset.formats.masks.palette import voc_color
from augmentai.dataset.formats.masks.raster import filled, pixels_of
from augmentai.types import Source

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows

_BACKGROUND = "background"
_VALUES_IN_8_BITS = 256  # the last of them, and of 16 bits, is of no class: trainers ignore it (Pascal VOC)


class MaskWriter(FormatWriter):
    """Writes images/SPLIT/..., a PNG in masks/SPLIT/... for each, and classes.txt, whose first line is value 0."""

    needs_outlines = True

    def image_path(self, source: Source) -> str:
        return "/".join(filter(None, ("images", source.split, self.bare_path(source))))

    def label_files(
        self, source: Source, file: str, labels: Labels | None, size_wh: tuple[int, int]
    ) -> list[OutputFile]:
        if labels is None:
            return []
        shapes = self.objects_without_keypoints(source, labels)
        self.lose_attributes(shapes)
        if not all(shape.has_outline for shape in shapes):
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
        for shape, area in sorted(areas, key=lambda one: (one[0].has_outline, -int(one[1].sum()))):
            if not shape.has_outline:
                values[area] = np.iinfo(values.dtype).max
                continue
            if (drawn & area).any():
                self.lose("where objects overlap, the smaller one was kept: a pixel of a mask has one class")
            drawn |= area
            is_background = shape.category.casefold() == _BACKGROUND
            values[area] = 0 if is_background else class_number(shape.category, numbers)
        self.lose("objects of one class were merged: a mask has the class of each pixel")
        image = Image.fromarray(values) if is_deep else Image.fromarray(values, "P")
        if not is_deep:
            image.putpalette(_palette())
        buffer = io.BytesIO()
        image.save(buffer, "PNG", bits=16 if is_deep else 8, optimize=False)
        return buffer.getvalue()


def _area(shape: Shape, size_wh: tuple[int, int]) -> np.ndarray[Any, Any]:
    """The pixels of an object, else of its box; (height, width) of bool."""
    if shape.has_outline or shape.box is None:
        return pixels_of(shape, size_wh)
    x0, y0, x1, y1 = shape.box
    return filled([((x0, y0), (x1, y0), (x1, y1), (x0, y1))], size_wh)


def _palette() -> list[int]:
    """Pascal VOC's colours."""
    return [channel for value in range(_VALUES_IN_8_BITS) for channel in voc_color(value)]
