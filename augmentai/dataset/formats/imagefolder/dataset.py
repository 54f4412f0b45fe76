"""Hugging Face's ImageFolder: images, and metadata.csv or metadata.jsonl whose rows name them in file_name.

A column "objects" with "bbox" ([x, y, width, height] each) and "categories" holds boxes, as the documentation of
`datasets` defines it. Columns that end in "_file_name" name more files: masks move with the pixels, see
`companion_files`. Every other column is kept unchanged.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from augmentai.annotations import LabelError, Labels, Shape
from augmentai.dataset.file_tree import Entry, Tree, joined, parent
from augmentai.dataset.formats.base import ImageInfo, ImageKey, Layout, OutputFile, StreamedFiles
from augmentai.dataset.formats.folders import class_of
from augmentai.dataset.formats.image_frame import image_frame
from augmentai.dataset.formats.imagefolder.companion_files import Companions, NamedMasks, find_companions
from augmentai.dataset.formats.imagefolder.metadata import csv_line, json_line, objects_of, read_rows
from augmentai.dataset.formats.imagefolder.row_store import RowStore
from augmentai.dataset.formats.splits import folder_splits, split_named, split_of
from augmentai.types import Failure, Source

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRow, ImageRows

_FILE_NAMES = {"metadata.csv", "metadata.jsonl"}
_CATEGORY_KEYS = ("categories", "category")
_UNMOVED_KEYS = ("segmentation", "keypoints")  # in pixels, in a form that no documentation defines


@dataclass(frozen=True, slots=True)
class RowLabels:
    """Reads the labels of one image from its row. masks: those that its columns name."""

    key: ImageKey
    layout: ImageFolderLayout
    image: Entry
    masks: NamedMasks = ()

    def load(self) -> Labels:
        labels = self._objects()
        if not self.masks:
            return labels
        frame = image_frame(self.image)
        first, *others = (mask.load(frame) for _, mask in self.masks)
        return replace(labels, mask=first, other_masks=tuple(others))

    def _objects(self) -> Labels:
        row = self.layout.store.row_of(self.key)
        assert row is not None
        where = f"{self.layout.entries[row.file].path}, row {row.number + 1}"
        extra = {"imagefolder": row.values}
        objects = objects_of(row.values)
        if not isinstance(objects, dict) or not isinstance(objects.get("bbox"), list):
            return Labels(extra=extra)
        names = next((objects[key] for key in _CATEGORY_KEYS if isinstance(objects.get(key), list)), None)
        shapes = []
        for number, box in enumerate(objects["bbox"]):
            if not isinstance(box, list) or len(box) != 4 or not all(isinstance(v, int | float) for v in box):
                raise LabelError(f"{where}: bbox {number + 1} is {str(box)[:60]}; expected [x, y, width, height]")
            x, y, width, height = box
            category = str(names[number]) if names is not None and number < len(names) else "object"
            shapes.append(Shape(category, (x, y, x + width, y + height), extra={"imagefolder": number}))
        return Labels(tuple(shapes), extra=extra)


class ImageFolderLayout(Layout):
    """An ImageFolder. Its metadata files are known by their number: `entries` and `columns` are parallel.

    Attributes:
        columns: those of CSV files; empty for JSON lines.
        store: the rows of all files, on disk.
        companions: files that rows name next to their images.
    """

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[Entry] = []
        self.columns: list[list[str]] = []
        self.store = RowStore()
        self.companions = Companions()

    def own_label_files(self, source: Source) -> list[Entry]:
        return [mask.entry for _, mask in source.labels.masks] if isinstance(source.labels, RowLabels) else []

    def shared_files(self) -> list[Entry]:
        return self.companions.copied

    def label_files(
        self, source: Source, file: str, labels: Labels | None, size_wh: tuple[int, int]
    ) -> list[OutputFile]:
        if labels is None or labels.mask is None or not isinstance(source.labels, RowLabels):
            return []
        bitmaps = (labels.mask, *labels.other_masks)
        named = zip(source.labels.masks, bitmaps, strict=True)
        frame = image_frame(source.labels.image)
        return [mask.file_for(file, bitmap, frame) for (_, mask), bitmap in named]

    def record(self, source: Source, labels: Labels | None, size_wh: tuple[int, int]) -> Any:
        for column in sorted(self.companions.unmoved) if labels is not None else ():
            self.losses.setdefault(
                f"the images that {column} names are not masks and are copied unchanged; they do not match "
                "geometrically transformed images"
            )
        objects = objects_of(labels.extra.get("imagefolder", {})) if labels is not None else None
        if labels is None or not isinstance(objects, dict):
            return None
        return {"objects": self._moved_objects(objects, labels)}

    def _moved_objects(self, objects: dict[str, Any], labels: Labels) -> dict[str, Any]:
        """The objects of a row with the boxes of a variation, without those that left the image."""
        numbers = [shape.extra["imagefolder"] for shape in labels.shapes]
        count = len(objects["bbox"])
        moved: dict[str, Any] = {}
        for key, value in objects.items():
            if key in _UNMOVED_KEYS:
                self.losses.setdefault(f"`{key}` in objects is removed from geometrically transformed images")
            elif isinstance(value, list) and len(value) == count:
                moved[key] = [value[number] for number in numbers]
            else:
                moved[key] = value
        boxes = [shape.box or (0, 0, 0, 0) for shape in labels.shapes]
        moved["bbox"] = [[round(v, 3) for v in (x0, y0, x1 - x0, y1 - y0)] for x0, y0, x1, y1 in boxes]
        if "area" in moved:
            moved["area"] = [round((x1 - x0) * (y1 - y0), 3) for x0, y0, x1, y1 in boxes]
        return moved

    def dataset_files(self, rows: ImageRows) -> StreamedFiles:
        for file, entry in enumerate(self.entries):
            if self._is_unchanged(file, rows):
                yield entry.path, [entry.read()]
                continue
            pieces = self._written(file, entry, rows)
            first = next(pieces, None)
            if first is not None:
                yield entry.path, _after(first, pieces)

    def _is_unchanged(self, file: int, rows: ImageRows) -> bool:
        """Whether every image of a file is kept without variations: the file is copied byte for byte then."""
        return all(rows.is_unchanged(path) for path, _ in self.store.rows_of(file))

    def _written(self, file: int, entry: Entry, rows: ImageRows) -> Iterator[bytes]:
        columns = self.columns[file]
        any_row = False
        for row in self._rows(file, entry, rows):
            if not any_row and columns:
                yield csv_line(columns)
            any_row = True
            yield csv_line([row.get(c, "") for c in columns]) if columns else json_line(row)

    def _rows(self, file: int, entry: Entry, rows: ImageRows) -> Iterator[dict[str, Any]]:
        """Rows of originals in their order, then of variations."""
        for path, row in self.store.rows_of(file):
            if any(rows.original(source) is not None for source in rows.sources_at(path)):
                yield row
        for path, row in self.store.rows_of(file):
            for source in rows.sources_at(path):
                for made in rows.variations_of(source):
                    yield _variation_row(row, made, source, parent(entry.path))


def _variation_row(row: dict[str, Any], made: ImageRow, source: Source, folder: str) -> dict[str, Any]:
    """The row of a variation. folder: that of the metadata file."""
    new = {**row, "file_name": made.file.removeprefix(folder + "/") if folder else made.file}
    for column, mask in source.labels.masks if isinstance(source.labels, RowLabels) else ():
        mask_folder = str(row[column]).replace("\\", "/").rpartition("/")[0]
        new[column] = joined(mask_folder, PurePosixPath(mask.path_for(made.file)).name)
    if made.record is not None and "objects" in row:
        objects = made.record["objects"]
        new["objects"] = json.dumps(objects) if isinstance(row["objects"], str) else objects
    return new


def read_imagefolder(tree: Tree, requested: bool) -> ImageFolderLayout | None:
    """The set as an ImageFolder, or None if no metadata names its images."""
    layout = ImageFolderLayout()
    for entry in tree.sidecars_ending(*_FILE_NAMES):
        if PurePosixPath(entry.path).name.casefold() in _FILE_NAMES:
            _add_metadata(layout, entry)
    if not layout.entries and not layout.failures:
        return None
    layout.companions = find_companions(tree, layout.store.row_of, layout.entries)
    layout.excluded |= layout.companions.excluded
    layout.notices += layout.companions.notices
    layout.label_paths |= {entry.path for entry in layout.companions.copied}
    _add_images(layout, tree)
    layout.companions.masks.clear()
    layout.companions.excluded.clear()
    return layout


def _add_metadata(layout: ImageFolderLayout, entry: Entry) -> None:
    try:
        columns, rows = read_rows(entry)
    except LabelError as error:
        layout.failures.append(Failure(entry.path, str(error)))
        layout.label_paths.add(entry.path)
        return
    if rows is not None:
        layout.store.add(len(layout.entries), entry.origin, rows)
        layout.entries.append(entry)
        layout.columns.append(columns)
        layout.label_paths.add(entry.path)


def _add_images(layout: ImageFolderLayout, tree: Tree) -> None:
    """Everything that is known of each image of the tree."""
    broken = {parent(failure.file) for failure in layout.failures}
    splits = folder_splits(entry.path for entry in tree.images)
    named = _splits_in_rows(layout, tree)
    skipped = 0
    for image in tree.images:
        if image.key in layout.excluded:
            continue
        split = named.get(image.key) or split_of(image.path, splits)[0]
        row = layout.store.row_of(image.key)
        if row is not None:
            label = row.values.get("label")
            name = str(label) if isinstance(label, str | int) and not isinstance(label, bool) else None
            masks = layout.companions.masks.get(image.key, ())
            layout.images[image.key] = ImageInfo(name, split, RowLabels(image.key, layout, image, masks))
        elif any(not folder or image.path.startswith(folder + "/") for folder in broken):
            layout.excluded.add(image.key)  # its row may be in the file that could not be read
            skipped += 1
        else:
            layout.images[image.key] = ImageInfo(class_of(image.path, splits), split)
    if skipped:
        layout.notices.append(f"skipped {skipped} image(s), since their metadata is broken")


def _splits_in_rows(layout: ImageFolderLayout, tree: Tree) -> dict[ImageKey, str]:
    """The split of each image, if the metadata has a column of that name and every value in it is one."""
    found: dict[ImageKey, str] = {}
    for image in tree.images:
        row = layout.store.row_of(image.key)
        if row is None:
            continue
        split = split_named(str(row.values.get("split", "")))
        if split is None:
            return {}
        found[image.key] = split
    return found


def _after(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
