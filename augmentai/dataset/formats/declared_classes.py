"""Files beside the labels that name the classes, one per line: labels.txt, classes.txt, labelmap.txt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from augmentai.dataset.file_tree import Entry
from augmentai.dataset.formats.masks.class_files import class_names

# What LabelMe's own scripts expect of the first two lines of labels.txt.
LABELME_FIRST = ("__ignore__", "_background_")
_NO_CLASSES = {*LABELME_FIRST, "background", "__background__"}


def classes_in_files(entries: Sequence[Entry]) -> list[str]:
    """The classes that such files name, in their order; the background is none."""
    return [name for name in dict.fromkeys(class_names(entries).values()) if name.casefold() not in _NO_CLASSES]


def class_list(names: Iterable[str]) -> bytes:
    """Such a file.

    Example:
        >>> class_list(["cat", "dog"])
        b'cat\\ndog\\n'
    """
    return "".join(f"{name}\n" for name in names).encode("utf-8", "backslashreplace")
