"""JSON files that list the images of splits: {"train": ["a.jpg", ...]}, or a file per split, as Food-101 has them.

YAML of splits is read alike, and written as JSON, which is YAML too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from augmentai.annotations import LabelError
from augmentai.dataset.bounded_yaml import load_yaml
from augmentai.dataset.file_tree import Entry, parent
from augmentai.dataset.formats.image_list import ImagePaths
from augmentai.dataset.formats.split_claims import held_out_first
from augmentai.dataset.formats.split_files import SplitFile, names_with_variations, says_place
from augmentai.dataset.formats.split_folders import SplitFolders, of_folders
from augmentai.dataset.formats.split_words import may_name_split, split_named
from augmentai.dataset.readers.label_signatures import head_of

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows

JSON_ENDINGS = (".json", ".jsonl", ".odgt", ".yaml", ".yml")
_YAML = (".yaml", ".yml")
_LARGEST_BYTES = 32 << 20
_MIN_FOUND = 0.3  # of the texts of a split, that name an image: each may have its class with it
_DEEPEST = 6
_KEY = re.compile(r'(?i)"(train|training|trainset|train_?set|train_?split)"\s*:')
_PLAIN = (str, int, float, bool, type(None))


@dataclass(frozen=True)
class SplitJson(SplitFile):
    """A JSON file, or one with an object per line.

    Attributes:
        content: all of it.
        images: the image of each text that names one.
    """

    content: Any = None
    images: dict[str, str] | None = None

    def written(self, rows: ImageRows, leads_to_files: bool) -> Iterator[tuple[str, Iterable[bytes]]]:
        content = self._grown(self.content, rows)
        values = content if _has_lines(self.entries[0]) else [content]
        yield self.path, [json.dumps(value, ensure_ascii=False).encode() + b"\n" for value in values]

    def _grown(self, value: Any, rows: ImageRows) -> Any:
        """The same with the variations in every list of images."""
        if isinstance(value, dict):
            return {new: self._grown(below, rows) for key, below in value.items() for new in self._keys(key, rows)}
        if not isinstance(value, list):
            return value
        return [item for one in value for item in self._items(one, rows)]

    def _keys(self, key: str, rows: ImageRows) -> list[str]:
        """A key, or what becomes of it if it names an image."""
        image = (self.images or {}).get(key)
        made = names_with_variations(key, image, rows, parent(self.path)) if image else [(key, "")]
        return [new for new, _ in made]

    def _items(self, item: Any, rows: ImageRows) -> list[Any]:
        name = self._name_in(item)
        if name is None:
            return [self._grown(item, rows)]
        image = (self.images or {})[name]
        made = [new for new, _ in names_with_variations(name, image, rows, parent(self.path))]
        if isinstance(item, str):
            return made
        # One object may name its image several times, as "id" and "image" do.
        texts = {cell for cell in (item.values() if isinstance(item, dict) else item) if isinstance(cell, str)}
        same = [text for text in texts if (self.images or {}).get(text) == image]
        new = {text: [n for n, _ in names_with_variations(text, image, rows, parent(self.path))] for text in same}
        if isinstance(item, list):
            return [[new[cell][i] if _in(cell, new) else cell for cell in item] for i in range(len(made))]
        return [{key: new[cell][i] if _in(cell, new) else cell for key, cell in item.items()} for i in range(len(made))]

    def _name_in(self, item: Any) -> str | None:
        """What names an image in an item of a list: the item, or a cell of it."""
        cells = [item] if isinstance(item, str) else item.values() if isinstance(item, dict) else item
        if not isinstance(cells, Iterable):
            return None
        return next((cell for cell in cells if isinstance(cell, str) and cell in (self.images or {})), None)


def read_split_json(entry: Entry, names: ImagePaths) -> SplitJson | SplitFolders | None:
    """A JSON file of splits; None if it is something else."""
    stem = PurePosixPath(entry.path).stem
    own_split = split_named(stem) if may_name_split(stem) else None
    is_called_so = own_split or "split" in stem.casefold() or "partition" in stem.casefold()
    if not is_called_so and not _KEY.search(head_of(entry)):
        return None
    content = _read(entry)
    parts = _parts(content, own_split)
    if not is_called_so and len({split for split, _ in parts}) < 2:
        return None
    pairs: list[tuple[str, str]] = []
    images: dict[str, str] = {}
    for split, part in parts:
        texts = list(_texts(part))
        found = {text: image for text in texts if (image := names.find(text, parent(entry.path)))}
        if not found or len(found) < _MIN_FOUND * len(set(texts)):
            return _of_folders(entry, parts, names)
        images.update(found)
        pairs += [(image, split) for image in found.values()]
    if not pairs:
        return None
    splits, twice = held_out_first(pairs)
    if twice and _are_folds(content):
        return SplitJson((entry,), {}, is_carried=False, are_folds=True)
    is_carried = _is_plain(content) and not _has_pairs(content, images)
    return SplitJson((entry,), splits, is_carried, content, images, also_training=twice)


def _read(entry: Entry) -> Any:
    if (entry.size_bytes or 0) > _LARGEST_BYTES:
        return None
    try:
        text = entry.text()
        if _has_lines(entry):
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        return load_yaml(text, as_text=True) if entry.path.lower().endswith(_YAML) else json.loads(text)
    except (LabelError, ValueError, RecursionError):  # a YamlError is a ValueError
        return None


def _of_folders(entry: Entry, parts: list[tuple[str, Any]], names: ImagePaths) -> SplitFolders | None:
    return of_folders(entry, ((text, split) for split, part in parts for text in _texts(part)), names)


def _parts(content: Any, own_split: str | None) -> list[tuple[str, Any]]:
    """(split, what is listed for it), at the top or one step below: in "splits", or in each of several folds."""
    found = _named_parts(content)
    if not found and isinstance(content, (dict, list)):
        below = content.values() if isinstance(content, dict) else content
        found = [part for one in below for part in _named_parts(one)]
    if found:
        return found
    return [(own_split, content)] if own_split else []


def _named_parts(content: Any) -> list[tuple[str, Any]]:
    named = [(split_named(key), value) for key, value in content.items()] if isinstance(content, dict) else []
    return [(split, value) for split, value in named if split is not None and isinstance(value, (list, dict))]


def _are_folds(content: Any) -> bool:
    """Whether what names the splits is there several times."""
    below = content.values() if isinstance(content, dict) else content
    return not _named_parts(content) and sum(bool(_named_parts(one)) for one in below) > 1


def _texts(value: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)) and depth < _DEEPEST:
        if isinstance(value, dict):  # {"a.jpg": "cat"}; of other objects the keys are fields
            yield from (key for key in value if "." in key or "/" in key)
        for below in value.values() if isinstance(value, dict) else value:
            yield from _texts(below, depth + 1)


def _is_plain(value: Any) -> bool:
    """Whether nothing but names and classes is listed: no box or outline, which may be untrue for a variation."""
    if isinstance(value, dict):
        return all(map(_is_plain, value.values()))
    if isinstance(value, list):
        return not _are_numbers(value) and all(map(_is_plain, value))
    return isinstance(value, _PLAIN) and not (isinstance(value, str) and says_place(value))


def _has_pairs(value: Any, images: Mapping[str, str]) -> bool:
    """Whether an object names two images, such as one and its mask, which a variation would not share."""
    if isinstance(value, dict):
        named = {images[below] for below in value.values() if isinstance(below, str) and below in images}
        return len(named) > 1 or any(_has_pairs(below, images) for below in value.values())
    return isinstance(value, list) and any(_has_pairs(item, images) for item in value)


def _in(value: Any, texts: Mapping[str, Any]) -> bool:
    return isinstance(value, str) and value in texts


def _are_numbers(items: list[Any]) -> bool:
    return bool(items) and all(isinstance(item, (int, float)) for item in items)


def _has_lines(entry: Entry) -> bool:
    return not entry.path.lower().endswith((".json", *_YAML))
