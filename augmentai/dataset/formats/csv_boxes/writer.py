"""Any labelled set written as CSV, as TensorFlow's object detection has it: SPLIT/... with _annotations.csv."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from augmentai.annotations import Labels
from augmentai.dataset.formats.base import StreamedFiles
from augmentai.dataset.formats.format_writer import SPLITS, ListingWriter
from augmentai.dataset.formats.label_values import rounded
from augmentai.dataset.formats.listed.csv_table import csv_lines
from augmentai.types import Source

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows

_HEADER = ("filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax")


class CsvWriter(ListingWriter):
    """Writes SPLIT/... with _annotations.csv, a row per object."""

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

    def _lines(self, rows: ImageRows, split: str | None, folder: str) -> Iterator[list[Any]]:
        yield list(_HEADER)
        for row, record in self.records(rows, split):
            for box in record["boxes"]:
                yield [row.file.removeprefix(folder), *record["size_wh"], *box]
