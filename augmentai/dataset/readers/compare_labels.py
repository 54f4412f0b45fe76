"""Labels that a set has in two formats: whether they say the same."""

from __future__ import annotations

from dataclasses import dataclass

from augmentai.annotations import LabelError, Labels
from augmentai.dataset.file_names import printable
from augmentai.dataset.file_tree import Tree
from augmentai.dataset.formats.base import ImageInfo, Layout
from augmentai.dataset.formats.masks.companions import AccompaniedLabels
from augmentai.plurals import counted

_MOST_COMPARED = 200  # images, evenly spread
_TOLERANCE_PX = 2.0  # formats count pixels from 0 or 1, and round

Objects = list[tuple[str, tuple[float, ...]]]  # (class, box) of each


@dataclass(frozen=True)
class Comparison:
    """How the labels of two formats compare.

    Attributes:
        words: in words ("agree in 3 compared images"); "" if no image has both.
        agrees: both say the same of every image that was compared, and some were.
    """

    words: str = ""
    agrees: bool = False


def compared_labels(tree: Tree, used: Layout, other: Layout) -> Comparison:
    """Whether the labels of two formats agree.

    Args:
        tree: the files of the set.
        used, other: the set as each format reads it.
    """
    both = [entry for entry in tree.images if _has_labels(used, entry.key) and _has_labels(other, entry.key)]
    differ = []
    sample = both[:: max(1, len(both) // _MOST_COMPARED)]
    for entry in sample:
        ours, theirs = _objects(used, entry.key), _objects(other, entry.key)
        if ours is not None and theirs is not None and not _agree(ours, theirs):
            differ.append(f"{printable(entry.path)}: {_told(ours)} here, {_told(theirs)} there")
    if not sample:
        return Comparison()
    if differ:
        return Comparison(f"differ in {len(differ)} of {counted(len(sample), 'compared image')} ({differ[0]})")
    return Comparison(f"agree in {counted(len(sample), 'compared image')}", agrees=True)


def _has_labels(layout: Layout, key: tuple[str, str]) -> bool:
    return layout.images.get(key, ImageInfo()).labels is not None


def _objects(layout: Layout, key: tuple[str, str]) -> Objects | None:
    """The objects of an image by class and place; None if they cannot be read, which is reported with the image."""
    reader = layout.images[key].labels
    own = reader.own if isinstance(reader, AccompaniedLabels) else reader
    try:
        return _sorted(own.load()) if own is not None else None
    except (LabelError, OSError):
        return None


def _sorted(labels: Labels) -> Objects:
    return sorted((shape.category, shape.box) for shape in labels.shapes if shape.box is not None)


def _agree(ours: Objects, theirs: Objects) -> bool:
    if any(name.isdecimal() for name, _ in (*ours, *theirs)):  # one of them numbers its classes
        ours, theirs = sorted(("", box) for _, box in ours), sorted(("", box) for _, box in theirs)
    left = list(theirs)
    for name, box in ours:
        twin = next((one for one in left if one[0].casefold() == name.casefold() and _is_near(one[1], box)), None)
        if twin is None:
            return False
        left.remove(twin)
    return not left


def _is_near(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return all(abs(a - b) <= _TOLERANCE_PX for a, b in zip(one, other, strict=True))


def _told(objects: Objects) -> str:
    if len(objects) == 1:
        (name, box) = objects[0]
        return f"{printable(name)} at {', '.join(f'{side:.4g}' for side in box)}"
    return counted(len(objects), "object")
