"""Reads an ImageFolder: its metadata files, which image each row names, and what they leave open."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import PurePosixPath
from reprlib import repr as short
from typing import Any

from augmentai.annotations import LabelError
from augmentai.dataset.file_names import safe_path
from augmentai.dataset.file_tree import Entry, Tree, folders_above, parent
from augmentai.dataset.formats.base import ImageInfo, ImageKey
from augmentai.dataset.formats.folders import FolderClasses
from augmentai.dataset.formats.image_names import (
    ImageNames,
    NameCount,
    folder_parts,
    match_key,
    name_of,
    named,
    shared_parts,
)
from augmentai.dataset.formats.imagefolder.companion_files import find_companions
from augmentai.dataset.formats.imagefolder.dataset import ImageFolderLayout, RowLabels
from augmentai.dataset.formats.imagefolder.metadata import Metadata, path_named, read_metadata
from augmentai.dataset.formats.split_claims import SplitClaims
from augmentai.dataset.formats.split_files import is_split_column
from augmentai.dataset.formats.split_lists import SplitLists, read_split_lists
from augmentai.dataset.formats.splits import split_named, split_of
from augmentai.plurals import counted
from augmentai.types import Failure

_FILE_NAMES = {"metadata.csv", "metadata.jsonl", "metadata.parquet"}
_NAMES_REMEMBERED = 1024  # a file may name one image many times
_CAPTIONS = re.compile(r"(?i)caption|text|prompt|descri|sentence|comment|id$|num|index|question|answer")


def read_imagefolder(tree: Tree, requested: bool) -> ImageFolderLayout | None:
    """The set as an ImageFolder, or None if no metadata names its images."""
    endings = tree.sidecars_ending(*_FILE_NAMES)
    entries = [entry for entry in endings if PurePosixPath(entry.path).name.casefold() in _FILE_NAMES]
    if not entries:
        return None
    layout = ImageFolderLayout()
    index = _RowIndex(tree)
    for entry in entries:
        _add_metadata(layout, entry, index)
    if not layout.files and not layout.failures:
        return None
    layout.companions = find_companions(tree, layout.store.row_of, [file.entry for file in layout.files])
    layout.excluded |= layout.companions.excluded
    layout.notices += layout.companions.notices
    layout.label_paths |= {entry.path for entry in layout.companions.copied}
    _add_images(layout, tree)
    layout.companions.masks.clear()
    layout.companions.excluded.clear()
    return layout


class _RowIndex:
    """Finds the image that a row names."""

    def __init__(self, tree: Tree) -> None:
        self._by_path: dict[str, list[Entry]] = {}
        for entry in tree.images:
            self._by_path.setdefault(entry.path, []).append(entry)
        self._names = ImageNames(tree.images)
        self._stems = ImageNames(tree.images, lambda path: PurePosixPath(path).stem)

    def find(self, file: Entry, name: str) -> ImageKey | None:
        """The image of a name, relative to its metadata file: exactly, else as it may be meant.

        A name in another spelling, without its ending, of another machine, or of an image in a folder below.
        """
        path, folder = path_named(file, name), parent(file.path)
        exact = self._by_path.get(path)
        if exact:
            return max(exact, key=lambda entry: entry.origin == file.origin).key
        last = name_of(path)
        found = self._names.called(last, file.path, folder_parts(path)[-1:])
        found = found or self._stems.called(last, file.path, folder_parts(path)[-1:])
        wanted = folder_parts(name if safe_path(name) is None else path)
        below = [one for one in found if not folder or one.path.startswith(folder + "/")]
        ranked = sorted((_shared(one, wanted), one.origin == file.origin, one.path, one) for one in below)
        if not ranked or (len(ranked) > 1 and ranked[-1][:2] == ranked[-2][:2]):
            return None  # several are as likely
        return ranked[-1][3].key


def _shared(image: Entry, wanted: list[str]) -> int:
    """How many of the last folders of a name an image has."""
    return shared_parts(folder_parts(image.path)[::-1], wanted[::-1])


def _add_metadata(layout: ImageFolderLayout, entry: Entry, index: _RowIndex) -> None:
    try:
        file = read_metadata(entry)
    except LabelError as error:
        layout.failures.append(Failure(entry.path, str(error)))
        layout.label_paths.add(entry.path)
        return
    if file is None:
        return
    layout.label_paths.add(entry.path)
    notes = _RowNotes()
    number = len(layout.files)
    try:
        layout.store.add(number, _rows_found(layout, file, index, notes))
    except LabelError as error:
        layout.store.forget(number)
        layout.failures.append(Failure(entry.path, str(error)))
        return
    layout.files.append(file)
    file.is_mended = file.is_mended or bool(notes.missing) or bool(file.faults)
    layout.notices += notes.notices(entry.path)
    _report_faults(layout, file)


@dataclass
class _RowNotes:
    """What is said of the rows of one file. missing: names of images that the set does not have."""

    missing: NameCount = field(default_factory=NameCount)
    differ: int = 0
    difference: str = ""
    repeated: dict[ImageKey, str] = field(default_factory=dict)

    def notices(self, path: str) -> Iterator[str]:
        if self.missing:
            rows = self.missing.words("row")
            yield f"{path}: {rows} left out, since the images that they name are missing"
        if self.differ:
            images = counted(self.differ, "image")
            yield f"{path} differs from another file about {images} ({self.difference}); the first is used"
        if self.repeated:
            images = counted(len(self.repeated), "image")
            example = next(iter(self.repeated.values()))
            yield (
                f"{path} has several rows about {images} that differ ({example}); all rows are kept, and the first "
                "says the class"
            )


def _rows_found(
    layout: ImageFolderLayout, file: Metadata, index: _RowIndex, notes: _RowNotes
) -> Iterator[tuple[ImageKey, int, dict[str, Any]]]:
    """The rows about images that the set has."""
    first: dict[ImageKey, dict[str, Any]] = {}
    find = lru_cache(_NAMES_REMEMBERED)(lambda name: index.find(file.entry, name))
    for line, row in file.rows:
        name = row[file.name_column]
        key = find(name) if name.strip() else None
        if key is None:
            notes.missing.add(name)
            continue
        file.is_mended = file.is_mended or key[0] != path_named(file.entry, name)
        words = _contradiction(first.setdefault(key, row), row, file.name_column)
        if words:
            notes.repeated.setdefault(key, f"{key[0]}: {words}")
        if layout.files and (words := _difference(layout, key, row, file.name_column)):
            notes.differ += 1
            notes.difference = notes.difference or f"{key[0]}: {words}"
        yield key, line, row


def _contradiction(first: dict[str, Any], row: dict[str, Any], name_column: str) -> str:
    """What a row says otherwise than the first about its image, in words; an image may have several captions."""
    for column, value in first.items():
        other = row.get(column)
        if column == name_column or _CAPTIONS.search(column) or value in (None, "") or other in (None, ""):
            continue
        if other != value and isinstance(value, str | int | float):
            return f"{column} is {short(value)} and {short(other)}"
    return ""


def _difference(layout: ImageFolderLayout, key: ImageKey, row: dict[str, Any], name_column: str) -> str:
    """What an earlier file says otherwise of an image, in words; "" if they agree as far as both go."""
    earlier = layout.store.row_of(key)
    if earlier is None:
        return ""
    own = {match_key(column.strip()): value for column, value in row.items() if column != name_column}
    for column, value in earlier.values.items():
        other = own.get(match_key(column.strip()))
        if (
            column != layout.files[earlier.file].name_column
            and other not in (None, "", value)
            and value not in (None, "")
        ):
            return f"{column} is {short(value)} in {layout.files[earlier.file].entry.path}, {short(other)} here"
    return ""


def _report_faults(layout: ImageFolderLayout, file: Metadata) -> None:
    path, more = file.entry.path, file.fault_count - len(file.faults)
    layout.failures += [Failure(path, f"{path}, {fault}") for fault in file.faults]
    if more:
        layout.failures.append(Failure(path, f"{path} has {counted(more, 'more line')} that cannot be used"))


def _add_images(layout: ImageFolderLayout, tree: Tree) -> None:
    """Everything that is known of each image of the tree."""
    broken = {parent(failure.file) for failure in layout.failures}
    layout.lists = lists = read_split_lists(tree, layout.label_paths)
    layout.label_paths |= {entry.path for entry in lists.entries}
    layout.notices += lists.notices
    claims, classes = _claims(layout, tree, lists), FolderClasses(lists.folders)
    skipped, without_row = 0, []
    for image in tree.images:
        if image.key in layout.excluded:
            continue
        split = claims.of(image.key) or lists.of(image.path)
        row = layout.store.row_of(image.key)
        if row is not None:
            label = next((value for key, value in row.values.items() if match_key(key.strip()) == "label"), None)
            name = str(label) if isinstance(label, str | int) and not isinstance(label, bool) else None
            masks = layout.companions.masks.get(image.key, ())
            layout.images[image.key] = ImageInfo(name, split, RowLabels(image.key, layout, image, masks))
        elif broken and not broken.isdisjoint(folders_above(image.path)):
            layout.excluded.add(image.key)  # its row may be in the file that could not be read
            skipped += 1
        else:
            without_row.append(image.path)
            layout.images[image.key] = ImageInfo(classes.of(image.path), split)
    if skipped:
        layout.notices.append(f"skipped {counted(skipped, 'image')}, since their metadata is broken")
    if without_row:
        layout.notices.append(f"{named(without_row)} without labels: no row of the metadata names them")


def _claims(layout: ImageFolderLayout, tree: Tree, lists: SplitLists) -> SplitClaims:
    """The split of each image by its row, if every row of the metadata names one, and by lists beside the metadata."""
    claims = SplitClaims("row or list")
    for key, split in _splits_in_rows(layout):
        claims.add(key, split, key[0])
    for image in tree.images:
        if (listed := lists.listed(image.path)) is not None:
            claims.add(image.key, listed, image.path)
    claims.settle()
    claims.hold_out({image.key: split_of(image.path, lists.folders) for image in tree.images})
    layout.notices += [notice for notice in claims.notices if notice not in layout.notices]
    return claims


def _splits_in_rows(layout: ImageFolderLayout) -> list[tuple[ImageKey, str]]:
    """The split of each row; none if a row has no column of splits, or something else in it."""
    found: list[tuple[ImageKey, str]] = []
    for file in range(len(layout.files)):
        for key, values in layout.store.rows_of(file):
            stated = next((value for name, value in values.items() if is_split_column(name)), "")
            if (named_split := split_named(str(stated))) is None:
                return []
            found.append((key, named_split))
    return found
