"""A set with CSV files of boxes or of classes, and the files beside them that give the names of class ids."""

from __future__ import annotations

from functools import partial
from pathlib import PurePosixPath

from augmentai.annotations import LabelError
from augmentai.dataset.file_tree import Entry, Tree, parent
from augmentai.dataset.formats.csv_boxes.codec import open_csv
from augmentai.dataset.formats.image_names import name_of
from augmentai.dataset.formats.label_values import clean
from augmentai.dataset.formats.listed.codec import Codec
from augmentai.dataset.formats.listed.csv_table import CsvTable
from augmentai.dataset.formats.listed.layout import ListedLayout, read_listed

_NAME_FILES = ("class", "label", "categor")  # how the names of files with the names of classes begin, or go on
_HEADERS = {"labelname", "displayname", "id", "name", "class", "classname", "label", "classid"}
_ONE_HOT = {f"{split}_classes" for split in ("", "train", "val", "test")}  # tables with a column per class
_MOST_CLASSES = 100_000


class CsvLayout(ListedLayout):
    """A set with CSV files. name_files: the names of classes by id, for each file that gives them."""

    def __init__(self, name_files: list[tuple[Entry, dict[str, str]]]) -> None:
        super().__init__()
        self.name_files = name_files

    def class_names(self) -> list[str]:
        """Those of classes.csv, which has the classes of a set alone, and what else the rows have."""
        own = [names for entry, names in self.name_files if name_of(entry.path).casefold() == "classes.csv"]
        return list(dict.fromkeys([*(name for names in own for name in names.values()), *super().class_names()]))

    def shared_files(self) -> list[Entry]:
        return [entry for entry, _ in self.name_files]


def read_csv(tree: Tree, requested: bool) -> CsvLayout | None:
    """The set as one of CSV files, or None if none of them labels its images."""
    name_files = [(entry, names) for entry in tree.sidecars_ending(".csv") if (names := _class_names(entry))]
    layout = CsvLayout(name_files)
    opened = partial(_open, name_files=name_files)
    found = read_listed(tree, requested, (".csv",), opened, layout)
    if found is not None:
        layout.label_paths |= {entry.path for entry, _ in name_files}
    return layout if found is not None else None


def _open(entry: Entry, name_files: list[tuple[Entry, dict[str, str]]]) -> Codec | None:
    if any(entry is file for file, _ in name_files):
        return None
    near = [names for file, names in name_files if entry.path.startswith(parent(file.path))]
    return open_csv(entry, near[-1] if near else {})


def _class_names(entry: Entry) -> dict[str, str]:
    """{id: name} of a file with two columns, "cat,0" as RetinaNet has it or "/m/01yrx,Cat" as Open Images has it."""
    name = PurePosixPath(entry.path).stem.casefold()
    if not any(word in name for word in _NAME_FILES) or name in _ONE_HOT:
        return {}
    found: dict[str, str] = {}
    try:
        for _, values in CsvTable(entry).rows():
            if len(values) != 2 or len(found) > _MOST_CLASSES:
                return {}
            first, second = map(clean, values)
            if first.casefold() not in _HEADERS and first and second:
                key, title = (first, second) if first.startswith("/m/") or first.isdecimal() else (second, first)
                found[key] = title
    except LabelError:
        return {}
    return found
