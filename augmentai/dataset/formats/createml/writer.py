"""Any labelled set written as CreateML: SPLIT/... with _annotations.createml.json."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from augmentai.annotations import Labels
from augmentai.dataset.formats.base import Layout, StreamedFiles
from augmentai.dataset.formats.createml.codec import new_annotation, written_file
from augmentai.dataset.formats.format_writer import SPLITS, ListingWriter
from augmentai.types import Source

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows


class CreateMlWriter(ListingWriter):
    """Writes SPLIT/... with _annotations.createml.json."""

    def __init__(self, layout: Layout, sources: Sequence[Source]) -> None:
        super().__init__(layout, sources)
        self.lose_unused_classes(sources)

    def record(self, source: Source, labels: Labels | None, size_wh: tuple[int, int]) -> Any:
        return {"annotations": [new_annotation(shape) for shape in self.boxes(source, labels)]}

    def dataset_files(self, rows: ImageRows) -> StreamedFiles:
        for split in (*SPLITS, None):
            if any(row.source.split == split for row in rows):
                folder = f"{split}/" if split else ""
                yield f"{folder}_annotations.createml.json", written_file(self._entries(rows, split, folder))

    def _entries(self, rows: ImageRows, split: str | None, folder: str) -> Iterator[Any]:
        for row, record in self.records(rows, split):
            yield {"image": row.file.removeprefix(folder), "annotations": record["annotations"]}
