"""A YOLO set: data.yaml, where its pictures' labels lie, which split they are of, and all of it written again."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from augmentai.annotations import LabelError, Labels
from augmentai.dataset.file_tree import Entry, Tree, joined, parent
from augmentai.dataset.formats.base import ImageInfo, Layout, OutputFile, StreamedFiles
from augmentai.dataset.formats.splits import folder_splits, split_of
from augmentai.dataset.formats.yolo.annotation import STANDS_IN, Classes, YoloLabels, lines_of, looks_right, yaml_of
from augmentai.types import Failure, Source

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import Rows

_SPLIT_KEYS = ("train", "val", "test")
_NAME_FILES = ("classes.txt", "obj.names", "labels.txt", "_darknet.labels")
_LOOKED_INTO = 20  # label files, to tell whether they are YOLO's


@dataclass
class _Yaml:
    """One data.yaml. lists: the text files that name the pictures of a split."""

    entry: Entry
    content: dict[str, Any]
    classes: Classes
    folders: list[tuple[str, str]] = field(default_factory=list)  # (folder, split)
    lists: list[tuple[Entry, str]] = field(default_factory=list)

    @property
    def place(self) -> str:
        return parent(self.entry.path)


class YoloLayout(Layout):
    name = "yolo"

    def __init__(self, yamls: list[_Yaml], names: list[Entry]) -> None:
        super().__init__()
        self._yamls, self._names = yamls, names
        self.label_paths |= {one.entry.path for one in yamls} | {entry.path for entry in names}
        self.label_paths |= {entry.path for one in yamls for entry, _ in one.lists}

    def class_names(self) -> list[str]:
        names = [one.classes for one in self._yamls] or [_plain_names(entry) for entry in self._names[:1]]
        return list(dict.fromkeys(one.names[number] for one in names for number in sorted(one.names)))

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
        lines = [line for shape in labels.shapes for line in lines_of(shape, reader.classes, size_wh, polygons)]
        path = joined(parent(reader.text.path), PurePosixPath(file).stem + ".txt")
        return [(path, "".join(line + "\n" for line in lines).encode())]

    def dataset_files(self, rows: Rows) -> StreamedFiles:
        for one in self._yamls:
            yield one.entry.path, [self._portable(one, rows.splits).encode()]
            for entry, split in one.lists:
                if split in rows.splits or split == "train":
                    yield entry.path, _list_lines(entry, rows)

    def _portable(self, one: _Yaml, splits: frozenset[str]) -> str:
        """data.yaml for the finished set: every path seen from the file itself, so that it trains wherever it lies."""
        content = {key: value for key, value in one.content.items() if key != "path"}
        training = {place for place, split in one.folders if split == "train"}
        for key in _SPLIT_KEYS:
            folders = [folder for folder, split in one.folders if split == key]
            found = [_seen_from(one.place, path) for path in (*folders, *(e.path for e, s in one.lists if s == key))]
            # Small sets validate on their training pictures: those are there whatever becomes of other splits.
            is_there = key == "train" or key in splits or training & set(folders)
            if not is_there:
                content.pop(key, None)
            elif found:
                content[key] = found if len(found) > 1 else found[0]
        stands_in = "val" in one.content and "val" not in content and "train" in content
        if stands_in:
            content["val"] = content["train"]
            self.losses.setdefault(STANDS_IN)
        return yaml_of(content, stands_in)


def read_yolo(tree: Tree, requested: bool) -> YoloLayout | None:
    """The set as YOLO's, or None where it does not look like one."""
    failures: list[Failure] = []
    yamls = _yamls(tree, failures, requested)
    texts = {entry.key: _label_text(tree, entry) for entry in tree.images}
    if not yamls and not (any(texts.values()) and _are_labels(list(texts.values()))):
        return None
    names = [entry for entry in tree.sidecars_ending(*_NAME_FILES) if PurePosixPath(entry.path).name in _NAME_FILES]
    layout = YoloLayout(yamls, names)
    layout.failures += failures
    plain = {parent(entry.path): _plain_names(entry) for entry in names}
    folders = folder_splits(entry.path for entry in tree.images)
    listed = [_listed(one, tree) for one in yamls]
    for entry in tree.images:
        text = texts[entry.key]
        place = _nearest([one.place for one in yamls], entry.path)
        split = None
        if place is not None:
            one = yamls[place]
            classes = one.classes
            split = listed[place].get(entry.path) or _split_in(one.folders, entry.path)
        else:
            at = _nearest(list(plain), text.path if text else entry.path)
            classes = list(plain.values())[at] if at is not None else Classes({})
        if split is None:
            split = split_of(entry.path, folders)[0]
        if text is not None:
            layout.label_paths.add(text.path)
        layout.images[entry.key] = ImageInfo(None, split, YoloLabels(entry, text, classes))
    return layout


def _yamls(tree: Tree, failures: list[Failure], requested: bool) -> list[_Yaml]:
    import yaml

    found = []
    for entry in tree.sidecars_ending(".yaml", ".yml"):
        try:
            content = yaml.safe_load(entry.text())
        except (LabelError, yaml.YAMLError, RecursionError, ValueError) as error:
            if requested or PurePosixPath(entry.path).stem == "data":
                failures.append(Failure(entry.path, f"not YAML that can be read ({_one_line(error)}); correct it"))
            continue
        if not isinstance(content, dict) or "names" not in content:
            continue
        try:
            one = _Yaml(entry, content, _classes(content, entry.path))
        except LabelError as error:
            failures.append(Failure(entry.path, str(error)))
            continue
        _find_splits(one, tree)
        found.append(one)
    return found


