"""Any labelled set written as COCO: SPLIT/... and annotations/instances_SPLIT.json."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from augmentai.annotations import Labels
from augmentai.dataset.formats.base import Layout, StreamedFiles
from augmentai.dataset.formats.coco.annotation import shape_to_coco
from augmentai.dataset.formats.coco.values import PERSON
from augmentai.dataset.formats.format_writer import SPLITS, ListingWriter, class_number, json_bytes
from augmentai.dataset.formats.keypoint_order import Skeleton, flip_order
from augmentai.images.orientation import read_size
from augmentai.types import Source

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows


class CocoWriter(ListingWriter):
    """Writes SPLIT/... and annotations/instances_SPLIT.json."""

    def __init__(self, layout: Layout, sources: Sequence[Source]) -> None:
        super().__init__(layout, sources)
        self._skeletons = layout.skeletons()

    def image_path(self, source: Source) -> str:
        return f"{source.split or 'images'}/{self.bare_path(source)}"

    def record(self, source: Source, labels: Labels | None, size_wh: tuple[int, int]) -> Any:
        shapes = self.objects(source, labels)
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
        points: Counter[str] = Counter()
        yield from head_with_images(rows, split)
        total = 0
        for number, (_, record) in enumerate(self.records(rows, split), 1):
            for annotation in record["annotations"]:
                total += 1
                ids = {"id": total, "image_id": number, "category_id": class_number(annotation["category"], numbers)}
                own = {key: value for key, value in annotation.items() if key != "category"}
                count = len(own.get("keypoints", ())) // 3
                points[annotation["category"]] = max(points[annotation["category"]], count)
                yield (b",\n" if total > 1 else b"") + json_bytes({**own, **ids})
        yield tail_with_categories(
            {"id": number, "name": name, "supercategory": "", **self._keypoints(name, points[name])}
            for name, number in numbers.items()
        )

    def _keypoints(self, category: str, count: int) -> dict[str, Any]:
        """What a category says of its keypoints. count: how many its objects have; 0 if there are none."""
        known = self._skeletons.get(category, Skeleton())
        count = max(count, len(known.names), len(known.flip_order))
        if not count:
            return {}
        names = known.names
        if not names and category.casefold() == "person" and known.flip_order == flip_order(PERSON):
            names = PERSON
        names = (*names, *(f"keypoint_{number}" for number in range(len(names) + 1, count + 1)))
        says = {"keypoints": list(names), "skeleton": [list(edge) for edge in known.edges]}
        # COCO has no field for it: tools go by the names. This one is called as in YOLO's data.yaml.
        return says | ({"flip_idx": list(known.flip_order)} if known.flip_order != flip_order(names) else {})


def head_with_images(rows: ImageRows, split: str | None) -> Iterator[bytes]:
    """The beginning of a JSON file of COCO, up to the list of annotations, in pieces.

    Args:
        rows: the images of the set, each recorded with its "size_wh"; they are numbered from 1 in their order.
        split: the split that the file is of.
    """
    yield b'{"info": {}, "licenses": [],\n"images": [\n'
    for number, row in enumerate((row for row in rows if row.source.split == split), 1):
        width, height = row.record["size_wh"] if row.record is not None else read_size(row.source)
        name = row.file.removeprefix(f"{split or 'images'}/")
        image = {"id": number, "file_name": name, "width": width, "height": height}
        yield (b",\n" if number > 1 else b"") + json_bytes(image)
    yield b'\n],\n"annotations": [\n'


def tail_with_categories(categories: Iterable[Mapping[str, Any]]) -> bytes:
    """The end of such a file, behind the last annotation."""
    return b'\n],\n"categories": ' + json_bytes(list(categories)) + b"}\n"
