"""Any labelled set written as DOTA: SPLIT/images and SPLIT/labelTxt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from augmentai.annotations import Labels, Shape
from augmentai.dataset.formats.base import Layout, OutputFile
from augmentai.dataset.formats.dota.annotation import shape_to_dota
from augmentai.dataset.formats.format_writer import FormatWriter
from augmentai.dataset.formats.object_shapes import with_polygons
from augmentai.dataset.formats.rotated_boxes import fitted_corners
from augmentai.types import Source


class DotaWriter(FormatWriter):
    """Writes SPLIT/images and SPLIT/labelTxt, four corners for each object."""

    def __init__(self, layout: Layout, sources: Sequence[Source]) -> None:
        super().__init__(layout, sources)
        self.lose_unused_classes(sources)

    def image_path(self, source: Source) -> str:
        return "/".join(filter(None, (source.split, "images", self.bare_path(source))))

    def label_files(
        self, source: Source, file: str, labels: Labels | None, size_wh: tuple[int, int]
    ) -> list[OutputFile]:
        if labels is None:
            return []
        shapes = [self._with_corners(shape) for shape in self.objects_without_keypoints(source, labels)]
        lines = [shape_to_dota(shape, size_wh) for shape in shapes if shape.polygons]
        if "" in lines:
            self.lose("objects outside of their image were left out")
        before, _, after = file.rpartition("images/")
        path = PurePosixPath(f"{before}labelTxt/{after}").with_suffix(".txt").as_posix()
        return [(path, "".join(line + "\n" for line in lines if line).encode())]

    def _with_corners(self, shape: Shape) -> Shape:
        """The object with four corners; what DOTA cannot say of it is reported."""
        self.lose_attributes([shape], kept={"difficult"})
        if " " in shape.category:
            self.lose("spaces in class names were written as hyphens: DOTA has one word for a class")
        difficult = shape.extra.get("difficult", shape.extra.get("fields", {}).get("difficult"))
        extra = {"difficult": "1" if str(difficult) == "1" else "0"}
        outlined = with_polygons(shape)
        if shape.oriented and len(shape.polygons) == 1:
            corners = shape.polygons[0]
        elif outlined.polygons:
            self.lose("outlines were written as the smallest rotated box around them")
            corners = fitted_corners(*outlined.polygons)
        elif shape.box is not None:
            x0, y0, x1, y1 = shape.box
            corners = ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
        else:
            return replace(shape, polygons=())
        return replace(shape, polygons=(corners,), mask=None, extra=extra, oriented=True)