def _classes(content: dict[str, Any], file: str) -> Classes:
    names = content["names"]
    pairs = names.items() if isinstance(names, dict) else enumerate(names) if isinstance(names, list) else None
    if pairs is None:
        raise LabelError(f"names is {type(names).__name__}; expected a list, or a table of numbers and names")
    table: dict[int, str] = {}
    for number, name in pairs:
        if not isinstance(name, str | int | float) or not str(number).strip().isdigit():
            raise LabelError(f"names holds {number!r}: {type(name).__name__}; expected a number and a name each")
        table[int(number)] = str(name)
    shape = content.get("kpt_shape")
    if isinstance(shape, list) and len(shape) == 2 and shape[1] in {2, 3} and isinstance(shape[0], int):
        return Classes(table, file, *shape)
    return Classes(table, file)


def _find_splits(one: _Yaml, tree: Tree) -> None:
    folders = tree.folders()
    given_base = one.content.get("path")
    base = given_base if isinstance(given_base, str) else ""
    for key in _SPLIT_KEYS:
        value = one.content.get(key)
        for given in value if isinstance(value, list) else [value]:
            if not isinstance(given, str) or not given.strip():
                continue
            if given.lower().endswith(".txt"):
                where = _resolve(given, base, one.place, set(tree.sidecars))
                entry = tree.sidecar(where, one.entry.origin) if where is not None else None
                if entry is not None:
                    one.lists.append((entry, key))
            else:
                where = _resolve(given, base, one.place, folders)
                if where is not None:
                    one.folders.append((where, key))


def _resolve(given: str, base: str, place: str, known: set[str]) -> str | None:
    """The path that is meant, among those there are.

    data.yaml is written for somebody's machine: `path` may lead to a folder of theirs, and exporters write
    "../train/images" for "train/images". So leading parts are dropped until what is left is there.
    """
    for start in (joined(base, given), joined(given)):
        parts = start.split("/")
        for drop in range(len(parts)):
            rest = "/".join(parts[drop:])
            for candidate in (joined(place, rest), rest):
                if candidate in known and (candidate or not rest):
                    return candidate
    return place if place in known and joined(given) == "" else None


def _listed(one: _Yaml, tree: Tree) -> dict[str, str]:
    """The split of each picture that a text file of data.yaml names; training wins where several name it."""
    found: dict[str, str] = {}
    if not one.lists:
        return found
    known = {entry.path for entry in tree.images}
    for entry, split in reversed(one.lists):
        for line in entry.text().splitlines():
            if line.strip():
                where = _resolve(line.strip(), "", parent(entry.path), known)
                if where is not None:
                    found[where] = split
    return found


def _split_in(folders: list[tuple[str, str]], path: str) -> str | None:
    return next((split for folder, split in folders if not folder or path.startswith(folder + "/")), None)


def _label_text(tree: Tree, picture: Entry) -> Entry | None:
    """Where the labels of a picture lie: "images" becomes "labels" in its path, or beside it, as darknet has it."""
    parts = picture.stem.split("/")
    places = [i for i, part in enumerate(parts[:-1]) if part.casefold() == "images"]
    if places:
        for word in ("labels", "Labels"):
            swapped = [*parts[: places[-1]], word, *parts[places[-1] + 1 :]]
            entry = tree.sidecar("/".join(swapped) + ".txt", picture.origin)
            if entry is not None:
                return entry
    return tree.sidecar(picture.stem + ".txt", picture.origin)


def _are_labels(texts: list[Entry | None]) -> bool:
    verdicts: Counter[bool] = Counter()
    for entry in texts:
        if entry is not None and verdicts.total() < _LOOKED_INTO:
            try:
                text = entry.text()
            except LabelError:
                continue
            if text.strip():
                verdicts[looks_right(text)] += 1
    return verdicts[True] > verdicts[False]


def _plain_names(entry: Entry) -> Classes:
    lines = [line.strip() for line in entry.text().splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    return Classes(dict(enumerate(lines)), entry.path)


def _nearest(places: list[str], path: str) -> int | None:
    """Which of these folders holds `path` most closely; the only one there is, also where it does not."""
    holding = [i for i, place in enumerate(places) if not place or path.startswith(place + "/")]
    if holding:
        return max(holding, key=lambda i: len(places[i]))
    return 0 if len(places) == 1 else None


def _seen_from(place: str, path: str) -> str:
    return posixpath.relpath(path or ".", place or ".")


def _list_lines(entry: Entry, rows: Rows) -> Iterator[bytes]:
    """A list of pictures: those that are there, as they were written, and behind each its variations."""
    for line in entry.text().splitlines():
        name = line.strip()
        where = _resolve(name, "", parent(entry.path), rows.paths) if name else None
        for source in rows.at(where) if where is not None else ():
            if rows.original(source) is not None:
                yield f"{name}\n".encode()
            folder = name.rpartition("/")[0]
            for row in rows.variations_of(source):
                made = PurePosixPath(row.file).name
                yield f"{folder}/{made}\n".encode() if folder else f"{made}\n".encode()


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:120]
