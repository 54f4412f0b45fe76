"""Any labelled set written as CSV, as TensorFlow's object detection has it: SPLIT/... with _annotations.csv."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from augmentai.annotations import Labels
from augmentai.dataset.formats.base import Layout, StreamedFiles
from augmentai.dataset.formats.format_writer import SPLITS, ListingWriter
from augmentai.dataset.formats.label_values import rounded
from augmentai.dataset.formats.listed.csv_table import csv_lines
from augmentai.types import Source

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows

_HEADER = ("filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax")


class CsvWriter(ListingWriter):
    """Writes SPLIT/... with _annotations.csv, a row per object, and classes.csv, which numbers the classes."""

    def __init__(self, layout: Layout, sources: Sequence[Source]) -> None:
        super().__init__(layout, sources)
        # A class that is called by a number would be taken for that of another class.
        self._numbered = not any(name.isdecimal() for name in self.class_names)
        if not self._numbered:
            self.lose_unused_classes(sources)

    def record(self, source: Source, labels: Labels | None, size_wh: tuple[int, int]) -> Any:
        shapes = self.boxes(source, labels)
        if not shapes:
            self.lose("images without objects have no row: this CSV names images by their objects")
        boxes = [[shape.category, *map(rounded, shape.box or ())] for shape in shapes]
        return {"size_wh": list(size_wh), "boxes": boxes}

    def dataset_files(self, rows: ImageRows) -> StreamedFiles:
        for split in (*SPLITS, None):
            if any(row.source.split == split for row in rows):
                folder = f"{split}/" if split else ""
                yield f"{folder}_annotations.csv", csv_lines(self._lines(rows, split, folder))
        if self._numbered:
            yield "classes.csv", csv_lines([name, str(number)] for number, name in enumerate(self.class_names))

    def _lines(self, rows: ImageRows, split: str | None, folder: str) -> Iterator[list[Any]]:
        yield list(_HEADER)
        for row, record in self.records(rows, split):
            for box in record["boxes"]:
                yield [row.file.removeprefix(folder), *record["size_wh"], *box]
