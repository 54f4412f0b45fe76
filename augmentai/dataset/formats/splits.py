"""Which pictures are for training, which for validation and test, as folders and lists name them."""

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
    """ "train", "val" or "test" where a folder or a list is called so, else None: "Valid" is "val"."""
    return _WORDS.get(_YEAR.sub("", name.strip().casefold()))


def split_within(name: str) -> str | None:
    """The same for a name that holds such a word: "instances_val2017" is "val", "cat_train" is "train"."""
    words = re.split(r"[^a-z]+", name.casefold())
    return next((_WORDS[word] for word in reversed(words) if word in _WORDS), None)


def folder_splits(paths: Iterable[str]) -> dict[str, str | None]:
    """The split of each folder that names one: {"images/train": "train", "images/val": "val"}.

    Folders side by side are splits where one of them is for training and all, or at least one other, are called as
    splits are. So a class may be called "train" as long as its neighbours are called "car" and "bus". Neighbours that
    are no splits ("extra") give None: they are kept apart from training too.
    """
    root: dict[str, Any] = {}
    for path in paths:
        node = root
        for part in path.split("/")[:-1]:
            node = node.setdefault(part, {})
    found: dict[str, str | None] = {}
    waiting = [("", root)]
    while waiting:
        place, node = waiting.pop()
        names = {name: split_named(name) for name in node}
        splits = [split for split in names.values() if split]
        if "train" in splits and (len(splits) > 1 or len(names) == 1):
            found.update({place + name: split for name, split in names.items()})
        else:
            waiting += [(f"{place}{name}/", below) for name, below in node.items()]
    return found


def split_of(path: str, splits: dict[str, str | None]) -> tuple[str | None, str]:
    """(split, folder) of a picture: the folder among `splits` that it lies in, "" where it lies in none."""
    parts = path.split("/")[:-1]
    for depth in range(1, len(parts) + 1):
        folder = "/".join(parts[:depth])
        if folder in splits:
            return splits[folder], folder
    return None, ""
