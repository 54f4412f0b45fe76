"""A YOLO set: data.yaml, the label file and split of each image, and all of it written again."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from augmentai.annotations import LabelError, Labels
from augmentai.dataset.file_tree import Entry, Tree, joined, parent
from augmentai.dataset.formats.base import ImageInfo, Layout, OutputFile, StreamedFiles
from augmentai.dataset.formats.splits import folder_splits, split_of
from augmentai.dataset.formats.yolo.annotation import (
    NO_VALIDATION,
    Classes,
    YoloLabels,
    data_yaml,
    looks_like_yolo,
    shape_to_yolo,
)
from augmentai.dataset.formats.yolo.data_yaml import SPLIT_KEYS, DataYaml, read_data_yamls, resolve, splits_listed
from augmentai.types import Failure, Source

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows

_NAME_FILES = ("classes.txt", "obj.names", "labels.txt", "_darknet.labels")
_FILES_SAMPLED = 20  # label files that are read to see whether they are YOLO's


class YoloLayout(Layout):
    """A YOLO set.

    Args:
        yamls: its data.yaml; several if the set holds several.
        names: files that name the classes without a data.yaml.
    """

    def __init__(self, yamls: list[DataYaml], names: list[Entry]) -> None:
        super().__init__()
        self._yamls, self._names = yamls, names
        self.label_paths |= {one.entry.path for one in yamls} | {entry.path for entry in names}
        self.label_paths |= {entry.path for one in yamls for entry, _ in one.lists}

    def class_names(self) -> list[str]:
        classes = [one.classes for one in self._yamls] or [_listed_names(entry, []) for entry in self._names[:1]]
        return list(dict.fromkeys(one.names[number] for one in classes for number in sorted(one.names)))

    def own_label_files(self, source: Source) -> list[Entry]:
        reader = source.labels
        return [reader.text] if isinstance(reader, YoloLabels) and reader.text is not None else []

    def shared_files(self) -> list[Entry]:
        return self._names

    def label_files(
        self, source: Source, file: str, labels: Labels | None, size_wh: tuple[int, int]
    ) -> list[OutputFile]:
        reader = source.labels
        if labels is None or not isinstance(reader, YoloLabels) or reader.text is None:
            return []
        polygons = any(shape.polygons for shape in labels.shapes)
        lines = [line for shape in labels.shapes for line in shape_to_yolo(shape, reader.classes, size_wh, polygons)]
        path = joined(parent(reader.text.path), PurePosixPath(file).stem + ".txt")
        return [(path, "".join(line + "\n" for line in lines).encode())]

    def dataset_files(self, rows: ImageRows) -> StreamedFiles:
        for one in self._yamls:
            yield one.entry.path, [self._portable_yaml(one, rows.splits).encode()]
            for entry, split in one.lists:
                if split in rows.splits or split == "train":
                    yield entry.path, _list_lines(entry, rows)

    def _portable_yaml(self, one: DataYaml, splits: frozenset[str]) -> str:
        """data.yaml of the finished set, with all paths relative to the file itself, so that it trains anywhere."""
        content = {key: value for key, value in one.content.items() if key != "path"}
        training = {folder for folder, split in one.folders if split == "train"}
        for key in SPLIT_KEYS:
            folders = [folder for folder, split in one.folders if split == key]
            lists = [entry.path for entry, split in one.lists if split == key]
            # Small sets validate on their training images: those exist whatever becomes of the other splits.
            if not (key == "train" or key in splits or training & set(folders)):
                content.pop(key, None)
            elif found := [posixpath.relpath(path or ".", one.folder or ".") for path in (*folders, *lists)]:
                content[key] = found if len(found) > 1 else found[0]
        val_is_train = "val" in one.content and "val" not in content and "train" in content
        if val_is_train:
            content["val"] = content["train"]
            self.losses.setdefault(NO_VALIDATION)
        return data_yaml(content, val_is_train)


def read_yolo(tree: Tree, requested: bool) -> YoloLayout | None:
    """The set as YOLO's, or None if it does not look like one."""
    failures: list[Failure] = []
    yamls = read_data_yamls(tree, failures, requested)
    texts = {entry.key: _label_file(tree, entry) for entry in tree.images}
    if not yamls and not (any(texts.values()) and _are_labels(list(texts.values()))):
        return None
    names = [entry for entry in tree.sidecars_ending(*_NAME_FILES) if PurePosixPath(entry.path).name in _NAME_FILES]
    layout = YoloLayout(yamls, names)
    layout.failures += failures
    listed_names = {parent(entry.path): _listed_names(entry, layout.failures) for entry in names}
    folders = folder_splits(entry.path for entry in tree.images)
    listed_splits = [splits_listed(one, tree) for one in yamls]
    for entry in tree.images:
        text = texts[entry.key]
        index = _nearest([one.folder for one in yamls], entry.path)
        split = None
        if index is not None:
            classes = yamls[index].classes
            split = listed_splits[index].get(entry.path) or _split_in(yamls[index].folders, entry.path)
        else:
            nearest = _nearest(list(listed_names), text.path if text else entry.path)
            classes = list(listed_names.values())[nearest] if nearest is not None else Classes({})
        if split is None:
            split = split_of(entry.path, folders)[0]
        if text is not None:
            layout.label_paths.add(text.path)
        layout.images[entry.key] = ImageInfo(None, split, YoloLabels(entry, text, classes))
    return layout


