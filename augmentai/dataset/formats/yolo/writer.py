"""Any labelled set written as YOLO: images/SPLIT, labels/SPLIT and data.yaml."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from augmentai.annotations import Labels, Shape
from augmentai.dataset.formats.base import Layout, OutputFile, StreamedFiles
from augmentai.dataset.formats.format_writer import SPLITS, FormatWriter
from augmentai.dataset.formats.object_shapes import with_polygons
from augmentai.dataset.formats.yolo.annotation import NO_VALIDATION, Classes, data_yaml, shape_to_yolo
from augmentai.types import Source

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows

_DEFAULTS = {0, "", "Unspecified"}  # values of Pascal VOC's attributes that say nothing
# Fields of a COCO annotation that YOLO can express, or that COCO derives.
_COCO_FIELDS = {
    "id",
    "image_id",
    "category_id",
    "bbox",
    "area",
    "segmentation",
    "iscrowd",
    "keypoints",
    "num_keypoints",
}


class YoloWriter(FormatWriter):
    """Writes images/SPLIT, labels/SPLIT and data.yaml."""

    def __init__(self, layout: Layout, sources: Sequence[Source]) -> None:
        super().__init__(layout, sources)
        self._classes = Classes(dict(enumerate(self.class_names)), "data.yaml")

    def image_path(self, source: Source) -> str:
        return "/".join(filter(None, ("images", source.split, self.bare_path(source))))

    def label_files(
        self, source: Source, file: str, labels: Labels | None, size_wh: tuple[int, int]
    ) -> list[OutputFile]:
        if labels is None:
            return []
        shapes = [self._outlined(shape) for shape in self.objects_without_keypoints(source, labels)]
        polygons = any(shape.polygons for shape in shapes)
        if polygons and any(not shape.polygons for shape in shapes):
            self.lose("boxes next to polygons were written as four-corner polygons: YOLO takes one kind per image")
        lines = [line for shape in shapes for line in shape_to_yolo(shape, self._classes, size_wh, polygons)]
        path = "labels/" + file.removeprefix("images/").removesuffix(PurePosixPath(file).suffix) + ".txt"
        return [(path, "".join(line + "\n" for line in lines).encode())]

    def dataset_files(self, rows: ImageRows) -> StreamedFiles:
        content: dict[str, Any] = {split: f"images/{split}" for split in SPLITS if split in rows.splits}
        content.setdefault("train", "images")
        val_is_train = "val" not in content
        if val_is_train:
            content["val"] = content["train"]
            self.lose(NO_VALIDATION)
        content["names"] = dict(enumerate(self.class_names))
        yield "data.yaml", [data_yaml(content, val_is_train).encode()]

    def _outlined(self, shape: Shape) -> Shape:
        """The shape with polygons for its bitmap; what YOLO cannot say of it is reported."""
        extra = shape.extra.get("coco", {})
        if extra.get("iscrowd"):
            self.lose("crowds were written as single objects: YOLO has no crowds")
        if shape.mask is not None:
            self.lose("bitmaps (RLE) were written as the polygons around them")
        if len(shape.polygons) > 1:
            self.lose("objects in several parts became one object per part: YOLO has one polygon per line")
        if extra.keys() - _COCO_FIELDS or any(v not in _DEFAULTS for v in shape.extra.get("fields", {}).values()):
            self.lose("attributes of objects (difficult, truncated, own fields) were left out: YOLO has none")
        return with_polygons(shape)
