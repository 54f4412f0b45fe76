"""Any labelled set written as Hugging Face's ImageFolder: SPLIT/... with metadata.jsonl."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from augmentai.annotations import Labels
from augmentai.dataset.formats.base import Layout, StreamedFiles
from augmentai.dataset.formats.format_writer import ListingWriter, json_bytes
from augmentai.types import Source

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows


class ImageFolderWriter(ListingWriter):
    """Writes SPLIT/... with metadata.jsonl, boxes in "objects"."""

    needs_objects = False

    def __init__(self, layout: Layout, sources: Sequence[Source]) -> None:
        super().__init__(layout, sources)
        self.lose_unused_classes(sources)

    def image_path(self, source: Source) -> str:
        folder = {"val": "validation"}.get(source.split or "", source.split)
        return "/".join(filter(None, (folder, self.bare_path(source))))

    def record(self, source: Source, labels: Labels | None, size_wh: tuple[int, int]) -> Any:
        shapes = self.boxes(source, labels)
        corners = [shape.box for shape in shapes if shape.box is not None]
        boxes = [[round(v, 3) for v in (x0, y0, x1 - x0, y1 - y0)] for x0, y0, x1, y1 in corners]
        return {"objects": {"bbox": boxes, "categories": [shape.category for shape in shapes]}}

    def dataset_files(self, rows: ImageRows) -> StreamedFiles:
        folders = {None: "", "train": "train/", "val": "validation/", "test": "test/"}
        for split, folder in folders.items():
            if any(row.source.split == split for row in rows):
                yield f"{folder}metadata.jsonl", self._lines(rows, split, folder)

    def _lines(self, rows: ImageRows, split: str | None, folder: str) -> Iterator[bytes]:
        for row, record in self.records(rows, split):
            entry: dict[str, Any] = {"file_name": row.file.removeprefix(folder)}
            if row.source.label is not None:
                entry["label"] = row.source.label
            if self.layout.labelled:
                entry["objects"] = record["objects"]
            yield json_bytes(entry) + b"\n"
