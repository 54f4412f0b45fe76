"""Any labelled set written as COCO: SPLIT/... and annotations/instances_SPLIT.json."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from augmentai.annotations import Labels
from augmentai.dataset.formats.base import StreamedFiles
from augmentai.dataset.formats.coco.annotation import shape_to_coco
from augmentai.dataset.formats.format_writer import SPLITS, ListingWriter, class_number, json_bytes
from augmentai.images.orientation import read_size
from augmentai.types import Source

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows


class CocoWriter(ListingWriter):
    """Writes SPLIT/... and annotations/instances_SPLIT.json."""

    def image_path(self, source: Source) -> str:
        return f"{source.split or 'images'}/{self.bare_path(source)}"

    def record(self, source: Source, labels: Labels | None, size_wh: tuple[int, int]) -> Any:
        shapes = self.objects(source, labels)
        if any(shape.flip_order and len(shape.keypoints) > 1 for shape in shapes):
            self.lose("the file has no names of keypoints, so it does not say which left and right ones change places")
        annotations = [
            {"category": shape.category, **shape.extra.get("fields", {}), **shape_to_coco(shape)} for shape in shapes
        ]
        return {"size_wh": list(size_wh), "annotations": annotations}

    def dataset_files(self, rows: ImageRows) -> StreamedFiles:
        for split in (*SPLITS, None):
            if any(row.source.split == split for row in rows):
                yield f"annotations/instances{'_' + split if split else ''}.json", self._json(rows, split)

    def _json(self, rows: ImageRows, split: str | None) -> Iterator[bytes]:
        numbers = {name: number for number, name in enumerate(self.class_names, 1)}
        categories = [{"id": number, "name": name, "supercategory": ""} for name, number in numbers.items()]
        yield from head_with_images(rows, split, categories)
        total = 0
        for number, (_, record) in enumerate(self.records(rows, split), 1):
            for annotation in record["annotations"]:
                total += 1
                ids = {"id": total, "image_id": number, "category_id": class_number(annotation["category"], numbers)}
                own = {key: value for key, value in annotation.items() if key != "category"}
                yield (b",\n" if total > 1 else b"") + json_bytes({**own, **ids})
        yield b"\n]}\n"


def head_with_images(rows: ImageRows, split: str | None, categories: Sequence[Mapping[str, Any]]) -> Iterator[bytes]:
    """The beginning of a JSON file of COCO, up to the list of annotations, in pieces.

    Args:
        rows: the images of the set, each recorded with its "size_wh"; they are numbered from 1 in their order.
        split: the split that the file is of.
        categories: the classes as the file has them.
    """
    yield b'{"info": {}, "licenses": [],\n"categories": ' + json_bytes(categories) + b',\n"images": [\n'
    for number, row in enumerate((row for row in rows if row.source.split == split), 1):
        width, height = row.record["size_wh"] if row.record is not None else read_size(row.source)
        name = row.file.removeprefix(f"{split or 'images'}/")
        image = {"id": number, "file_name": name, "width": width, "height": height}
        yield (b",\n" if number > 1 else b"") + json_bytes(image)
    yield b'\n],\n"annotations": [\n'
