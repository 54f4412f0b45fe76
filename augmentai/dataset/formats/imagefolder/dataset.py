"""Hugging Face's ImageFolder: images, and metadata.csv or metadata.jsonl whose rows name them in file_name.

A column "objects" with "bbox" ([x, y, width, height] each) and "categories" holds boxes, as the documentation of
`datasets` defines it. Columns that end in "_file_name" name more files: masks move with the pixels, see
`companion_files`. Every other column is kept unchanged.
"""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from augmentai.annotations import LabelError, Labels
from augmentai.dataset.file_tree import Entry, joined, parent
from augmentai.dataset.formats.base import ImageKey, Layout, OutputFile, StreamedFiles
from augmentai.dataset.formats.guarded_load import guarded
from augmentai.dataset.formats.image_frame import image_frame
from augmentai.dataset.formats.image_names import match_key
from augmentai.dataset.formats.imagefolder.companion_files import Companions, NamedMasks
from augmentai.dataset.formats.imagefolder.metadata import LARGEST_BYTES, Metadata
from augmentai.dataset.formats.imagefolder.objects import COLUMN, columns_in_pixels, objects_of
from augmentai.dataset.formats.imagefolder.row_store import RowStore
from augmentai.dataset.formats.split_files import is_split_column
from augmentai.dataset.formats.split_lists import SplitLists
from augmentai.dataset.formats.splits import split_like
from augmentai.dataset.formats.texts import is_caption_field, with_words
from augmentai.types import Source

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRow, ImageRows

_ROWS_SAMPLED = 200  # of each file


@dataclass(frozen=True, slots=True)
class RowLabels:
    """Reads the labels of one image from its row. masks: those that its columns name."""

    key: ImageKey
    layout: ImageFolderLayout
    image: Entry
    masks: NamedMasks = ()

    @guarded
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
        extra = {"imagefolder": row.values}
        try:
            objects = objects_of(row.values)
            if objects is None:
                return Labels(extra={**extra, "takes_no_objects": "its row has no objects, and none can be added"})
            return Labels(tuple(objects.shapes()), extra=extra)
        except ValueError as error:
            raise LabelError(f"{self.layout.files[row.file].entry.path}, line {row.line}: {error}") from error


