"""A LabelMe set: the JSON file of each image, beside it or in a folder of its own, and all of it written again."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from augmentai.annotations import LabelError, Labels, Shape
from augmentai.dataset.file_names import name_key
from augmentai.dataset.file_tree import Entry, Tree, joined, parent
from augmentai.dataset.formats.base import ImageInfo, ImageKey, Layout, OutputFile, StreamedFiles
from augmentai.dataset.formats.coco.image_index import ImageIndex
from augmentai.dataset.formats.declared_classes import classes_in_files
from augmentai.dataset.formats.drawn_shapes import is_same_place
from augmentai.dataset.formats.format_writer import json_bytes
from augmentai.dataset.formats.guarded_load import guarded
from augmentai.dataset.formats.image_frame import image_frame
from augmentai.dataset.formats.image_names import name_of, stem_of
from augmentai.dataset.formats.label_values import load_json
from augmentai.dataset.formats.labelme.annotation import (
    NAME,
    is_labelme,
    labels_from_labelme,
    shapes_to_labelme,
    unplaced_flags,
)
from augmentai.dataset.formats.split_lists import SplitLists, read_split_lists
from augmentai.dataset.formats.splits import folder_splits, split_of
from augmentai.types import Failure, Source

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows

_LARGEST_BYTES = 96 << 20  # of a file, which may hold the image itself as text
_FILES_SAMPLED = 20  # JSON files that are read to see whether any is LabelMe's
_NAME_FILES = (
    "labels.txt",
    "classes.txt",
    "flags.txt",
)  # what LabelMe is started with; it says nothing about any image


@dataclass(frozen=True, slots=True)
class LabelMeLabels:
    """Reads the labels of one image from its JSON file."""

    image: Entry
    file: Entry

    @guarded
    def load(self) -> Labels:
        content = load_json(self.file, _LARGEST_BYTES)
        if not is_labelme(content):
            raise LabelError(f"{self.file.path} has no shapes; expected LabelMe's shapes and imagePath")
        return labels_from_labelme(content, self.file.path, image_frame(self.image))


class LabelMeLayout(Layout):
    """A LabelMe set.

    Args:
        names: the files with names that LabelMe was started with.
        lists: the lists of splits beside the label files.
    """

    def __init__(self, names: list[Entry], lists: SplitLists) -> None:
        super().__init__()
        self._names, self._lists = names, lists
        self.label_paths |= {entry.path for entry in (*names, *lists.entries)}
        self.notices += lists.notices

    def dataset_files(self, rows: ImageRows) -> StreamedFiles:
        yield from self._lists.written(rows)

    def declared_classes(self) -> list[str]:
        return classes_in_files([entry for entry in self._names if name_of(entry.path) != "flags.txt"])

    def own_label_files(self, source: Source) -> list[Entry]:
        return [source.labels.file] if isinstance(source.labels, LabelMeLabels) else []

    def shared_files(self) -> list[Entry]:
        return self._names

    def label_files(
        self, source: Source, file: str, labels: Labels | None, size_wh: tuple[int, int]
    ) -> list[OutputFile]:
        reader = source.labels
        if labels is None or not isinstance(reader, LabelMeLabels):
            return []
        before = reader.load()
        path = _path_for(file, source, reader.file)
        content: dict[str, Any] = {**before.extra[NAME], "shapes": shapes_to_labelme(labels, before, self.losses)}
        if before.reoriented or not all(_stays(shape, before) for shape in labels.shapes):
            content |= unplaced_flags(content, self.losses)
        content["imagePath"] = posixpath.relpath(file, parent(path) or ".")
        content["imageData"] = None  # the pixels of the source, if any
        content["imageWidth"], content["imageHeight"] = size_wh
        return [(path, json_bytes(content, indent=2))]


def _stays(shape: Shape, before: Labels) -> bool:
    """Whether an object is where it was read; one that came from another image says nothing of this one."""
    number = shape.extra.get(NAME)
    return not isinstance(number, int) or is_same_place(shape, before.shapes[number])


def _path_for(file: str, source: Source, own: Entry) -> str:
    """The path of the label file of an image in the output, in the folder of its source's, named alike."""
    stem, source_stem = PurePosixPath(file).stem, PurePosixPath(source.path).stem
    if PurePosixPath(own.path).stem == PurePosixPath(source.path).name:  # "a.jpg.json"
        stem = PurePosixPath(file).name
    elif stem.startswith(source_stem):  # two images of one stem have label files of different names
        stem = PurePosixPath(own.path).stem + stem.removeprefix(source_stem)
    return joined(parent(own.path), stem + ".json")


