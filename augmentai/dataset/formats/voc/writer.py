"""Any labelled set written as Pascal VOC: JPEGImages, Annotations and ImageSets/Main."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from augmentai.annotations import Labels
from augmentai.dataset.formats.base import OutputFile, StreamedFiles
from augmentai.dataset.formats.declared_classes import class_file
from augmentai.dataset.formats.drawn_shapes import foreign_attributes
from augmentai.dataset.formats.format_writer import SPLITS, FormatWriter
from augmentai.dataset.formats.voc.annotation import labels_to_voc
from augmentai.types import Source

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows


class VocWriter(FormatWriter):
    """Writes JPEGImages, Annotations, ImageSets/Main, and labelmap.txt, which names the classes."""

    def image_path(self, source: Source) -> str:
        return "JPEGImages/" + self.bare_path(source).replace("/", "_")

    def label_files(
        self, source: Source, file: str, labels: Labels | None, size_wh: tuple[int, int]
    ) -> list[OutputFile]:
        if labels is None:
            return []
        shapes = [shape for shape in self.objects_without_keypoints(source, labels) if shape.box is not None]
        if any(shape.has_outline for shape in shapes):
            self.lose("polygons and bitmaps were written as the boxes around them: Pascal VOC has boxes")
        if any(foreign_attributes(shape).keys() - {"iscrowd"} for shape in shapes):
            self.lose("attributes of objects were left out: Pascal VOC has no place for those of other tools")
        data = labels_to_voc(Labels(tuple(shapes)), None, file, size_wh, moved=False)
        return [(f"Annotations/{PurePosixPath(file).stem}.xml", data)]

    def dataset_files(self, rows: ImageRows) -> StreamedFiles:
        name, content = class_file(self.class_names)
        yield name, [content]
        splits = rows.splits
        for split in SPLITS if splits else ("train",):
            listed = (row for row in rows if not splits or row.source.split == split)
            if not splits or split in splits:
                yield f"ImageSets/Main/{split}.txt", (f"{PurePosixPath(row.file).stem}\n".encode() for row in listed)
