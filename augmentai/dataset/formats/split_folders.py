"""Files that name splits by folders of images, such as videos, patients or classes: DAVIS, UCF101, miniImageNet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from augmentai.annotations import LabelError
from augmentai.dataset.file_tree import Entry, parent
from augmentai.dataset.formats.image_list import ImagePaths
from augmentai.dataset.formats.split_claims import held_out_first
from augmentai.dataset.formats.split_files import SplitFile
from augmentai.dataset.formats.split_words import read_name

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows

_MIN_FOUND = 0.5  # of the names, that are folders of the set
_END = re.compile(r"[\s,;]+[^\s,;]*$")  # a class, or its number


@dataclass(frozen=True)
class SplitFolders(SplitFile):
    """A file whose names are folders; it is true of a larger set as it is, since variations are beside their images."""

    def written(self, rows: ImageRows, leads_to_files: bool) -> Iterator[tuple[str, Iterable[bytes]]]:
        yield self.path, [self.entries[0].read(self.entries[0].size_bytes or 1 << 25)]


def read_folder_list(entry: Entry, names: ImagePaths) -> SplitFolders | None:
    """A text that is called as a split, and lists folders; None if it is something else."""
    try:
        lines = [line.strip() for line in entry.text().splitlines() if line.strip() and not line.startswith("#")]
    except LabelError:
        return None
    if len(lines) > 1 and lines[0].isdigit():  # how many follow, as LFW has it
        lines = lines[1:] if not names.below(lines[0], parent(entry.path)) else lines
    split = read_name(PurePosixPath(entry.path).stem).split
    return of_folders(entry, [(line, split) for line in lines], names)


def of_folders(entry: Entry, named: Iterable[tuple[str, str | None]], names: ImagePaths) -> SplitFolders | None:
    """What a file says of folders.

    Args:
        entry: the file.
        named: each name in it, and its split.
        names: the images of the set.

    Returns:
        None if most names are no folders, or a folder is in two splits, as a class may be. Numbers may be anything
        else, so that all of them must be folders.
    """
    pairs: list[tuple[str, str]] = []
    found = count = 0
    seen: set[tuple[int, str | None]] = set()  # a million lines may name a folder of thousands
    for name, split in named:
        images = _images(name, entry, names)
        count += 1
        found += bool(images)
        if not images and name.isdigit():
            return None
        if split and (id(images), split) not in seen:
            seen.add((id(images), split))
            pairs += [(image, split) for image in images]
    splits, _ = held_out_first(pairs)
    if not pairs or found <= _MIN_FOUND * count or any(splits[image] != split for image, split in pairs):
        return None
    return SplitFolders((entry,), splits)


def _images(name: str, entry: Entry, names: ImagePaths) -> list[str]:
    folder = parent(entry.path)
    return names.below(name, folder) or names.below(_END.sub("", name), folder)
