"""Which images are for training, validation and test, as the folders of a set name them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from augmentai.dataset.file_tree import folders_above, parent
from augmentai.dataset.formats.split_words import (
    are_short_splits,
    names_images,
    read_name,
    says_nothing,
    short_split,
    split_named,
    split_within,
)
from augmentai.plurals import counted

__all__ = ["folder_splits", "split_named", "split_notices", "split_of", "split_within", "wrapper_folders"]

_NAMED = 4  # folders named in a notice
_MOST_SPLITS = 4  # more folders with the same folders in them are hardly splits: seasons, cameras, people


@dataclass
class _Node:
    """A folder. has_images: images are directly in it."""

    path: str = ""
    below: dict[str, _Node] = field(default_factory=dict)
    has_images: bool = False


@dataclass
class _Reading:
    """What the folders of a set say.

    Attributes:
        splits: the split of each folder that names one; see `folder_splits`.
        held_out: folders that are held out though their siblings are not called splits.
        classes: folders that stay classes though their names contain the words of different splits.
        alike: folders side by side that are not called splits and have the same folders of classes in them.
    """

    splits: dict[str, str | None] = field(default_factory=dict)
    held_out: list[str] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    alike: list[str] = field(default_factory=list)


def folder_splits(paths: Iterable[str]) -> dict[str, str | None]:
    """The split of each folder that names one.

    A name is read word by word: "training_set", "seg_test", "images_val" and "Test 1" are splits. Words that say
    something else ("test tubes") make it a class, unless a sibling has the same words and another split
    ("DIV2K_train_HR", "DIV2K_valid_HR").

    Sibling folders are splits if one of them is for training and another is not, or if all are called so. So a class
    may be called "train" as long as its siblings are called "car" and "bus". A folder called "test" beside classes is
    held out, since hardly any class has that name, and everything else is for training; so is one within "train".
    Siblings of splits that are not splits ("extra") give None: they are kept apart from training too. So are siblings
    of "train" with the same folders of classes in them ("unseen").

    Args:
        paths: the relative paths of all images.

    Returns:
        {folder: split}; "" is the set itself. The innermost folder of an image counts.

    Example:
        >>> folder_splits(["images/train/a.jpg", "images/val/b.jpg"])
        {'images/train': 'train', 'images/val': 'val'}
        >>> folder_splits(["train/a.jpg", "car/b.jpg", "bus/c.jpg"])
        {}
    """
    return _read(paths).splits


def split_of(path: str, splits: Mapping[str, str | None]) -> tuple[str | None, str]:
    """The split of an image, and the folder that names it.

    Args:
        path: the image's relative path.
        splits: from `folder_splits`.

    Returns:
        (split, folder); (None, "") if the image is in none of these folders.
    """
    folder = next((one for one in folders_above(path) if one in splits), None)
    return (None, "") if folder is None else (splits[folder], folder)


def split_notices(found: Mapping[str, str | None], counts: Mapping[str, int] | None = None) -> list[str]:
    """What the user should know before a run, because the folders leave a doubt.

    Args:
        found: the split of each image by its path, as it will be used.
        counts: how many images of its folder each of them stands for; 1 by default.
    """
    reading = _read(found)
    notices = []
    holding = _which_hold(found, {folder: reading.splits[folder] for folder in reading.held_out})
    held_out = [folder for folder in reading.held_out if folder in holding]
    if held_out:
        notices.append(
            f"{_some(held_out)} {_is_are(held_out)} held out and never augmented; everything else is for training. "
            "If that is a class, rename it"
        )
    apart = sorted({path.rpartition("/")[0] or "." for path, split in found.items() if split is None})
    if apart and any(found.values()):
        count = sum(1 if counts is None else counts[path] for path, split in found.items() if split is None)
        notices.append(f"{counted(count, 'image is', 'images are')} in no split and not augmented: {_some(apart)}")
    if reading.classes and not any(found.values()):
        notices.append(
            f"{_some(reading.classes)} are read as classes, not as splits; if they are splits, call them train and test"
        )
    if reading.alike and not any(found.values()):
        notices.append(
            f"{_some(reading.alike)} have the same folders in them and are all augmented; if one of them is for "
            "validation or testing, call it val or test"
        )
    return notices


def wrapper_folders(paths: Iterable[str], splits: Mapping[str, str | None]) -> frozenset[str]:
    """Folders that say nothing of what their images show: called "images", "data" or as a split, without a sibling.

    Args:
        paths: the relative paths of all images.
        splits: from `folder_splits`.

    Example:
        >>> sorted(wrapper_folders(["train/cats/images/a.jpg", "train/dogs/images/b.jpg"], {"train": "train"}))
        ['train/cats/images', 'train/dogs/images']
    """
    found: set[str] = set()
    remaining = [_tree(paths)]
    while remaining:
        node = remaining.pop()
        own = [name for name, below in node.below.items() if below.path not in splits]
        if len(own) == 1 and not node.has_images:
            path = node.below[own[0]].path
            if says_nothing(own[0]) or (split_named(own[0]) or "") == split_of(path, splits)[0]:
                found.add(path)
        remaining += node.below.values()
    return frozenset(found)


def _read(paths: Iterable[str]) -> _Reading:
    root = _tree(paths)
    reading = _Reading()
    single: list[tuple[_Node, str]] = []  # folders whose only subfolder is called a split
    rest_is_training = False
    remaining = [(root, True)]
    while remaining:
        node, holds_everything = remaining.pop()
        splits, is_rest_training = _splits_of_siblings(node)
        is_single = len(node.below) == 1 and not node.has_images
        if splits and (not is_single or holds_everything):
            reading.splits.update({node.below[name].path: split for name, split in splits.items()})
            if is_rest_training:
                reading.held_out += [node.below[name].path for name, split in splits.items() if split != "train"]
                rest_is_training = True
                remaining += [(below, False) for name, below in node.below.items() if name not in splits]
            inner = _held_out_in_training(node, splits)
            reading.splits.update(inner)
            reading.held_out += inner
            continue
        if splits:
            single.append((next(iter(node.below.values())), next(iter(splits))))
        elif len({read_name(name).split for name in node.below} - {None}) > 1:
            reading.classes += [below.path for name, below in node.below.items() if read_name(name).split]
        elif 1 < len(node.below) <= _MOST_SPLITS and _show_the_same(node):
            reading.alike += [below.path for below in node.below.values()]
        remaining += [(below, holds_everything and is_single) for below in node.below.values()]
    known = {path.rpartition("/")[2].casefold(): split for path, split in reading.splits.items()}
    for node, name in single:
        if known.get(name.casefold()):
            reading.splits[node.path] = known[name.casefold()]
    if rest_is_training:
        reading.splits.setdefault("", "train")
    return reading


def _tree(paths: Iterable[str]) -> _Node:
    root = _Node()
    for folder in dict.fromkeys(map(parent, paths)):
        node = root
        for part in folder.split("/") if folder else ():
            if part not in node.below:
                node.below[part] = _Node(f"{node.path}/{part}" if node.path else part)
            node = node.below[part]
        node.has_images = True
    return root


def _splits_of_siblings(node: _Node) -> tuple[dict[str, str | None], bool]:
    """({name: split} of the subfolders of a folder, whether all other images are for training); empty if no splits."""
    read = {name: read_name(name) for name in node.below}
    counterparts: dict[object, set[str]] = defaultdict(set)  # the splits of the folders that are else called the same
    for one in read.values():
        if one.split:
            counterparts[one.rest].add(one.split)
    named = {
        name: one.split
        for name, one in read.items()
        if one.split and (not one.rest or counterparts[one.rest] - {one.split})
    }
    if any(read[name].rest for name in named):
        named = {name: one.split for name, one in read.items() if one.split}
    if not named and are_short_splits(read):
        return {name: short_split(name) for name in read}, False
    others = [name for name in read if name not in named]
    present = set(named.values())
    if ("train" in present and len(present) > 1) or (named and not others and not node.has_images):
        return {name: named.get(name) for name in read}, False
    every = {name: one.split for name, one in read.items() if one.split}
    if named and len(every) == len(read) and len(set(every.values())) > 1:  # "train", "testA" and "testB"
        return dict(every), True
    if len(every) == len(read) and {"train"} < set(every.values()) and _show_the_same(node):
        return dict(every), False  # "train_real" and "test_synthetic", each with all classes
    if "train" in present and others and _show_the_same(node):  # "train" and "unseen", each with all classes
        return {name: named.get(name) for name in read}, False
    if not named or ("train" in present and others):
        return {}, False
    if "train" in present or (others and not node.has_images and all(map(names_images, others))):
        return dict(named), True
    is_family = any(word in name.casefold() for name in others for word in ("test", "val"))  # "pretest", "invalid"
    return (dict(named), True) if all(read[name].is_certain for name in named) and not is_family else ({}, False)


def _show_the_same(node: _Node) -> bool:
    """Whether the subfolders of a folder have the same folders of classes, several of them."""
    classes = [set(below.below) for below in node.below.values()]
    shared = [name for name in set.intersection(*classes) if not says_nothing(name)]
    return len(shared) > 1 and not any(below.has_images for below in node.below.values())


def _held_out_in_training(node: _Node, splits: Mapping[str, str | None]) -> dict[str, str | None]:
    """Folders called validation or test in a folder of training images, unless other splits have one of that name."""
    found: dict[str, str | None] = {}
    places = Counter(one for name in splits for one in set(_names_below(node.below[name])))
    for name, split in splits.items():
        remaining = [node.below[name]] if split == "train" else []
        while remaining:
            above = remaining.pop()
            for inner, below in above.below.items():
                read = read_name(inner)
                if read.split in {"val", "test"} and read.is_certain and not read.rest and places[inner] == 1:
                    found[below.path] = read.split
                else:
                    remaining.append(below)
    return found


def _names_below(node: _Node) -> Iterator[str]:
    for name, below in node.below.items():
        yield name
        yield from _names_below(below)


def _which_hold(found: Mapping[str, str | None], splits: Mapping[str, str | None]) -> set[str]:
    """The folders in which images are in the split that the folder is called after."""
    return {
        folder
        for path, split in found.items()
        for folder in (folders_above(path) if splits else ())
        if folder and folder in splits and splits[folder] == split
    }


def _some(folders: list[str]) -> str:
    more = f" and {len(folders) - _NAMED} more" if len(folders) > _NAMED else ""
    return ", ".join(sorted(folders)[:_NAMED]) + more


def _is_are(folders: list[str]) -> str:
    return "are" if len(folders) > 1 else "is"


def split_like(written: str, split: str) -> str:
    """The name of another split, written as a file writes that of its own; other words stay.

    Example:
        >>> split_like("Train", "val"), split_like("TRAIN", "test"), split_like("day 1", "val")
        ('Val', 'TEST', 'day 1')
    """
    plain = written.strip()
    if split_named(plain) in {None, split}:
        return written
    return split.upper() if plain.isupper() else split.capitalize() if plain[:1].isupper() else split
