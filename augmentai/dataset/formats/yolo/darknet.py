"""Darknet's obj.data: where the names of the classes and the lists of the splits are, a key and a path on each line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from augmentai.annotations import LabelError
from augmentai.dataset.file_tree import Entry, Tree, joined
from augmentai.dataset.formats.split_words import split_named
from augmentai.dataset.formats.yolo.classes import Classes, classes_from_list
from augmentai.dataset.formats.yolo.set_file import SetFile
from augmentai.types import Failure

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows


@dataclass
class DarknetData(SetFile):
    """One file of this kind.

    Attributes:
        lines: (key, value, path in the set or None) of each line; the key is "" for a line that has none.
    """

    lines: list[tuple[str, str, str | None]] = field(default_factory=list)

    def text(self, rows: ImageRows, losses: dict[str, None]) -> str:
        written = []
        for key, value, path in self.lines:
            split = split_named(key) if path is not None else None
            if split is not None and split != "train" and split not in rows.splits:
                continue  # its list is not in the set either
            is_found = path is None or joined(value) == path
            place = value if is_found or path is None else self.relative(path)
            written.append(f"{key} = {place}\n" if key else f"{value}\n")
        return "".join(written)


def read_darknet(tree: Tree, failures: list[Failure]) -> list[DarknetData]:
    """Every file of a set that names classes or lists in darknet's way.

    Args:
        tree: the files of the set.
        failures: gets those whose class names cannot be read.
    """
    found = []
    for entry in tree.sidecars_ending(".data"):
        try:
            one = _read(entry, tree)
        except LabelError as error:
            failures.append(Failure(entry.path, str(error)))
            continue
        if one.names is not None or one.lists:
            found.append(one)
    return found


def _read(entry: Entry, tree: Tree) -> DarknetData:
    one = DarknetData(entry, Classes({}, entry.path))
    for line in entry.text().splitlines():
        key, separator, value = (part.strip() for part in line.partition("="))
        path = None
        if separator and key.casefold() == "names":
            one.names = one.file(value, "", tree)
            path = one.names.path if one.names is not None else None
        elif separator and value and (split := split_named(key)) is not None:
            path = one.add_place(value, "", split, tree)
        one.lines.append((key, value, path) if separator else ("", line, None))
    if one.names is not None:
        one.classes = classes_from_list(one.names)
    return one
