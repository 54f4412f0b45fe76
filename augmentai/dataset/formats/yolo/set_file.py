"""What data.yaml and darknet's obj.data have in common: class names, and the folders and lists of each split."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from augmentai.annotations import LabelError
from augmentai.dataset.file_tree import Entry, Tree, parent
from augmentai.dataset.formats.image_list import (
    ImagePaths,
    list_with_variations,
    listed_images,
    missing_images,
    missing_notice,
    resolve,
)
from augmentai.dataset.formats.yolo.classes import Classes
from augmentai.types import Failure

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows


def folders_above(path: str) -> Iterator[str]:
    """The folders that contain a file, the nearest first and the set itself, "", last.

    Example:
        >>> list(folders_above("train/images/a.jpg"))
        ['train/images', 'train', '']
    """
    while path:
        path = parent(path)
        yield path


@dataclass
class SetFile:
    """A file that describes a whole set.

    Attributes:
        entry: the file.
        classes: the names in it, or in the file that it names.
        names: the file of the class names, if they are in one of their own.
        folders: (folder, split) of the folders that it names.
        lists: (file, split) of the text files that name the images of a split.
    """

    entry: Entry
    classes: Classes
    names: Entry | None = None
    folders: list[tuple[str, str]] = field(default_factory=list)
    lists: list[tuple[Entry, str]] = field(default_factory=list)
    _known: set[tuple[str | Entry, str]] = field(default_factory=set, repr=False)

    @property
    def folder(self) -> str:
        return parent(self.entry.path)

    def add_place(self, written: str, base: str, split: str, tree: Tree, folders: Collection[str] = ()) -> str | None:
        """Add a folder or a list of images, as it is written; returns its path in the set, None if it has none.

        folders: of the set, quickly searched.
        """
        if written.lower().endswith(".txt"):
            entry = self.file(written, base, tree)
            if entry is not None and (entry, split) not in self._known:
                self._known.add((entry, split))
                self.lists.append((entry, split))
            return entry.path if entry is not None else None
        found = resolve(written, base, self.folder, folders)
        if found is not None and (found, split) not in self._known:
            self._known.add((found, split))
            self.folders.append((found, split))
        return found

    def file(self, written: str, base: str, tree: Tree) -> Entry | None:
        """The file of the set that a path means."""
        found = resolve(written, base, self.folder, tree.sidecars)
        return tree.sidecar(found, self.entry.origin) if found is not None else None

    @property
    def names_training(self) -> bool:
        """Whether it says where the training images are, so that no others are."""
        return "train" in {split for _, split in (*self.folders, *self.lists)}

    def relative(self, path: str) -> str:
        """A path of the set, seen from this file."""
        return posixpath.relpath(path or ".", self.folder or ".")

    def splits_of(self, path: str, listed: Mapping[str, set[str]]) -> set[str]:
        """Every split that lists and folders give an image; listed: from `splits_listed`."""
        above = folders_above(path)
        return {split for folder in above for split in self._splits.get(folder, ())} | listed.get(path, set())

    @cached_property
    def _splits(self) -> dict[str, set[str]]:
        """The splits of each folder, once all are known."""
        found: dict[str, set[str]] = defaultdict(set)
        for folder, split in self.folders:
            found[folder].add(split)
        return found

    def splits_listed(self, paths: ImagePaths, failures: list[Failure], notices: list[str]) -> dict[str, set[str]]:
        """The splits whose lists name each image.

        Args:
            paths: finds the images.
            failures: gets the lists that cannot be read.
            notices: gets the lists that name images which the set does not have.
        """
        found: dict[str, set[str]] = defaultdict(set)
        for entry, split in self.lists:
            try:
                lines = list(listed_images(entry, paths))
            except LabelError as error:
                failures.append(Failure(entry.path, str(error)))
                continue
            for one in lines:
                if one.path:
                    found[one.path].add(split)
            notices += missing_notice([entry.path], missing_images(lines))
        return found

    def written_lists(self, rows: ImageRows) -> Iterator[tuple[str, Iterable[bytes]]]:
        """The lists of the splits that the finished set has."""
        for entry, split in self.lists:
            if split in rows.splits or split == "train":
                yield entry.path, list_with_variations(entry, rows, leads_to_files=True)

    def text(self, rows: ImageRows, losses: dict[str, None]) -> str:
        """The file for the finished set: every path leads to what is in it.

        Args:
            rows: the images of the finished set.
            losses: gets what the user should know.
        """
        raise NotImplementedError
