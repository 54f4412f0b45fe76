"""Any labelled set written as CVAT for images 1.1: images/SPLIT/... and annotations.xml."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from augmentai.annotations import Labels
from augmentai.dataset.formats.base import StreamedFiles
from augmentai.dataset.formats.cvat.annotation import new_elements
from augmentai.dataset.formats.cvat.codec import written_file
from augmentai.dataset.formats.format_writer import SPLITS, ListingWriter
from augmentai.types import Source

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows

_FOLDER = "images/"


class CvatWriter(ListingWriter):
    """Writes images/SPLIT/... and annotations.xml, in which splits are subsets."""

    holds_lines = True
    holds_tags = True

    def image_path(self, source: Source) -> str:
        return _FOLDER + super().image_path(source)

    def record(self, source: Source, labels: Labels | None, size_wh: tuple[int, int]) -> Any:
        elements: list[Element] = []
        for number, shape in enumerate(self.objects_without_keypoints(source, labels), 1):
            pieces = new_elements(shape)
            for piece in pieces if len(pieces) > 1 else ():
                piece.set("group_id", str(number))
            elements += pieces
        tags = labels.extra.get("tags", ()) if labels is not None else ()
        elements += [Element("tag", {"label": tag, "source": "manual"}) for tag in tags]
        written = [ElementTree.tostring(one, "unicode") for one in elements]
        return {"size_wh": list(size_wh), "elements": written, "tags": list(tags)}

    def dataset_files(self, rows: ImageRows) -> StreamedFiles:
        meta = Element("meta")
        splits = [split for split in SPLITS if split in rows.splits]
        whole = SubElement(meta, "project" if splits else "task")  # a task has one subset alone
        labels = SubElement(whole, "labels")
        records = (record for split in (*SPLITS, None) for _, record in self.records(rows, split))
        tags = sorted({tag for record in records for tag in record["tags"]})  # CVAT refuses what is not declared
        for name in dict.fromkeys((*self.class_names, *tags)):
            SubElement(SubElement(labels, "label"), "name").text = name
        for split in splits:
            tasks = whole.find("tasks")
            SubElement(
                SubElement(SubElement(whole, "tasks") if tasks is None else tasks, "task"), "subset"
            ).text = split
        head = ["<version>1.1</version>", ElementTree.tostring(meta, "unicode")]
        yield "annotations.xml", written_file(head, self._images(rows), -1)

    def _images(self, rows: ImageRows) -> Iterator[str]:
        for split in (*SPLITS, None):
            for row, record in self.records(rows, split):
                width, height = record["size_wh"]
                image = Element("image", {"name": row.file.removeprefix(_FOLDER)})
                if split is not None:
                    image.set("subset", split)
                image.attrib |= {"width": str(width), "height": str(height)}
                image.extend(ElementTree.fromstring(text) for text in record["elements"])
                yield ElementTree.tostring(image, "unicode")
