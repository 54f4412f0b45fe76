"""Loose images, class folders, and splits of either: the layout of a set without label files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from augmentai.dataset.file_tree import Entry, Tree, parent
from augmentai.dataset.formats.base import Format, ImageInfo, Layout, StreamedFiles
from augmentai.dataset.formats.class_lists import read_class_lists
from augmentai.dataset.formats.split_lists import SplitLists, read_split_lists
from augmentai.dataset.formats.split_words import rest_of_name
from augmentai.dataset.formats.splits import folder_splits, wrapper_folders

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows


class FolderLayout(Layout):
    """An image's class is the name of its folder; a split is not a class.

    Args:
        lists: the lists of splits that the set has.
        listed_labels: files that name the classes of held-out images; they are copied.
    """

    name = "folders"
    labelled = False

    def __init__(self, lists: SplitLists | None = None, listed_labels: Sequence[Entry] = ()) -> None:
        super().__init__()
        self._lists, self._listed_labels = lists, list(listed_labels)
        if lists is not None:
            self.label_paths |= {entry.path for entry in (*lists.entries, *listed_labels)}
            self.notices += lists.notices

    def shared_files(self) -> list[Entry]:
        return self._listed_labels

    def dataset_files(self, rows: ImageRows) -> StreamedFiles:
        if self._lists is not None:
            yield from self._lists.written(rows)


def read_folders(tree: Tree, requested: bool = True) -> FolderLayout:
    """Any set, by its folders alone, and by its lists of splits."""
    paths = [entry.path for entry in tree.images]
    splits = folder_splits(paths)
    wrappers = wrapper_folders(paths, splits)
    of_folders = FolderClasses(splits, wrappers)
    classes = {entry.key: of_folders.of(entry.path) for entry in tree.images}
    listed = read_class_lists(tree, splits, {label for label in classes.values() if label is not None})
    lists = read_split_lists(tree, {entry.path for entry in listed.entries})
    layout = FolderLayout(lists, listed.entries)
    for entry in tree.images:
        label = classes[entry.key] or listed.labels.get(entry.path)
        layout.images[entry.key] = ImageInfo(label, lists.of(entry.path), None)
    return layout


class FolderClasses:
    """The classes of images, as their folders say them.

    Args:
        splits: the folders that are splits. "train/a.jpg" has no class; "cats/train/a.jpg" is of "cats" if other
            classes have splits of their own, and "cat_train/a.jpg" of "cat" if other classes have such folders.
        wrappers: folders that are no classes; see `wrapper_folders`.

    Example:
        >>> FolderClasses({"train": "train", "val": "val"}).of("train/cats/a.jpg")
        'cats'
        >>> FolderClasses({"train": "train"}, {"train/n01443537/images"}).of("train/n01443537/images/a.jpg")
        'n01443537'
    """

    def __init__(self, splits: Mapping[str, str | None], wrappers: Container[str] = ()) -> None:
        self._splits, self._wrappers = splits, wrappers
        self._siblings: dict[str, set[tuple[str, ...]]] = defaultdict(
            set
        )  # what else the splits in a folder are called
        for split in splits:
            self._siblings[parent(split)].add(rest_of_name(PurePosixPath(split).name))
        self._places = {parent(split) for split in splits if split}

    def of(self, path: str) -> str | None:
        """The class of an image: the name of its class folder; None for a loose image."""
        folder = parent(path)
        while folder in self._wrappers:
            folder = parent(folder)
        if not folder or folder not in self._splits:
            return PurePosixPath(folder).name or None
        above = parent(folder)
        classes = self._siblings[above]
        if len(classes) > 1 and () not in classes:
            return "_".join(rest_of_name(PurePosixPath(folder).name))
        has_own_splits = above and self._places != {above}
        return PurePosixPath(above).name if has_own_splits else None


FOLDERS = Format(
    name="folders",
    title="Class folders (ignore label files)",
    hint="nothing else fits: class folders, or loose images",
    detect=read_folders,
    part=FolderLayout,
    priority=-100,  # every set fits
)