def _split_in(folders: list[tuple[str, str]], path: str) -> str | None:
    return next((split for folder, split in folders if not folder or path.startswith(folder + "/")), None)


def _label_file(tree: Tree, image: Entry) -> Entry | None:
    """The label file of an image: "images" becomes "labels" in its path, or it is beside it, as in darknet."""
    parts = image.stem.split("/")
    positions = [i for i, part in enumerate(parts[:-1]) if part.casefold() == "images"]
    if positions:
        for word in ("labels", "Labels"):
            swapped = [*parts[: positions[-1]], word, *parts[positions[-1] + 1 :]]
            entry = tree.sidecar("/".join(swapped) + ".txt", image.origin)
            if entry is not None:
                return entry
    return tree.sidecar(image.stem + ".txt", image.origin)


def _are_labels(texts: list[Entry | None]) -> bool:
    """Whether most of the text files beside the images are label files."""
    verdicts: Counter[bool] = Counter()
    for entry in texts:
        if entry is not None and verdicts.total() < _FILES_SAMPLED:
            try:
                text = entry.text()
            except LabelError:
                continue
            if text.strip():
                verdicts[looks_like_yolo(text)] += 1
    return verdicts[True] > verdicts[False]


def _listed_names(entry: Entry, failures: list[Failure]) -> Classes:
    """The classes of a file with one name per line; none if it cannot be read, which is reported."""
    try:
        lines = [line.strip() for line in entry.text().splitlines()]
    except LabelError as error:
        failures.append(Failure(entry.path, str(error)))
        return Classes({})
    while lines and not lines[-1]:
        lines.pop()
    return Classes(dict(enumerate(lines)), entry.path)


def _nearest(folders: list[str], path: str) -> int | None:
    """Which of these folders contains `path` most closely; if there is only one, that one in any case."""
    containing = [i for i, folder in enumerate(folders) if not folder or path.startswith(folder + "/")]
    if containing:
        return max(containing, key=lambda i: len(folders[i]))
    return 0 if len(folders) == 1 else None


def _list_lines(entry: Entry, rows: ImageRows) -> Iterator[bytes]:
    """A list of images: those that exist, as they were written, each followed by its variations."""
    for line in entry.text().splitlines():
        name = line.strip()
        path = resolve(name, "", parent(entry.path), rows.paths) if name else None
        for source in rows.sources_at(path) if path is not None else ():
            if rows.original(source) is not None:
                yield f"{name}\n".encode()
            folder = name.rpartition("/")[0]
            for row in rows.variations_of(source):
                made = PurePosixPath(row.file).name
                yield f"{folder}/{made}\n".encode() if folder else f"{made}\n".encode()
