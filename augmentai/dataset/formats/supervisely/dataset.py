"""A Supervisely project: img/ and ann/ of each dataset, meta.json with its classes, and all of it written again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from augmentai.annotations import LabelError, Labels
from augmentai.dataset.file_tree import Entry, Tree, joined, parent
from augmentai.dataset.formats.base import ImageInfo, Layout, OutputFile
from augmentai.dataset.formats.format_writer import json_bytes
from augmentai.dataset.formats.guarded_load import guarded
from augmentai.dataset.formats.image_frame import image_frame
from augmentai.dataset.formats.label_values import clean, load_json
from augmentai.dataset.formats.split_claims import SplitClaims
from augmentai.dataset.formats.splits import folder_splits, split_named, split_of
from augmentai.dataset.formats.supervisely.annotation import (
    NAME,
    class_titles,
    is_annotation,
    labels_from_supervisely,
    objects_of_variation,
    tag_names,
)
from augmentai.types import Failure, Source

_IMAGE_FOLDER = re.compile(r"(?i)(^|.*/)(img|images?)(/|$)")
_PROJECT_FILES = ("meta.json", "key_id_map.json", "obj_class_to_machine_color.json")


@dataclass(frozen=True, slots=True)
class SuperviselyLabels:
    """Reads the labels of one image from its JSON file."""

    image: Entry
    file: Entry

    @guarded
    def load(self) -> Labels:
        content = load_json(self.file)
        if not is_annotation(content):
            raise LabelError(f"{self.file.path} has no objects; expected Supervisely's objects and size")
        return labels_from_supervisely(content, self.file.path, image_frame(self.image))

    def tags(self) -> list[str]:
        """The names of the image's tags; none if its file cannot be read, which is reported when its turn comes."""
        try:
            content = load_json(self.file)
        except LabelError:
            return []
        return tag_names(content) if is_annotation(content) else []


class SuperviselyLayout(Layout):
    """A Supervisely project.

    Args:
        metas: its meta.json; several if the set holds several projects.
        others: further files of a project, which are copied.
        used: the classes of all objects, some of which meta.json may lack.
    """

    def __init__(self, metas: list[tuple[Entry, dict[str, Any]]], others: list[Entry], used: Iterable[str]) -> None:
        super().__init__()
        self._metas, self._others, self._used = metas, others, sorted(used)
        self.label_paths |= {entry.path for entry, _ in metas} | {entry.path for entry in others}

    def class_names(self) -> list[str]:
        titles = (one.get("title") for _, meta in self._metas for one in meta["classes"] if isinstance(one, dict))
        found = [clean(str(title)) for title in titles if title]
        return list(dict.fromkeys([*found, *self._used])) if found else []

    def own_label_files(self, source: Source) -> list[Entry]:
        return [source.labels.file] if isinstance(source.labels, SuperviselyLabels) else []

    def shared_files(self) -> list[Entry]:
        return [*(entry for entry, _ in self._metas), *self._others]

    def label_files(
        self, source: Source, file: str, labels: Labels | None, size_wh: tuple[int, int]
    ) -> list[OutputFile]:
        reader = source.labels
        if labels is None or not isinstance(reader, SuperviselyLabels):
            return []
        before = reader.load()
        content = {
            **before.extra[NAME],
            "size": {"height": size_wh[1], "width": size_wh[0]},
            "objects": objects_of_variation(labels, before, self.losses),
        }
        has_ending = PurePosixPath(reader.file.path).stem == PurePosixPath(source.path).name
        name = PurePosixPath(file).name if has_ending else PurePosixPath(file).stem
        return [(joined(parent(reader.file.path), f"{name}.json"), json_bytes(content, indent=2))]


def read_supervisely(tree: Tree, requested: bool) -> SuperviselyLayout | None:
    """The set as a Supervisely project, or None if it has no such annotations."""
    files = {image.key: file for image in tree.images if (file := _annotation_file(tree, image)) is not None}
    if not files:
        return None
    broken: list[Failure] = []
    metas = [(entry, meta) for entry, meta in _metas(tree, broken) if meta is not None]
    tags: dict[tuple[str, str], list[str]] = {}
    used: set[str] = set()
    found = False
    for key, file in files.items():
        try:
            content = load_json(file)
        except LabelError:
            continue  # reported when its image's turn comes
        if is_annotation(content):
            found = True
            tags[key] = tag_names(content)
            used |= class_titles(content)
        elif not metas and not requested:
            return None
    if not found:
        return None
    others = (one for one in tree.sidecars_ending(".json") if PurePosixPath(one.path).name in _PROJECT_FILES[1:])
    layout = SuperviselyLayout(metas, list(others), used)
    layout.failures += broken
    layout.label_paths |= {entry.path for entry in files.values()} | {failure.file for failure in broken}
    claims = _claims(tree, tags)
    layout.notices += claims.notices
    for image in tree.images:
        file_of = files.get(image.key)
        layout.images[image.key] = ImageInfo(
            None, claims.of(image.key), SuperviselyLabels(image, file_of) if file_of else None
        )
    return layout


def image_folder_at(path: str) -> int | None:
    """How many folders are above the img/ that an image is in; None if it is in none.

    Example:
        >>> image_folder_at("project/ds/img/a.jpg"), image_folder_at("a.jpg")
        (2, None)
    """
    parts = parent(path).split("/")
    return max((place for place, part in enumerate(parts) if _IMAGE_FOLDER.fullmatch(part)), default=None)


def _annotation_file(tree: Tree, image: Entry) -> Entry | None:
    """The annotation of an image: in ann/ beside its img/, with its whole name, or in older projects its stem."""
    name, place = PurePosixPath(image.path), image_folder_at(image.path)
    if place is None:
        return None
    parts = parent(image.path).split("/")
    folder = "/".join([*parts[:place], "ann", *parts[place + 1 :]])
    for stem in (name.name, name.stem):
        found = tree.sidecar(f"{folder}/{stem}.json", image.origin)
        if found is not None:
            return found
    return None


def _metas(tree: Tree, broken: list[Failure]) -> Iterator[tuple[Entry, dict[str, Any] | None]]:
    for entry in tree.sidecars_ending(_PROJECT_FILES[0]):
        if PurePosixPath(entry.path).name == _PROJECT_FILES[0]:
            try:
                content = load_json(entry)
            except LabelError as error:
                broken.append(Failure(entry.path, str(error)))
                continue
            is_meta = isinstance(content, dict) and isinstance(content.get("classes"), list)
            yield entry, content if is_meta else None


def _claims(tree: Tree, tags: dict[tuple[str, str], list[str]]) -> SplitClaims:
    """The split of each image by its folder, and by its tags if one of them is for training."""
    folders, claims = folder_splits(entry.path for entry in tree.images), SplitClaims("tag or folder")
    tagged = {key: [split for name in names if (split := split_named(name))] for key, names in tags.items()}
    has_training = any("train" in splits for splits in tagged.values())
    for image in tree.images:
        of_tags = tagged.get(image.key, ()) if has_training else ()
        for split in (split_of(image.path, folders)[0], *of_tags):
            claims.add(image.key, split, image.path)
    claims.settle()
    return claims
