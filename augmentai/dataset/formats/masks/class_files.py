"""The files that name the classes of masks: a name for each value, or for each colour."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from augmentai.annotations import LabelError
from augmentai.dataset.file_tree import Entry, Tree
from augmentai.dataset.formats.label_values import clean, is_whole

CLASS_FILES = frozenset(
    {
        "classes.txt",
        "class_names.txt",
        "labels.txt",
        "codes.txt",
        "labelmap.txt",
        "label_colors.txt",
        "class_dict.csv",
        "_classes.csv",
    }
)
LABEL_MAP = ".pbtxt"
_ITEM = re.compile(r"item\s*\{([^{}]*)\}")
_FIELD = re.compile(r"""(\w+)\s*:\s*(?:(["'])(.*?)(?<!\\)\2|([^\s"']+))""")
_COLOUR_LINE = re.compile(r"^(?P<name>[^:#]+):(?P<rgb>\d+,\d+,\d+)(:.*)?$")  # CVAT's labelmap.txt
_COLOUR_FIRST = re.compile(r"^(?P<rgb>\d+\s+\d+\s+\d+)\s+(?P<name>\S.*)$")  # CamVid's label_colors.txt


def class_files(tree: Tree) -> list[Entry]:
    """The files of a set that name the classes of its masks; sorted by path."""
    found = tree.sidecars_ending(".txt", ".csv", LABEL_MAP)
    return [entry for entry in found if is_class_file(entry.path)]


def is_class_file(path: str) -> bool:
    """Whether a file is called as one that names classes; TensorFlow's label maps have an ending of their own.

    Example:
        >>> is_class_file("a/Classes.txt"), is_class_file("cars_label_map.pbtxt"), is_class_file("a.txt")
        (True, True, False)
    """
    return path.lower().endswith(LABEL_MAP) or PurePosixPath(path).name.casefold() in CLASS_FILES


def class_names(entries: Sequence[Entry]) -> dict[str, str]:
    """The names of classes by value ("3") and by colour ("#ff0000"); of several files the first counts."""
    found: dict[str, str] = {}
    for entry in entries:
        try:
            text = entry.text()
        except LabelError:
            continue  # it is copied as it is, and says nothing
        is_map = entry.path.lower().endswith(LABEL_MAP)
        for key, name in _in_label_map(text) if is_map else _named(text, entry.path.lower().endswith(".csv")):
            if clean(name):
                found.setdefault(key, clean(name))
    return found


def _in_label_map(text: str) -> Iterator[tuple[str, str]]:
    """TensorFlow's `item { id: 1 name: "cat" display_name: "Cat" }`; the name shown counts, if there is one."""
    for item in _ITEM.findall(text):
        fields = {key: (quoted or plain).replace("\\'", "'") for key, _, quoted, plain in _FIELD.findall(item)}
        name = fields.get("display_name") or fields.get("name")
        if name and fields.get("id", "").isdigit():
            yield fields["id"], name


def _named(text: str, is_csv: bool) -> Iterator[tuple[str, str]]:
    """(value or colour, name) of each line."""
    lines = [line.strip() for line in text.splitlines()]
    if is_csv:
        yield from _in_columns([row for row in csv.reader(lines) if row])
        return
    coloured = [match for line in lines if (match := _COLOUR_LINE.match(line) or _COLOUR_FIRST.match(line))]
    if coloured:
        yield from ((_colour(re.findall(r"\d+", match["rgb"])), match["name"]) for match in coloured)
    else:
        yield from ((str(value), name) for value, name in enumerate(lines) if name)


def _in_columns(rows: list[list[str]]) -> Iterator[tuple[str, str]]:
    """Roboflow's "Pixel Value, Class", and "name, r, g, b"."""
    for row in rows:
        cells = [cell.strip() for cell in row]
        if len(cells) == 2 and is_whole(cells[0]):
            yield cells[0], cells[1]
        elif len(cells) >= 4 and all(is_whole(cell) for cell in cells[1:4]):
            yield _colour(cells[1:4]), cells[0]


def _colour(rgb: Sequence[str]) -> str:
    return "#" + "".join(f"{min(255, int(value)):02x}" for value in rgb)
