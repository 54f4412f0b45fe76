"""Loose images, class folders, and splits of either: the layout of a set without label files."""

from __future__ import annotations

from collections.abc import Container, Mapping
from pathlib import PurePosixPath

from augmentai.dataset.file_tree import Tree, parent
from augmentai.dataset.formats.base import Format, ImageInfo, Layout
from augmentai.dataset.formats.split_words import read_name
from augmentai.dataset.formats.splits import folder_splits, split_of, wrapper_folders


class FolderLayout(Layout):
    """An image's class is the name of its folder; a split is not a class."""

    name = "folders"
    labelled = False


def read_folders(tree: Tree, requested: bool = True) -> FolderLayout:
    """Any set, by its folders alone."""
    paths = [entry.path for entry in tree.images]
    splits = folder_splits(paths)
    wrappers = wrapper_folders(paths, splits)
    layout = FolderLayout()
    for entry in tree.images:
        layout.images[entry.key] = ImageInfo(class_of(entry.path, splits, wrappers), split_of(entry.path, splits)[0])
    return layout


def class_of(path: str, splits: Mapping[str, str | None], wrappers: Container[str] = ()) -> str | None:
    """The class of an image: the name of its class folder; None for a loose image.

    Args:
        path: the image's relative path.
        splits: the folders that are splits. "train/a.jpg" has no class; "cats/train/a.jpg" is of "cats" if other
            classes have splits of their own, and "cat_train/a.jpg" of "cat" if other classes have such folders.
        wrappers: folders that are no classes; see `wrapper_folders`.

    Example:
        >>> class_of("train/cats/a.jpg", {"train": "train", "val": "val"})
        'cats'
        >>> class_of("train/n01443537/images/a.jpg", {"train": "train"}, {"train/n01443537/images"})
        'n01443537'
    """
    folder = parent(path)
    while folder in wrappers:
        folder = parent(folder)
    if not folder or folder not in splits:
        return PurePosixPath(folder).name or None
    above = parent(folder)
    siblings = [other for other in splits if parent(other) == above]
    classes = {read_name(PurePosixPath(other).name).rest for other in siblings}
    if len(classes) > 1 and () not in classes:
        return "_".join(read_name(PurePosixPath(folder).name).rest)
    has_own_splits = above and any(other and parent(other) != above for other in splits)
    return PurePosixPath(above).name if has_own_splits else None


FOLDERS = Format(
    name="folders",
    title="Class folders (ignore label files)",
    hint="nothing else fits: class folders, or loose images",
    detect=read_folders,
    priority=-100,  # every set fits
)
