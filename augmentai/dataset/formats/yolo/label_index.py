"""Which text file holds the labels of an image: by the words that trainers and tools exchange in its path."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from augmentai.dataset.file_names import name_key
from augmentai.dataset.file_tree import Entry, Tree, parent

_IMAGE_WORD = re.compile(r"(?i)jpegimages|images?|imgs?|photos?|pictures?|frames?")
_INSERTED = 4  # of the words, for folders beside or above those of images
_DEEPEST = 8  # folders above an image whose names are exchanged, or beside which one is looked for
_LABEL_WORDS = ("labels", "label", "annotations", "annotation", "annots", "yolo_labels", "labels_yolo", "txt", "yolo")


class LabelIndex:
    """Finds label files, whatever the case and the Unicode form of their names.

    An image in "images/train" has its labels in "labels/train", as Ultralytics has it; "JPEGImages" becomes "labels",
    as in darknet, and "train_images" "train_labels". Otherwise they are beside the image, or in a folder called
    "labels" above or beside it.

    Args:
        tree: the files of the set.
        words: what folders of label files are called, the most usual one first.
    """

    def __init__(self, tree: Tree, words: tuple[str, ...] = _LABEL_WORDS) -> None:
        self._words = words
        self._by_path: dict[str, list[Entry]] = defaultdict(list)
        for entry in tree.sidecars_ending(".txt"):
            self._by_path[name_key(entry.path, fold_case=True)].append(entry)
        self._folders = {parent(path) for path in self._by_path}
        self._folders_for: dict[str, list[str]] = {}  # by the folder of an image: those that have label files

    def find(self, image: Entry) -> Entry | None:
        """The label file of an image, None if it has none."""
        if not self._by_path:
            return None
        folder = parent(image.path)
        if folder not in self._folders_for:
            likely = _candidate_folders(folder.split("/") if folder else [], self._words)
            existing = [one for one in likely if name_key(one, fold_case=True) in self._folders]
            self._folders_for[folder] = list(dict.fromkeys(existing))
        for path in _candidates(image, self._folders_for[folder]):
            found = self._by_path.get(name_key(path, fold_case=True))
            if found:
                return max(found, key=lambda entry: (entry.origin == image.origin, entry.path == path))
        return None


def label_path(label: Entry, image: str, file: str) -> str:
    """The path of the label file of a variation, in the folder of its source's and named in the same way.

    Args:
        label: the label file of the source.
        image: the path of the source.
        file: the path of the variation.

    Example:
        >>> label_path(Entry("labels/a.TXT", ""), "images/a.jpg", "images/a__v1.jpg")
        'labels/a__v1.TXT'
    """
    own = PurePosixPath(label.path)
    name = PurePosixPath(image).name
    is_of_whole_name = name_key(own.stem, fold_case=True) == name_key(name, fold_case=True)
    made = PurePosixPath(file).name if is_of_whole_name else PurePosixPath(file).stem
    return own.with_name(made + own.suffix).as_posix()


def usual_label_path(image: str) -> str:
    """Where a trainer looks for the labels of an image first.

    Args:
        image: its path.

    Example:
        >>> usual_label_path("set/images/train/a.jpg"), usual_label_path("a.jpg")
        ('set/labels/train/a.txt', 'a.txt')
    """
    folder = parent(image)
    return next(_candidates(Entry(image, ""), _candidate_folders(folder.split("/") if folder else [], _LABEL_WORDS)))


def _candidates(image: Entry, folders: Iterable[str]) -> Iterator[str]:
    """Where the labels of an image may be in these folders, the most usual name first."""
    full_name = image.path.rpartition("/")[2]
    name = full_name.rpartition(".")[0] or full_name
    for folder in folders:
        for one in (name, full_name):
            yield f"{folder}/{one}.txt" if folder else f"{one}.txt"


def _candidate_folders(folders: list[str], words: tuple[str, ...]) -> Iterator[str]:
    """Where label files of the images in a folder may be, the most usual place first."""
    for place in range(len(folders) - 1, max(-1, len(folders) - 1 - _DEEPEST), -1):
        if _IMAGE_WORD.search(folders[place]):
            for word in words:
                yield "/".join((*folders[:place], _IMAGE_WORD.sub(word, folders[place]), *folders[place + 1 :]))
    yield "/".join(folders)
    for word in words[:_INSERTED]:
        for place in dict.fromkeys((*range(len(folders), max(-1, len(folders) - _DEEPEST), -1), 0)):
            yield "/".join((*folders[:place], word, *folders[place:]))
