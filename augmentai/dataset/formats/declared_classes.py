"""Files beside the labels that name the classes, one per line: labels.txt, classes.txt, labelmap.txt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from augmentai.dataset.file_tree import Entry
from augmentai.dataset.formats.base import OutputFile
from augmentai.dataset.formats.masks.class_files import class_names
from augmentai.dataset.formats.masks.palette import voc_color

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


def class_file(names: Sequence[str]) -> OutputFile:
    """The name and content of a file of all classes beside Pascal VOC: labelmap.txt, as CVAT and datumaro have it.

    Where a class has a name that ends there too early, it is labels.txt, with a name per line.

    Example:
        >>> class_file(["cat"])[1].decode().splitlines()
        ['# label:color_rgb:parts:actions', 'background:0,0,0::', 'cat:128,0,0::']
        >>> class_file(["2:1"])
        ('labels.txt', b'2:1\\n')
    """
    if any(set(name) & set(":#") for name in names):
        return "labels.txt", class_list(names)
    classes = [name for name in names if name.casefold() not in _NO_CLASSES]
    lines = ["# label:color_rgb:parts:actions"]
    for value, name in enumerate(["background", *classes]):
        lines.append(f"{name}:{','.join(map(str, voc_color(value)))}::")
    return "labelmap.txt", class_list(lines)
