"""Hugging Face's ImageFolder: pictures, and metadata.csv or metadata.jsonl whose rows name them in file_name.

A column "objects" with "bbox" ([x, y, width, height] each) and "categories" holds boxes, as the documentation of
`datasets` has it. Columns that end in "_file_name" name more files: masks move with the pixels, see `companions`.
Every other column is kept as it is.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from threading import Lock
from typing import TYPE_CHECKING, Any

from augmentai.annotations import LabelError, Labels, Shape
from augmentai.dataset.file_tree import Entry, Tree, joined, parent
from augmentai.dataset.formats.base import ImageInfo, Layout, OutputFile, StreamedFiles
from augmentai.dataset.formats.folders import class_of
from augmentai.dataset.formats.imagefolder.companion_files import Companions, Masks, companions
from augmentai.dataset.formats.imagefolder.metadata import csv_line, json_line, objects_of, read_rows
from augmentai.dataset.formats.mask_files import encode_mask
from augmentai.dataset.formats.splits import folder_splits, split_of
from augmentai.images.orientation import read_frame
from augmentai.images.photo import ImageError
from augmentai.types import Failure, Source

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import Rows

_CATEGORY_KEYS = ("categories", "category")
_STALE_KEYS = ("segmentation", "keypoints")  # drawn in pixels, of a kind that nobody has settled


@dataclass(frozen=True, slots=True)
class RowLabels:
    """The row of one picture. masks: of the columns that name them."""

    key: tuple[str, str]
    layout: ImageFolderLayout
    picture: Entry
    masks: Masks = ()

    def load(self) -> Labels:
        labels = self._objects()
        if not self.masks:
            return labels
        with self.picture.open() as stream:
            try:
                frame = read_frame(stream)
            except ImageError as error:
                raise LabelError(str(error)) from error
        first, *others = (mask.load(frame) for _, mask in self.masks)
        return replace(labels, mask=first, other_masks=tuple(others))

    def _objects(self) -> Labels:
        file, number, row = self.layout.row_of(self.key)
        where = f"{self.layout.entries[file].path}, row {number + 1}"
        objects = objects_of(row)
        if not isinstance(objects, dict) or not isinstance(objects.get("bbox"), list):
            return Labels(extra={"imagefolder": row})
        names = next((objects[key] for key in _CATEGORY_KEYS if isinstance(objects.get(key), list)), None)
        shapes = []
        for place, box in enumerate(objects["bbox"]):
            if not isinstance(box, list) or len(box) != 4 or not all(isinstance(v, int | float) for v in box):
                raise LabelError(f"{where}: bbox {place + 1} is {str(box)[:60]}; expected [x, y, width, height]")
            x, y, width, height = box
            category = str(names[place]) if names is not None and place < len(names) else "object"
            shapes.append(Shape(category, (x, y, x + width, y + height), extra={"imagefolder": place}))
        return Labels(tuple(shapes), extra={"imagefolder": row})


class ImageFolderLayout(Layout):
    name = "imagefolder"

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[Entry] = []
        self.columns: list[list[str]] = []  # of CSV files; empty for JSON lines
        self.beside: Companions = Companions()
        self._lock = Lock()
        self._database = sqlite3.connect("", check_same_thread=False)
        self._database.execute("CREATE TABLE rows (file INT, number INT, place TEXT, origin TEXT, json TEXT)")
        self._database.execute("CREATE INDEX by_place ON rows (place, origin)")

    def row_of(self, key: tuple[str, str]) -> tuple[int, int, dict[str, Any]]:
        """(file, number from 0, row) of a picture."""
        query = "SELECT file, number, json FROM rows WHERE place = ? AND origin = ? ORDER BY file, number LIMIT 1"
        file, number, text = self._all(query, *key)[0]
        return file, number, json.loads(text)

    def own_label_files(self, source: Source) -> list[Entry]:
        return [mask.entry for _, mask in source.labels.masks] if isinstance(source.labels, RowLabels) else []

    def shared_files(self) -> list[Entry]:
        return self.beside.others

    def label_files(
        self, source: Source, file: str, labels: Labels | None, size_wh: tuple[int, int]
    ) -> list[OutputFile]:
        if labels is None or labels.mask is None or not isinstance(source.labels, RowLabels):
            return []
        bitmaps = (labels.mask, *labels.other_masks)
        named = zip(source.labels.masks, bitmaps, strict=True)
        return [(mask.path_for(file), encode_mask(bitmap)) for (_, mask), bitmap in named]

    def record(self, source: Source, labels: Labels | None, size_wh: tuple[int, int]) -> Any:
        for column in sorted(self.beside.still) if labels is not None else ():
            self.losses.setdefault(
                f"what {column} names is no mask and does not move; where the pixels moved, it fits no more"
            )
        objects = objects_of(labels.extra.get("imagefolder", {})) if labels is not None else None
        if labels is None or not isinstance(objects, dict):
            return None
        places = [shape.extra["imagefolder"] for shape in labels.shapes]
        count = len(objects["bbox"])
        moved: dict[str, Any] = {}
        for key, value in objects.items():
            if key in _STALE_KEYS:
                self.losses.setdefault(
                    f"{key} in objects does not move with the pixels; it was left out where these moved"
                )
            elif isinstance(value, list) and len(value) == count:
                moved[key] = [value[place] for place in places]
            else:
                moved[key] = value
        boxes = [shape.box or (0, 0, 0, 0) for shape in labels.shapes]
        moved["bbox"] = [[round(v, 3) for v in (x0, y0, x1 - x0, y1 - y0)] for x0, y0, x1, y1 in boxes]
        if "area" in moved:
            moved["area"] = [round((x1 - x0) * (y1 - y0), 3) for x0, y0, x1, y1 in boxes]
        return {"objects": moved}

    def dataset_files(self, rows: Rows) -> StreamedFiles:
        for file, entry in enumerate(self.entries):
            if self._is_unchanged(file, rows):
                yield entry.path, [entry.read()]
                continue
            pieces = self._written(file, entry, rows)
            first = next(pieces, None)
            if first is not None:
                yield entry.path, _after(first, pieces)

    def _is_unchanged(self, file: int, rows: Rows) -> bool:
        """Whether every picture of a file is there and no variation: then it stays as it is, to the byte."""
        return all(rows.is_as_it_was(place) for place, _ in self._of_file(file))

    def _written(self, file: int, entry: Entry, rows: Rows) -> Iterator[bytes]:
        columns = self.columns[file]
        any_row = False
        for row in self._rows(file, entry, rows):
            if not any_row and columns:
                yield csv_line(columns)
            any_row = True
            yield csv_line([row.get(c, "") for c in columns]) if columns else json_line(row)

    def _rows(self, file: int, entry: Entry, rows: Rows) -> Iterator[dict[str, Any]]:
        """Rows of originals in their order, then of variations."""
        for place, row in self._of_file(file):
            if any(rows.original(source) is not None for source in rows.at(place)):
                yield row
        here = parent(entry.path)
        for place, row in self._of_file(file):
            for source in rows.at(place):
                for made in rows.variations_of(source):
                    name = made.file.removeprefix(here + "/") if here else made.file
                    new = {**row, "file_name": name}
                    masks = source.labels.masks if isinstance(source.labels, RowLabels) else ()
                    for column, mask in masks:
                        folder = str(row[column]).replace("\\", "/").rpartition("/")[0]
                        new[column] = joined(folder, PurePosixPath(mask.path_for(made.file)).name)
                    if made.record is not None and "objects" in row:
                        objects = made.record["objects"]
                        new["objects"] = json.dumps(objects) if isinstance(row["objects"], str) else objects
                    yield new

    def add(self, entry: Entry, columns: list[str], rows: Iterator[tuple[str, dict[str, Any]]]) -> None:
        """Take a file in. rows: (where the picture lies, row)."""
        file = len(self.entries)
        with self._lock:
            self._database.executemany(
                "INSERT INTO rows VALUES (?, ?, ?, ?, ?)",
                ((file, number, place, entry.origin, json.dumps(row)) for number, (place, row) in enumerate(rows)),
            )
        self.entries.append(entry)
        self.columns.append(columns)
        self.label_paths.add(entry.path)

    def has_row(self, key: tuple[str, str]) -> bool:
        return bool(self._all("SELECT 1 FROM rows WHERE place = ? AND origin = ? LIMIT 1", *key))

    def _of_file(self, file: int) -> Iterator[tuple[str, dict[str, Any]]]:
        last, at_once = -1, 5000
        query = "SELECT number, place, json FROM rows WHERE file = ? AND number > ? ORDER BY number LIMIT ?"
        while found := self._all(query, file, last, at_once):
            yield from ((place, json.loads(text)) for _, place, text in found)
            last = found[-1][0]

    def _all(self, query: str, *values: object) -> list[Any]:
        with self._lock:
            return self._database.execute(query, values).fetchall()


def read_imagefolder(tree: Tree, requested: bool) -> ImageFolderLayout | None:
    """The set as ImageFolder's, or None where no metadata names its pictures."""
    layout = ImageFolderLayout()
    failures: list[Failure] = []
    for entry in tree.sidecars_ending("metadata.csv", "metadata.jsonl"):
        if PurePosixPath(entry.path).name.casefold() not in {"metadata.csv", "metadata.jsonl"}:
            continue
        try:
            columns, found = read_rows(entry)
        except LabelError as error:
            failures.append(Failure(entry.path, str(error)))
            layout.label_paths.add(entry.path)
            continue
        if found is not None:
            layout.add(entry, columns, iter(found))
    if not layout.entries and not failures:
        return None
    layout.failures += failures
    layout.beside = companions(tree, lambda key: layout.row_of(key) if layout.has_row(key) else None, layout.entries)
    layout.excluded |= layout.beside.hidden
    layout.notices += layout.beside.notices
    layout.label_paths |= {entry.path for entry in layout.beside.others}
    broken = {parent(failure.file) for failure in failures}
    splits = folder_splits(entry.path for entry in tree.images)
    unknown = 0
    for picture in tree.images:
        if picture.key in layout.beside.hidden:
            continue
        split = split_of(picture.path, splits)[0]
        if layout.has_row(picture.key):
            label = layout.row_of(picture.key)[2].get("label")
            name = str(label) if isinstance(label, str | int) and not isinstance(label, bool) else None
            layout.images[picture.key] = ImageInfo(
                name, split, RowLabels(picture.key, layout, picture, layout.beside.masks.get(picture.key, ()))
            )
        elif any(not place or picture.path.startswith(place + "/") for place in broken):
            layout.excluded.add(picture.key)  # its row may be what could not be read
            unknown += 1
        else:
            layout.images[picture.key] = ImageInfo(class_of(picture.path, splits), split)
    layout.beside.masks.clear()
    layout.beside.hidden.clear()
    if unknown:
        layout.notices.append(f"{unknown} picture(s) were left alone, since their metadata is broken")
    return layout


def _after(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