def read_labelme(tree: Tree, requested: bool) -> LabelMeLayout | None:
    """The set as LabelMe's, or None if it has no such JSON file."""
    files: list[tuple[Entry, str]] = []  # with the imagePath that each states
    broken: list[tuple[Entry, str]] = []  # with the reason
    for count, entry in enumerate(tree.sidecars_ending(".json"), 1):
        try:
            content = load_json(entry, _LARGEST_BYTES)
        except LabelError as error:
            broken.append((entry, str(error)))
            continue
        if is_labelme(content):
            named = content.get("imagePath")
            files.append((entry, named if isinstance(named, str) else ""))
        elif not files and not requested and count >= _FILES_SAMPLED:
            return None
    stems = {name_key(image.stem) for image in tree.images}
    lost = []
    for entry, reason in broken:
        seems_labelme = _seems_labelme(entry)
        if _image_stem(entry) in stems and (seems_labelme or files or requested):
            files.append((entry, ""))  # reported when its image's turn comes
        elif seems_labelme:
            lost.append(Failure(entry.path, reason))
    owners, repeated = _owners(tree, sorted(files, key=lambda file: file[0].path))
    if not owners:
        return None
    names = [entry for entry in tree.sidecars_ending(*_NAME_FILES) if PurePosixPath(entry.path).name in _NAME_FILES]
    lists = read_split_lists(tree, {entry.path for entry in (*names, *owners.values())})
    layout = LabelMeLayout(names, lists)
    layout.failures += [*lost, *repeated]
    layout.label_paths |= {entry.path for entry in owners.values()} | {failure.file for failure in layout.failures}
    _add_images(layout, tree, owners, lists)
    return layout


def _image_stem(entry: Entry) -> str:
    """The stem of the image that a label file beside it is of: "a.json" and "a.jpg.json" are of "a"."""
    return name_key(entry.stem.removesuffix(name_of(entry.stem)) + stem_of(entry.stem))


def _seems_labelme(entry: Entry) -> bool:
    """Whether a file that cannot be parsed was meant as LabelMe's."""
    try:
        data = entry.read(_LARGEST_BYTES)
    except LabelError:
        return False
    return b'"shapes"' in data and (b'"imagePath"' in data or b'"shape_type"' in data)


def _add_images(layout: LabelMeLayout, tree: Tree, owners: dict[ImageKey, Entry], lists: SplitLists) -> None:
    """Everything that is known of each image of the tree."""
    file_splits = folder_splits(entry.path for entry in owners.values())
    for image in tree.images:
        file = owners.get(image.key)
        split = lists.of(image.path)
        if split is None and file is not None:
            split = split_of(file.path, file_splits)[0]
        layout.images[image.key] = ImageInfo(None, split, LabelMeLabels(image, file) if file is not None else None)


def _owners(tree: Tree, files: list[tuple[Entry, str]]) -> tuple[dict[ImageKey, Entry], list[Failure]]:
    """(the label file of each image, what is wrong with further ones). Files whose image is missing are in neither."""
    by_stem: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    by_name: dict[str, list[Entry]] = defaultdict(list)
    for image in tree.images:
        by_stem[name_key(image.stem), image.origin].append(image)
        by_name[name_key(stem_of(image.path))].append(image)
    paths = {image.path: image.key for image in tree.images}
    index = ImageIndex(tree)
    owners: dict[ImageKey, Entry] = {}
    elsewhere, repeated = [], []
    for entry, named in files:  # LabelMe opens the file beside an image, whatever imagePath says
        beside = by_stem.get((_image_stem(entry), entry.origin), [])
        name = PurePosixPath(named.replace("\\", "/")).name
        image_key = next((one.key for one in beside if PurePosixPath(one.path).name == name), None)
        if image_key is None and beside:
            image_key = beside[0].key
        if image_key is None:
            elsewhere.append((entry, named))
        else:
            owners[image_key] = entry
    for entry, named in elsewhere:
        found = _named(paths, entry, named, index) or _same_stem(by_name.get(name_of(_image_stem(entry)), []))
        if found in owners:
            reason = f"labels {found[0]}, which {owners[found].path} labels already; remove one of the two"
            repeated.append(Failure(entry.path, reason))
        elif found is not None:
            owners[found] = entry
    return owners, repeated


def _named(paths: dict[str, ImageKey], entry: Entry, named: str, index: ImageIndex) -> ImageKey | None:
    """The image that a label file names: seen from its folder, else the one that shares most folders with the name."""
    return paths.get(joined(parent(entry.path), named)) or index.finder(entry)(named) if named else None


def _same_stem(images: list[Entry]) -> ImageKey | None:
    return images[0].key if len(images) == 1 else None