class ImageFolderLayout(Layout):
    """An ImageFolder.

    Attributes:
        files: its metadata files, known by their number.
        store: the rows of all files, on disk.
        companions: files that rows name next to their images.
        lists: files beside the metadata that name splits.
    """

    lists_images = True

    def __init__(self) -> None:
        super().__init__()
        self.files: list[Metadata] = []
        self.store = RowStore()
        self.companions = Companions()
        self.lists: SplitLists | None = None

    def other_fields(self) -> list[str]:
        masks = {column for named in self.companions.masks.values() for column, _ in named}
        found: dict[str, None] = {}
        for number, file in enumerate(self.files):
            known = {file.name_column, COLUMN, *file.counters, *masks}
            for _, row in islice(self.store.rows_of(number), _ROWS_SAMPLED):
                said = (column for column, value in row.items() if value not in ("", None))
                found |= dict.fromkeys(column for column in said if column not in known)
        return sorted(
            column for column in found if match_key(column.strip()) != "label" and not is_split_column(column)
        )

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
        if labels is None:
            return None
        for column in sorted(self.companions.unmoved):
            self.losses.setdefault(
                f"the images that {column} names are not masks and are copied unchanged; they do not match "
                "geometrically transformed images"
            )
        row = labels.extra.get("imagefolder", {})
        objects, unmoved = objects_of(row), columns_in_pixels(row)
        moved, removed = objects.moved(labels.shapes) if objects is not None else (None, [])
        for column in (*unmoved, *removed):
            self.losses.setdefault(f"`{column}` is removed from geometrically transformed images")
        if objects is None and not unmoved:
            return None
        return {**({"objects": moved} if objects is not None else {}), **({"removed": unmoved} if unmoved else {})}

    def dataset_files(self, rows: ImageRows) -> StreamedFiles:
        if self.lists is not None:
            yield from self.lists.written(rows)
        by_path: dict[str, list[int]] = defaultdict(list)
        for number, file in enumerate(self.files):
            by_path[file.entry.path].append(number)  # two ZIPs may contain the same file: one is written
        for path, numbers in by_path.items():
            if len(numbers) == 1 and self._is_unchanged(numbers[0], rows):
                yield path, [self.files[numbers[0]].entry.read(LARGEST_BYTES)]
                continue
            pieces = self._written(numbers, rows)
            first = next(pieces, None)
            if first is not None:
                yield path, _after(first, pieces)

    def _is_unchanged(self, number: int, rows: ImageRows) -> bool:
        """Whether every image of a file is kept without variations: the file is copied byte for byte then."""
        paths = (path for (path, _), _ in self.store.rows_of(number))
        return not self.files[number].is_mended and all(map(rows.is_unchanged, paths))

    def _written(self, numbers: list[int], rows: ImageRows) -> Iterator[bytes]:
        """Files of one path as one file, with the columns of all of them."""
        files = [self.files[number] for number in numbers]
        named = {file.name_column: files[0].name_column for file in files}
        columns = list(dict.fromkeys(named.get(column, column) for file in files for column in file.columns))
        file = replace(files[0], columns=columns, counters=dict(files[0].counters))
        every = (row for number in numbers for row in self._rows(number, file, rows))
        return file.written(_in_split(row, rows.made_split) for row in every)

    def _rows(self, number: int, file: Metadata, rows: ImageRows) -> Iterator[dict[str, Any]]:
        """Rows of originals in their order, then of variations."""
        folder, name_column = parent(file.entry.path), self.files[number].name_column
        for key, row in self.store.rows_of(number):
            for source in _sources(rows, key):
                original = rows.original(source)
                if original is not None:
                    leads = original == joined(folder, row[name_column])
                    name = row[name_column] if leads else _relative(original, folder)
                    yield {**_renamed(row, name_column, file.name_column), file.name_column: name}
        for key, found in self.store.rows_of(number):
            row = _renamed(found, name_column, file.name_column)
            for source in _sources(rows, key):
                for made in rows.variations_of(source):
                    own = _variation_row(row, made, source, file)
                    yield file.numbered(self._without_missing_masks(own, row, file))

    def _without_missing_masks(self, made: dict[str, Any], row: dict[str, Any], file: Metadata) -> dict[str, Any]:
        """The row of a variation without the masks that its source names and the set does not have."""
        same = {
            column
            for column in self.companions.mask_columns & row.keys()
            if row[column] and made.get(column) == row[column]
        }
        return {key: ("" if file.is_csv else None) if key in same else value for key, value in made.items()}


def _in_split(row: dict[str, Any], split: str | None) -> dict[str, Any]:
    """The row of an image whose split was made; None if it has its own still."""
    stated = {name: str(value) for name, value in row.items() if is_split_column(name)}
    return {**row, **{name: split_like(value, split) for name, value in stated.items()}} if split else row


def _variation_row(row: dict[str, Any], made: ImageRow, source: Source, file: Metadata) -> dict[str, Any]:
    """The row of a variation."""
    new = {**row, file.name_column: _relative(made.file, parent(file.entry.path))}
    for column, mask in source.labels.masks if isinstance(source.labels, RowLabels) else ():
        mask_folder = str(row[column]).replace("\\", "/").rpartition("/")[0]
        new[column] = joined(mask_folder, PurePosixPath(mask.path_for(made.file)).name)
    if made.drawn:
        new |= {name: with_words(value, made.drawn) for name, value in new.items() if _is_caption(name, value)}
    if made.record is None:
        return new
    if "objects" in made.record and COLUMN in row:
        new[COLUMN] = made.record["objects"]
    removed = made.record.get("removed", ())
    return {key: "" if key in removed else value for key, value in new.items() if file.is_csv or key not in removed}


def _is_caption(column: str, value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip()) and is_caption_field(column)


def _renamed(row: dict[str, Any], column: str, to: str) -> dict[str, Any]:
    """A row with another name of one column, in its place."""
    return row if column == to else {to if key == column else key: value for key, value in row.items()}


def _sources(rows: ImageRows, key: ImageKey) -> list[Source]:
    """The source of an image; two ZIPs may contain the same path."""
    found = rows.sources_at(key[0])
    return [one for one in found if isinstance(one.labels, RowLabels) and one.labels.key == key]


def _relative(path: str, folder: str) -> str:
    return posixpath.relpath(f"/{path}", f"/{folder}")


def _after(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
