"""data.yaml: the classes of a YOLO set, and the folders and lists that name the images of each split."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from augmentai.annotations import LabelError
from augmentai.dataset.bounded_yaml import load_yaml
from augmentai.dataset.file_tree import Entry, Tree, joined, parent
from augmentai.dataset.formats.yolo.annotation import Classes
from augmentai.types import Failure

SPLIT_KEYS = ("train", "val", "test")


@dataclass
class DataYaml:
    """One data.yaml.

    Attributes:
        entry: the file. content: all that it says. classes: the names in it.
        folders: (folder, split) of the folders that it names.
        lists: (file, split) of the text files that name the images of a split.
    """

    entry: Entry
    content: dict[str, Any]
    classes: Classes
    folders: list[tuple[str, str]] = field(default_factory=list)
    lists: list[tuple[Entry, str]] = field(default_factory=list)

    @property
    def folder(self) -> str:
        return parent(self.entry.path)


def read_data_yamls(tree: Tree, failures: list[Failure], requested: bool) -> list[DataYaml]:
    """Every YAML file of a set that names classes.

    Args:
        tree: the files of the set.
        failures: gets those that cannot be read.
        requested: the user said that this is a YOLO set, so any broken YAML file counts as a failure.
    """
    found = []
    for entry in tree.sidecars_ending(".yaml", ".yml"):
        try:
            content = load_yaml(entry.text())
        except (LabelError, ValueError) as error:
            if requested or PurePosixPath(entry.path).stem == "data":
                failures.append(Failure(entry.path, f"not valid YAML ({_one_line(error)}); correct it"))
            continue
        if not isinstance(content, dict) or "names" not in content:
            continue
        try:
            one = DataYaml(entry, content, _classes(content, entry.path))
        except LabelError as error:
            failures.append(Failure(entry.path, str(error)))
            continue
        _find_splits(one, tree)
        found.append(one)
    return found


def splits_listed(one: DataYaml, tree: Tree) -> dict[str, str]:
    """The split of each image that a text file of data.yaml names; training wins if several name it."""
    found: dict[str, str] = {}
    if not one.lists:
        return found
    paths = {entry.path for entry in tree.images}
    for entry, split in reversed(one.lists):
        for line in entry.text().splitlines():
            if line.strip():
                path = resolve(line.strip(), "", parent(entry.path), paths)
                if path is not None:
                    found[path] = split
    return found


def resolve(written: str, base: str, folder: str, paths: set[str]) -> str | None:
    """The path of the set that a path in data.yaml, or in one of its lists, means.

    Such files are written for somebody's machine: `path` may lead to a folder of theirs, and exporters write
    "../train/images" for "train/images". So leading parts are removed until the rest exists.

    Args:
        written: the path as it is written.
        base: what data.yaml has as `path`.
        folder: the folder of the file that it is written in.
        paths: the paths that exist.
    """
    for start in (joined(base, written), joined(written)):
        parts = start.split("/")
        for removed in range(len(parts)):
            rest = "/".join(parts[removed:])
            for candidate in (joined(folder, rest), rest):
                if candidate in paths and (candidate or not rest):
                    return candidate
    return folder if folder in paths and joined(written) == "" else None


def _classes(content: dict[str, Any], file: str) -> Classes:
    names = content["names"]
    pairs = names.items() if isinstance(names, dict) else enumerate(names) if isinstance(names, list) else None
    if pairs is None:
        raise LabelError(f"names is {type(names).__name__}; expected a list, or a mapping of numbers to names")
    table: dict[int, str] = {}
    for number, name in pairs:
        if not isinstance(name, str | int | float) or not str(number).strip().isdigit():
            raise LabelError(f"names has {number!r}: {type(name).__name__}; expected a number and a name each")
        table[int(number)] = str(name)
    shape = content.get("kpt_shape")
    if isinstance(shape, list) and len(shape) == 2 and shape[1] in {2, 3} and isinstance(shape[0], int):
        return Classes(table, file, *shape)
    return Classes(table, file)


def _find_splits(one: DataYaml, tree: Tree) -> None:
    folders = tree.folders()
    path = one.content.get("path")
    base = path if isinstance(path, str) else ""
    for key in SPLIT_KEYS:
        value = one.content.get(key)
        for written in value if isinstance(value, list) else [value]:
            if not isinstance(written, str) or not written.strip():
                continue
            if written.lower().endswith(".txt"):
                found = resolve(written, base, one.folder, set(tree.sidecars))
                entry = tree.sidecar(found, one.entry.origin) if found is not None else None
                if entry is not None:
                    one.lists.append((entry, key))
            else:
                found = resolve(written, base, one.folder, folders)
                if found is not None:
                    one.folders.append((found, key))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:120]
