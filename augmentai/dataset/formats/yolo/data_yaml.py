"""data.yaml: the classes of a YOLO set, and the folders and lists that name the images of each split."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from augmentai.annotations import LabelError
from augmentai.dataset.bounded_yaml import load_yaml_twice
from augmentai.dataset.file_tree import Entry, Tree, parent
from augmentai.dataset.formats.split_words import split_named
from augmentai.dataset.formats.yolo.classes import Classes, classes_from_list, classes_from_yaml
from augmentai.dataset.formats.yolo.set_file import SetFile
from augmentai.types import Failure

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows

NO_VALIDATION = (
    "the set has no validation images, but Ultralytics requires some: data.yaml names the training images as val; "
    "replace them with your own before you rely on its metrics"
)
_HEADER = """# This set has no validation images, but Ultralytics requires some: the training images stand in for them.
# Replace val with your own before you rely on its metrics.
"""


@dataclass
class DataYaml(SetFile):
    """One data.yaml.

    Attributes:
        content: all that it says.
        places: what each of its split keys ("train", "val", "valid") leads to in the set.
    """

    content: dict[str, Any] = field(default_factory=dict)
    places: dict[str, list[str]] = field(default_factory=dict)

    def text(self, rows: ImageRows, losses: dict[str, None]) -> str:
        """With all paths relative to the file itself, so that it trains wherever it is."""
        content = {key: value for key, value in self.content.items() if key != "path"}
        training = {folder for folder, split in self.folders if split == "train"}
        for key, places in self.places.items():
            split = split_named(key)
            # Small sets validate on their training images: those exist whatever becomes of the other splits.
            if not (split == "train" or split in rows.splits or training & set(places)):
                content.pop(key, None)
                continue
            if not places:
                places = [_folder_of(split, rows)]
                losses.setdefault(f"{self.entry.path}: {key} led to nothing in the set; it now leads to its images")
            found = [self.relative(place) for place in places]
            content[key] = found if len(found) > 1 else found[0]
        had_val = any(split_named(key) == "val" for key in self.places)
        val_is_train = had_val and "train" in content and not any(split_named(key) == "val" for key in content)
        if val_is_train:
            content["val"] = content["train"]
            losses.setdefault(NO_VALIDATION)
        return data_yaml(content, val_is_train)


def _folder_of(split: str | None, rows: ImageRows) -> str:
    """The folder that holds the images of a split, or, in a set without splits, all of them."""
    return posixpath.commonpath({parent(row.file) for row in rows if row.source.split in {split, None}} or {""})


def data_yaml(content: dict[str, Any], val_is_train: bool) -> str:
    """The text of data.yaml. val_is_train: the training images are named for validation, which its header says."""
    import yaml

    return _HEADER * val_is_train + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=10**6)


def read_data_yamls(tree: Tree, failures: list[Failure], requested: bool) -> list[DataYaml]:
    """Every YAML file of a set that names classes, or the images of a split and how many classes there are.

    Args:
        tree: the files of the set.
        failures: gets those that cannot be read.
        requested: the user said that this is a YOLO set, so any broken YAML file counts as a failure.
    """
    found = []
    folders = tree.folders()
    for entry in tree.sidecars_ending(".yaml", ".yml"):
        try:
            content, as_text = load_yaml_twice(entry.text())
        except (LabelError, ValueError) as error:
            if requested or PurePosixPath(entry.path).stem == "data":
                failures.append(Failure(entry.path, f"not valid YAML ({_one_line(error)}); correct it"))
            continue
        if not isinstance(content, dict) or not ("names" in content or ("nc" in content and "train" in content)):
            continue
        try:
            found.append(_read(entry, content, as_text, tree, folders))
        except LabelError as error:
            failures.append(Failure(entry.path, str(error)))
    return found


def _read(entry: Entry, content: dict[str, Any], as_text: dict[str, Any], tree: Tree, folders: set[str]) -> DataYaml:
    one = DataYaml(entry, Classes({}, entry.path), content=content)
    path = content.get("path")
    base = path if isinstance(path, str) else ""
    written = content.get("names")
    if isinstance(written, str):
        one.names = one.file(written, base, tree)
    if one.names is not None:
        content["names"] = one.relative(one.names.path)
        listed = list(classes_from_list(one.names).names.values())
        one.classes = classes_from_yaml(content, as_text, one.names.path, listed)
    elif "names" in content:
        one.classes = classes_from_yaml(content, as_text, entry.path, ())
        content["names"] = _same_form(written, one.classes.names)
    _add_places(one, base, tree, folders)
    return one


def _add_places(one: DataYaml, base: str, tree: Tree, folders: set[str]) -> None:
    for key, value in one.content.items():
        split = split_named(key) if isinstance(key, str) else None
        values = value if isinstance(value, list) else [value]
        if split is None or not all(isinstance(written, str) for written in values):
            continue
        found = [one.add_place(written, base, split, tree, folders) for written in values if written.strip()]
        one.places[key] = [place for place in found if place is not None]


def _same_form(written: Any, names: dict[int, str]) -> Any:
    """The names as text, in a list or a mapping as before: YAML would make a boolean of "no"."""
    return list(names.values()) if isinstance(written, list) and list(names) == list(range(len(names))) else names


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:120]
