"""Any labelled set written in another layout. What that layout cannot hold is said, never dropped in silence."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar

from augmentai.annotations import LabelError, Labels, Shape
from augmentai.dataset.formats.base import Closing, File, LabelWriter, Layout
from augmentai.dataset.formats.coco.annotation import annotation_of
from augmentai.dataset.formats.shape_conversion import classes_of, things_of, with_polygons
from augmentai.dataset.formats.splits import split_named
from augmentai.dataset.formats.voc.annotation import xml_of
from augmentai.dataset.formats.yolo.annotation import STANDS_IN, Classes, lines_of, yaml_of
from augmentai.dataset.readers.file_tree import parent
from augmentai.dataset.writers.atomic_files import OutputError
from augmentai.images.orientation import read_size
from augmentai.recipe import RecipeError
from augmentai.types import Source

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import Row, Rows

_PHOTO_FOLDER = re.compile(r"(?i)^(images?|imgs?|jpegimages)$")
_SPLITS = ("train", "val", "test")
_USUAL = {0, "", "Unspecified"}  # what an attribute of Pascal VOC says where it says nothing
_OWN_FIELDS = {"id", "image_id", "category_id", "bbox", "area", "segmentation", "iscrowd", "keypoints", "num_keypoints"}


def converter(layout: Layout, to: str, sources: Sequence[Source]) -> LabelWriter:
    """What writes a set of `layout` as `to`. Reads the labels of every source once, to know their classes.

    Raises RecipeError where there is nothing that `to` could hold.
    """
    if layout.whole is None:  # a later job over some of the sources goes by the same numbers and places
        of_interest = to != "imagefolder" or layout.name == "masks"
        categories = _categories(layout, sources) if of_interest else []
        folder_classes = _folder_classes(layout, sources) if len(categories) == 1 else []
        folders = {parent(_bare(source)) for source in sources} or {""}
        wrapping = len(PurePosixPath(posixpath.commonpath(folders)).parts)
        layout.whole = folder_classes or categories, bool(folder_classes), wrapping
    categories, by_folder, wrapping = layout.whole
    if to == "imagefolder":
        return ToImageFolder(layout, wrapping, categories, by_folder)
    if not categories:
        raise RecipeError(
            f"to is {to}, and the set has no boxes, polygons or masks to write; expected same or imagefolder"
        )
    writers: dict[str, Callable[..., LabelWriter]] = {"yolo": ToYolo, "coco": ToCoco, "voc": ToVoc}
    return writers[to](layout, wrapping, categories, by_folder)


def _categories(layout: Layout, sources: Sequence[Source]) -> list[str]:
    """Every class of the set: in its own order where the set has one, else as people sort them."""
    found = dict.fromkeys(layout.categories_known())
    if not found:
        seen: set[str] = set()
        for source in sources:
            if source.labels is not None:
                try:
                    seen |= classes_of(source.labels.load())
                except (LabelError, OSError):
                    continue  # told when this picture's turn comes
        found = dict.fromkeys(
            sorted(seen, key=lambda name: (not name.isdigit(), int(name) if name.isdigit() else 0, name))
        )
    return list(found)


def _folder_classes(layout: Layout, sources: Sequence[Source]) -> list[str]:
    """The class folders of masks that tell but thing from background: what the thing is, its folder says.

    Folders without a thing are no class.
    """
    if layout.name != "masks" or any(source.label is None for source in sources):
        return []
    found: set[str] = set()
    for source in sources:
        if source.label is not None and source.label not in found and source.labels is not None:
            try:
                if classes_of(source.labels.load()):
                    found.add(source.label)
            except (LabelError, OSError):
                continue  # told when this picture's turn comes
    return sorted(found)


def _bare(source: Source) -> str:
    """The path of a picture without folders that are splits, or called "images"."""
    *folders, name = source.path.split("/")
    kept = [f for f in folders if not _PHOTO_FOLDER.match(f) and not (source.split and split_named(f))]
    return "/".join((*kept, name))


class _Converter:
    """What the converters share: where pictures go, and what could not be held."""

    flat: ClassVar[bool] = False

    def __init__(self, layout: Layout, wrapping: int, categories: Sequence[str], by_folder: bool) -> None:
        self._wrapping, self._by_folder = wrapping, by_folder
        self.losses: dict[str, None] = {}
        self.categories = categories
        self._layout = layout
        self._last: tuple[Labels | None, tuple[Shape, ...]] = (None, ())

    def files(self, source: Source, file: str, labels: Labels | None, size_wh: tuple[int, int]) -> list[File]:
        return []

    def record(self, source: Source, labels: Labels | None, size_wh: tuple[int, int]) -> Any:
        return None

    def closing(self, rows: Rows) -> Closing:
        yield from ()

    def _rest(self, source: Source) -> str:
        """The path of a picture without folders that hold the whole set, a split, or pictures as such."""
        return "/".join(_bare(source).split("/")[self._wrapping :])

    def _things(self, source: Source, labels: Labels | None) -> list[Shape]:
        if labels is None:
            return []
        if labels is not self._last[0]:  # the variations of one source follow each other, and outlines take their time
            shapes_of = things_of(labels)
            if self._by_folder and source.label is not None:
                shapes_of = tuple(replace(shape, category=source.label) for shape in shapes_of)
            self._last = labels, shapes_of
        shapes = list(self._last[1])
        if labels.shapes and labels.mask is not None:
            self._lost("the masks beside the boxes were left out")
        return shapes

    def _without_keypoints(self, shapes: list[Shape]) -> list[Shape]:
        if any(shape.extra.get("keypoints") for shape in shapes):
            self._lost("keypoints were left out: only COCO has them here")
        return shapes

    def _lost(self, words: str) -> None:
        self.losses.setdefault(words)


class ToYolo(_Converter):
    """images/SPLIT, labels/SPLIT and data.yaml."""

    def __init__(self, layout: Layout, wrapping: int, categories: Sequence[str], by_folder: bool) -> None:
        super().__init__(layout, wrapping, categories, by_folder)
        self._classes = Classes(dict(enumerate(categories)), "data.yaml")

    def place(self, source: Source) -> str:
        return "/".join(filter(None, ("images", source.split, self._rest(source))))

    def files(self, source: Source, file: str, labels: Labels | None, size_wh: tuple[int, int]) -> list[File]:
        if labels is None:
            return []
        shapes = [self._drawn(shape) for shape in self._without_keypoints(self._things(source, labels))]
        polygons = any(shape.polygons for shape in shapes)
        if polygons and any(not shape.polygons for shape in shapes):
            self._lost(
                "boxes beside polygons were written as polygons of four corners, since YOLO takes one kind a picture"
            )
        lines = [line for shape in shapes for line in lines_of(shape, self._classes, size_wh, polygons)]
        path = "labels/" + file.removeprefix("images/").removesuffix(PurePosixPath(file).suffix) + ".txt"
        return [(path, "".join(line + "\n" for line in lines).encode())]

    def closing(self, rows: Rows) -> Closing:
        there = rows.splits
        content: dict[str, Any] = {split: f"images/{split}" for split in _SPLITS if split in there}
        content.setdefault("train", "images")
        stands_in = "val" not in content
        if stands_in:
            content["val"] = content["train"]
            self._lost(STANDS_IN)
        content["names"] = dict(enumerate(self.categories))
        yield "data.yaml", [yaml_of(content, stands_in).encode()]

    def _drawn(self, shape: Shape) -> Shape:
        extra = shape.extra.get("coco", {})
        if extra.get("iscrowd"):
            self._lost("crowds were written like single things: YOLO cannot tell them apart")
        if shape.mask is not None:
            self._lost("bitmaps (RLE) were written as the polygons around them")
        if len(shape.polygons) > 1:
            self._lost("things in several pieces became one thing each: YOLO draws one outline a line")
        if extra.keys() - _OWN_FIELDS or any(v not in _USUAL for v in shape.extra.get("fields", {}).values()):
            self._lost("attributes of things (difficult, truncated, own fields) were left out: YOLO has none")
        return with_polygons(shape)


class ToVoc(_Converter):
    """JPEGImages, Annotations and ImageSets/Main."""

    def place(self, source: Source) -> str:
        return "JPEGImages/" + self._rest(source).replace("/", "_")

    def files(self, source: Source, file: str, labels: Labels | None, size_wh: tuple[int, int]) -> list[File]:
        if labels is None:
            return []
        shapes = [shape for shape in self._without_keypoints(self._things(source, labels)) if shape.box is not None]
        if any(shape.polygons or shape.mask is not None for shape in shapes):
            self._lost("polygons and bitmaps were written as the boxes around them: Pascal VOC has boxes")
        data = xml_of(Labels(tuple(shapes)), None, file, size_wh, moved=False)
        return [(f"Annotations/{PurePosixPath(file).stem}.xml", data)]

    def closing(self, rows: Rows) -> Closing:
        there = rows.splits
        for split in _SPLITS if there else ("train",):
            lines = (row for row in rows if not there or row.source.split == split)
            if not there or split in there:
                yield f"ImageSets/Main/{split}.txt", (f"{PurePosixPath(row.file).stem}\n".encode() for row in lines)


class _Listed(_Converter):
    """A layout whose pictures are listed in one file a split."""

    def _records(self, rows: Rows, split: str | None) -> Iterator[tuple[Row, Any]]:
        """Every picture of a split with what is kept of it."""
        own = lru_cache(maxsize=1)(self._own)  # the variations of one source follow each other
        for row in rows:
            if row.source.split == split:
                yield row, row.record if row.record is not None else own(row.source)

    def _own(self, source: Source) -> Any:
        labels = source.labels.load() if source.labels is not None else None
        return self.record(source, labels, read_size(source))


class ToCoco(_Listed):
    """SPLIT/... and annotations/instances_SPLIT.json."""

    def place(self, source: Source) -> str:
        return f"{source.split or 'images'}/{self._rest(source)}"

    def record(self, source: Source, labels: Labels | None, size_wh: tuple[int, int]) -> Any:
        annotations = [
            {"category": shape.category, **shape.extra.get("fields", {}), **annotation_of(shape)}
            for shape in self._things(source, labels)
        ]
        return {"size_wh": list(size_wh), "annotations": annotations}

    def closing(self, rows: Rows) -> Closing:
        for split in (*_SPLITS, None):
            if any(row.source.split == split for row in rows):
                yield f"annotations/instances{'_' + split if split else ''}.json", self._written(rows, split)

    def _written(self, rows: Rows, split: str | None) -> Iterator[bytes]:
        numbers = {name: number for number, name in enumerate(self.categories, 1)}
        categories = [{"id": number, "name": name, "supercategory": ""} for name, number in numbers.items()]
        yield b'{"info": {}, "licenses": [],\n"categories": ' + _json(categories) + b',\n"images": [\n'
        for number, row in enumerate((row for row in rows if row.source.split == split), 1):
            width, height = row.record["size_wh"] if row.record is not None else read_size(row.source)
            name = row.file.removeprefix(f"{split or 'images'}/")
            image = {"id": number, "file_name": name, "width": width, "height": height}
            yield (b",\n" if number > 1 else b"") + _json(image)
        yield b'\n],\n"annotations": [\n'
        total = 0
        for number, (_, record) in enumerate(self._records(rows, split), 1):
            for annotation in record["annotations"]:
                total += 1
                if annotation["category"] not in numbers:
                    raise OutputError(
                        f'the manifest names the class "{annotation["category"]}", which the set does not have now: it '
                        "was begun by another version of AugmentAI; begin anew in another folder"
                    )
                given = {key: value for key, value in annotation.items() if key != "category"}
                ids = {"id": total, "image_id": number, "category_id": numbers[annotation["category"]]}
                yield (b",\n" if total > 1 else b"") + _json({**given, **ids})
        yield b"\n]}\n"


class ToImageFolder(_Listed):
    """SPLIT/... with metadata.jsonl, boxes in "objects"."""

    def place(self, source: Source) -> str:
        folder = {"val": "validation"}.get(source.split or "", source.split)
        return "/".join(filter(None, (folder, self._rest(source))))

    def record(self, source: Source, labels: Labels | None, size_wh: tuple[int, int]) -> Any:
        shapes = [shape for shape in self._without_keypoints(self._things(source, labels)) if shape.box is not None]
        if any(shape.polygons or shape.mask is not None for shape in shapes):
            self._lost("polygons and bitmaps were written as the boxes around them")
        corners = [shape.box for shape in shapes if shape.box is not None]
        boxes = [[round(v, 3) for v in (x0, y0, x1 - x0, y1 - y0)] for x0, y0, x1, y1 in corners]
        return {"objects": {"bbox": boxes, "categories": [shape.category for shape in shapes]}}

    def closing(self, rows: Rows) -> Closing:
        folders = {None: "", "train": "train/", "val": "validation/", "test": "test/"}
        for split, folder in folders.items():
            if any(row.source.split == split for row in rows):
                yield f"{folder}metadata.jsonl", self._lines(rows, split, folder)

    def _lines(self, rows: Rows, split: str | None, folder: str) -> Iterator[bytes]:
        for row, record in self._records(rows, split):
            entry: dict[str, Any] = {"file_name": row.file.removeprefix(folder)}
            if row.source.label is not None:
                entry["label"] = row.source.label
            if self._layout.labelled:
                entry["objects"] = record["objects"]
            yield _json(entry) + b"\n"


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace")
