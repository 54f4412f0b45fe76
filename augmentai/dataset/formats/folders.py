"""Loose images, class folders, and splits of either: the layout of a set without label files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from augmentai.dataset.file_tree import Tree, parent
from augmentai.dataset.formats.base import Format, ImageInfo, Layout
from augmentai.dataset.formats.splits import folder_splits, split_of


class FolderLayout(Layout):
    """An image's class is the name of its folder; a split is not a class."""

    name = "folders"
    labelled = False


def read_folders(tree: Tree, requested: bool = True) -> FolderLayout:
    """Any set, by its folders alone."""
    splits = folder_splits(entry.path for entry in tree.images)
    layout = FolderLayout()
    for entry in tree.images:
        layout.images[entry.key] = ImageInfo(class_of(entry.path, splits), split_of(entry.path, splits)[0])
    return layout


def class_of(path: str, splits: Mapping[str, str | None]) -> str | None:
    """The class of an image: the name of its class folder; None for a loose image.

    Args:
        path: the image's relative path.
        splits: the folders that are splits. "train/a.jpg" has no class; "cats/train/a.jpg" is of "cats" if other
            classes have splits of their own.

    Example:
        >>> class_of("train/cats/a.jpg", {"train": "train", "val": "val"})
        'cats'
    """
    folder = parent(path)
    if folder not in splits:
        return PurePosixPath(folder).name or None
    above = parent(folder)
    is_class = above and any(parent(other) != above for other in splits)
    return PurePosixPath(above).name if is_class else None


FOLDERS = Format(
    name="folders",
    title="Class folders (ignore label files)",
    hint="nothing else fits: class folders, or loose images",
    detect=read_folders,
    priority=-100,  # every set fits
)
