"""Any labelled set written as VIA: SPLIT/... with via_region_data.json."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from augmentai.annotations import Labels
from augmentai.dataset.formats.base import StreamedFiles
from augmentai.dataset.formats.format_writer import SPLITS, ListingWriter, json_bytes
from augmentai.dataset.formats.via.annotation import new_regions
from augmentai.dataset.formats.via.attributes import ATTRIBUTES_FILE, attributes_of
from augmentai.dataset.formats.via.json_codec import written_file
from augmentai.types import Source

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows


class ViaWriter(ListingWriter):
    """Writes SPLIT/... with via_region_data.json, and via_attributes.json, which names the classes."""

    holds_lines = True
    holds_tags = True

    def record(self, source: Source, labels: Labels | None, size_wh: tuple[int, int]) -> Any:
        shapes = self.objects_without_keypoints(source, labels)
        tags = labels.extra.get("tags", ()) if labels is not None else ()
        regions = [region for shape in shapes for region in new_regions(shape, self.losses)]
        return {"regions": regions, "file_attributes": dict.fromkeys(tags, "1")}

    def dataset_files(self, rows: ImageRows) -> StreamedFiles:
        for split in (*SPLITS, None):
            if any(row.source.split == split for row in rows):
                folder = f"{split}/" if split else ""
                yield f"{folder}via_region_data.json", written_file(self._images(rows, split, folder))
        yield ATTRIBUTES_FILE, [json_bytes(attributes_of(self.class_names), indent=2)]

    def _images(self, rows: ImageRows, split: str | None, folder: str) -> Iterator[tuple[str, Any]]:
        for row, record in self.records(rows, split):
            name = row.file.removeprefix(folder)
            yield f"{name}{row.size_bytes}", {"filename": name, "size": row.size_bytes, **record}
