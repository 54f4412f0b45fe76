"""Any labelled set written as YOLO: images/SPLIT, labels/SPLIT and data.yaml."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from augmentai.annotations import LabelError, Labels, Shape, box_around
from augmentai.dataset.formats.base import Layout, OutputFile, StreamedFiles
from augmentai.dataset.formats.format_writer import SPLITS, FormatWriter
from augmentai.dataset.formats.keypoint_order import Skeleton
from augmentai.dataset.formats.object_shapes import with_polygons
from augmentai.dataset.formats.yolo.annotation import lines_of
from augmentai.dataset.formats.yolo.classes import Classes
from augmentai.dataset.formats.yolo.data_yaml import NO_VALIDATION, data_yaml
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
_SOURCES_SAMPLED = 200


class YoloWriter(FormatWriter):
    """Writes images/SPLIT, labels/SPLIT and data.yaml.

    Ultralytics trains a set for one task: poses if most objects have keypoints, rotated boxes (OBB) if there are some
    and no other outlines, polygons if any object has one, else boxes. It drops every polygon of a set that has boxes as
    well, be it in another image.
    """

    def __init__(self, layout: Layout, sources: Sequence[Source]) -> None:
        super().__init__(layout, sources)
        self._skeletons = layout.skeletons()
        sample = _sample(sources)
        self._classes = _classes_of(sample, dict(enumerate(self.class_names)))
        self._in_polygons = not self._classes.keypoints and any(shape.has_outline for shape in sample)

    def image_path(self, source: Source) -> str:
        return "/".join(filter(None, ("images", source.split, self.bare_path(source))))

    def label_files(
        self, source: Source, file: str, labels: Labels | None, size_wh: tuple[int, int]
    ) -> list[OutputFile]:
        if labels is None:
            return []
        found = self.objects if self._classes.keypoints else self.objects_without_keypoints
        shapes = [self._as_written(shape) for shape in found(source, labels)]
        polygons = self._in_polygons or any(shape.polygons for shape in shapes)
        if polygons and any(not shape.polygons for shape in shapes):
            self.lose("boxes next to polygons were written as four-corner polygons: YOLO takes one kind per set")
        lines = []
        for shape in shapes:
            written = lines_of(shape, self._classes.number(shape.category), self._classes, size_wh, polygons)
            if not written and (shape.box or shape.polygons):
                self.lose("objects outside of their image were left out")
            lines += written
        path = "labels/" + file.removeprefix("images/").removesuffix(PurePosixPath(file).suffix) + ".txt"
        return [(path, "".join(line + "\n" for line in lines).encode())]

    def dataset_files(self, rows: ImageRows) -> StreamedFiles:
        content: dict[str, Any] = {split: f"images/{split}" for split in SPLITS if split in rows.splits}
        content.setdefault("train", "images")
        val_is_train = "val" not in content
        if val_is_train:
            content["val"] = content["train"]
            self.lose(NO_VALIDATION)
        if self._classes.keypoints:
            content["kpt_shape"] = [self._classes.keypoints, 3]
            if self._classes.flip_order:
                content["flip_idx"] = list(self._classes.flip_order)
            named = {n: list(self._names_of_keypoints(name)) for n, name in enumerate(self.class_names)}
            content |= {"kpt_names": named} if all(named.values()) else {}
        content["names"] = dict(enumerate(self.class_names))
        yield "data.yaml", [data_yaml(content, val_is_train).encode()]

    def _names_of_keypoints(self, category: str) -> tuple[str, ...]:
        names = self._skeletons.get(category, Skeleton()).names
        return names if len(names) == self._classes.keypoints else ()

    def _as_written(self, shape: Shape) -> Shape:
        """The shape with polygons for its bitmap, or the box of a pose; what YOLO cannot say of it is reported."""
        extra = shape.extra.get("coco", {})
        if extra.get("iscrowd"):
            self.lose("crowds were written as single objects: YOLO has no crowds")
        if extra.keys() - _COCO_FIELDS or any(v not in _DEFAULTS for v in shape.extra.get("fields", {}).values()):
            self.lose("attributes of objects (difficult, truncated, own fields) were left out: YOLO has none")
        if self._classes.keypoints:
            if shape.has_outline:
                self.lose("outlines were left out: a pose in YOLO has a box and keypoints")
            outlined = with_polygons(shape)
            box = shape.box or (box_around(*outlined.polygons) if outlined.polygons else None)
            return replace(shape, box=box, polygons=(), mask=None)
        if shape.mask is not None:
            self.lose("bitmaps (RLE) were written as the polygons around them")
        if len(shape.polygons) > 1:
            self.lose("objects in several parts became one object per part: YOLO has one polygon per line")
        return with_polygons(shape)


def _sample(sources: Sequence[Source]) -> list[Shape]:
    """The objects of some images of a set."""
    shapes: list[Shape] = []
    for source in sources[:: max(1, len(sources) // _SOURCES_SAMPLED)]:
        try:
            shapes += source.labels.load().shapes if source.labels is not None else ()
        except (LabelError, OSError):
            continue  # reported when this image's turn comes
    return shapes


def _classes_of(shapes: Sequence[Shape], names: dict[int, str]) -> Classes:
    """The classes, and the kind of lines that hold most of what these objects have."""
    poses = [shape for shape in shapes if shape.keypoints]
    if len(poses) * 2 > len(shapes):
        orders = {shape.flip_order for shape in poses}
        count = max(len(shape.keypoints) for shape in poses)
        return Classes(names, "data.yaml", count, flip_order=orders.pop() if len(orders) == 1 else ())
    outlined = [shape.oriented for shape in shapes if shape.has_outline]
    return Classes(names, "data.yaml", oriented=bool(outlined) and all(outlined))
