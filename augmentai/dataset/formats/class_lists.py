"""Files that name the class of each held-out image, where training images have class folders: val_annotations.txt."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from augmentai.annotations import LabelError
from augmentai.dataset.file_tree import Entry, Tree, parent
from augmentai.dataset.formats.image_list import ImagePaths, listed_images

_MIN_NAMED = 0.5  # of the lines, that name an image and a class of the set
_LARGEST_BYTES = 32 << 20


@dataclass
class ClassLists:
    """The classes that such files name. labels: by the path of the image."""

    entries: list[Entry] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)


def read_class_lists(tree: Tree, splits: Mapping[str, str | None], classes: Collection[str]) -> ClassLists:
    """The classes of held-out images.

    Args:
        tree: the files of the set.
        splits: the folders that are splits; the file is in that of the images it names.
        classes: of the training images; a line has to name one of them.
    """
    found = ClassLists()
    held_out = {folder for folder, split in splits.items() if folder and split not in {"train", None}}
    for entry in tree.sidecars_ending(".txt"):
        if parent(entry.path) in held_out and (entry.size_bytes or 0) <= _LARGEST_BYTES:
            labels = _labels_in(entry, tree, classes)
            if labels:
                found.entries.append(entry)
                found.labels.update(labels)
    return found


def _labels_in(entry: Entry, tree: Tree, classes: Collection[str]) -> dict[str, str]:
    """The class of each image that a file names; nothing if it is something else."""
    folder = parent(entry.path)
    names = ImagePaths(one.path for one in tree.images if one.path.startswith(folder + "/"))
    try:
        lines = list(listed_images(entry, names))
    except LabelError:
        return {}
    labels = {}
    for line in lines:
        words = line.text.strip().removeprefix(line.name).replace(",", " ").split()
        if line.path and words and words[0] in classes:
            labels[line.path] = words[0]
    return labels if len(labels) >= _MIN_NAMED * len(lines) else {}
