"""Which images are for training, validation and test, as folders and lists name them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

_WORDS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
_YEAR = re.compile(r"[-_]?(19|20)\d\d$")  # COCO's "train2017"


def split_named(name: str) -> str | None:
    """The split that the name of a folder or a list means; None if it means none.

    Example:
        >>> split_named("Valid"), split_named("train2017"), split_named("cats")
        ('val', 'train', None)
    """
    return _WORDS.get(_YEAR.sub("", name.strip().casefold()))


def split_within(name: str) -> str | None:
    """The split that a longer name contains; None if it contains none.

    Example:
        >>> split_within("instances_val2017"), split_within("cat_train")
        ('val', 'train')
    """
    words = re.split(r"[^a-z]+", name.casefold())
    return next((_WORDS[word] for word in reversed(words) if word in _WORDS), None)


def folder_splits(paths: Iterable[str]) -> dict[str, str | None]:
    """The split of each folder that names one.

    Sibling folders are splits if one of them is for training and all of them, or at least one other, have the name of a
    split. So a class may be called "train" as long as its siblings are called "car" and "bus". Siblings that are not
    splits ("extra") give None: they are kept apart from training too.

    Args:
        paths: the relative paths of all images.

    Example:
        >>> folder_splits(["images/train/a.jpg", "images/val/b.jpg"])
        {'images/train': 'train', 'images/val': 'val'}
    """
    root: dict[str, Any] = {}
    for path in paths:
        node = root
        for part in path.split("/")[:-1]:
            node = node.setdefault(part, {})
    found: dict[str, str | None] = {}
    remaining = [("", root)]
    while remaining:
        prefix, node = remaining.pop()
        names = {name: split_named(name) for name in node}
        splits = [split for split in names.values() if split]
        if "train" in splits and (len(splits) > 1 or len(names) == 1):
            found.update({prefix + name: split for name, split in names.items()})
        else:
            remaining += [(f"{prefix}{name}/", below) for name, below in node.items()]
    return found


def split_of(path: str, splits: dict[str, str | None]) -> tuple[str | None, str]:
    """The split of an image, and the folder that names it.

    Args:
        path: the image's relative path.
        splits: from `folder_splits`.

    Returns:
        (split, folder); (None, "") if the image is in none of these folders.
    """
    parts = path.split("/")[:-1]
    for depth in range(1, len(parts) + 1):
        folder = "/".join(parts[:depth])
        if folder in splits:
            return splits[folder], folder
    return None, ""
