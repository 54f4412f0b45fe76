"""JSON with a record per image that names its split, as Karpathy's captions of COCO and Flickr have it.

{"images": [{"filepath": "val2014", "filename": "a.jpg", "split": "test", "sentences": [...]}]}

The shortest record is a split by the name of the image: {"a.jpg": "train", "b.jpg": "test"}.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from augmentai.annotations import LabelError
from augmentai.dataset.file_tree import Entry, parent
from augmentai.dataset.formats.image_list import ImagePaths
from augmentai.dataset.formats.pixel_fields import fields_in_pixels
from augmentai.dataset.formats.split_claims import held_out_first
from augmentai.dataset.formats.split_files import SplitFile, names_with_variations
from augmentai.dataset.formats.split_words import split_named
from augmentai.dataset.readers.label_signatures import head_of

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows

_NAMES = ("filename", "file_name", "image", "image_path", "path", "file", "img")
_FOLDER = "filepath"
_SPLIT = "split"
_LINES = ".jsonl"
_NUMBERS = ("imgid", "sentid", "cocoid", "id")  # that count records or sentences, each once
_LARGEST_BYTES = 256 << 20  # that of COCO has 144 MB
_RESTVAL = {"restval": "train"}  # images of val2014 that Karpathy trains on
_MAPPING = re.compile(r'\s*\{\s*"[^"]+"\s*:\s*"')
_MIN_FOUND = 0.5  # of the records, that name an image of the set

Record = dict[str, Any]


@dataclass(frozen=True)
class SplitRecords(SplitFile):
    """A JSON file with a record per image.

    Attributes:
        name: the key of an image's file name in a record.
        images: the image of each record that names one, by its position.
    """

    name: str = ""
    images: Mapping[int, str] | None = None

    def written(self, rows: ImageRows, leads_to_files: bool) -> Iterator[tuple[str, Iterable[bytes]]]:
        content = _content(self.entries[0])
        records = _records(content)
        made = [*self._originals(records, rows), *self._variations(records, rows)]
        grown = made if isinstance(content, list) else {**content, _key_of(content, records): made}
        values = made if self.path.lower().endswith(_LINES) else [grown]
        yield self.path, [json.dumps(value, ensure_ascii=False).encode() + b"\n" for value in values]

    def _originals(self, records: list[Record], rows: ImageRows) -> Iterator[Record]:
        """Records of images that are there, and those that name none of the set."""
        for number, record in enumerate(records):
            image = (self.images or {}).get(number)
            if image is None or any(rows.original(source) for source in rows.sources_at(image)):
                yield record

    def _variations(self, records: list[Record], rows: ImageRows) -> Iterator[Record]:
        following = {key: _largest(records, key) + 1 for key in _NUMBERS}
        for number, image in (self.images or {}).items():
            record = records[number]
            for name, file in names_with_variations(record[self.name], image, rows, parent(self.path)):
                if any(file == row.file for source in rows.sources_at(image) for row in rows.variations_of(source)):
                    yield _numbered({**record, self.name: name}, following)


@dataclass(frozen=True)
class SplitMapping(SplitFile):
    """A JSON file with the split of each image by its name.

    Attributes:
        images: the image of each name.
    """

    images: Mapping[str, str] | None = None

    def written(self, rows: ImageRows, leads_to_files: bool) -> Iterator[tuple[str, Iterable[bytes]]]:
        grown = {}
        for name, split in _content(self.entries[0]).items():
            image = (self.images or {}).get(name, "")
            made = [new for new, _ in names_with_variations(name, image, rows, parent(self.path))]
            grown.update(dict.fromkeys(made, split))
        yield self.path, [json.dumps(grown, ensure_ascii=False).encode()]


def read_split_mapping(entry: Entry, names: ImagePaths) -> SplitMapping | None:
    """A JSON file with the split of each image by its name; None if it is something else."""
    if not entry.path.lower().endswith(".json") or not _MAPPING.match(head_of(entry)):
        return None
    try:
        content = _content(entry)
    except (LabelError, ValueError, RecursionError):
        return None
    named = {name: split_named(split) for name, split in content.items() if isinstance(split, str)}
    images = {name: image for name in named if (image := names.find(name, parent(entry.path)))}
    if len(named) < len(content) or not all(named.values()) or len(images) < _MIN_FOUND * len(named):
        return None
    splits, twice = held_out_first((image, named[name] or "") for name, image in images.items())
    return SplitMapping((entry,), splits, True, images, also_training=twice)


def read_split_records(entry: Entry, names: ImagePaths) -> SplitRecords | None:
    """A JSON file whose records name the splits of images; None if it is something else."""
    if not entry.path.lower().endswith((".json", _LINES)) or f'"{_SPLIT}"' not in head_of(entry):
        return None
    try:
        records = _records(_content(entry))
    except (LabelError, ValueError, RecursionError):
        return None
    name = next((key for key in _NAMES if records and isinstance(records[0].get(key), str)), "")
    images, pairs = {}, []
    for number, record in enumerate(records if name else ()):
        image, split = _image_of(record, name, names, parent(entry.path)), str(record.get(_SPLIT, ""))
        if image is not None:
            images[number] = image
            pairs.append((image, _RESTVAL.get(split) or split_named(split) or ""))
    if len(pairs) < max(1, _MIN_FOUND * len(records)) or not all(split for _, split in pairs):
        return None
    splits, twice = held_out_first(pairs)
    is_carried = not any(fields_in_pixels(record) for record in records[:100])
    return SplitRecords((entry,), splits, is_carried, name, images, also_training=twice)


def _content(entry: Entry) -> Any:
    text = entry.text(_LARGEST_BYTES)
    if entry.path.lower().endswith(_LINES):
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    return json.loads(text)


def _records(content: Any) -> list[Record]:
    """The records with a split; none if there are none."""
    lists = [content] if isinstance(content, list) else content.values() if isinstance(content, dict) else ()
    for items in lists:
        if isinstance(items, list) and items and all(isinstance(item, dict) and _SPLIT in item for item in items):
            return items
    return []


def _key_of(content: Mapping[str, Any], records: list[Record]) -> str:
    return next(key for key, value in content.items() if value is records)


def _image_of(record: Record, name: str, names: ImagePaths, folder: str) -> str | None:
    own, above = record.get(name), record.get(_FOLDER)
    if not isinstance(own, str):
        return None
    found = names.find(f"{above}/{own}", folder) if isinstance(above, str) and above else None
    return found or names.find(own, folder)


def _largest(value: Any, key: str) -> int:
    """The largest number that records, or what is in them, have under a key."""
    if isinstance(value, dict):
        own = value.get(key)
        numbers = [own] if isinstance(own, int) else []
        return max([*numbers, *(_largest(below, key) for below in value.values())], default=-1)
    return max((_largest(item, key) for item in value), default=-1) if isinstance(value, list) else -1


def _numbered(record: Record, following: dict[str, int]) -> Record:
    """A new record with new numbers, and its sentences with theirs."""
    made = dict(record)
    for key in _NUMBERS:
        if isinstance(made.get(key), int):
            made[key], following[key] = following[key], following[key] + 1
    sentences = made.get("sentences")
    if isinstance(sentences, list) and all(isinstance(one, dict) for one in sentences):
        made["sentences"] = [_sentence(one, made, following) for one in sentences]
        if isinstance(made.get("sentids"), list):
            made["sentids"] = [one.get("sentid") for one in made["sentences"]]
    return made


def _sentence(sentence: Record, record: Record, following: dict[str, int]) -> Record:
    made = {**sentence, "sentid": following["sentid"]}
    following["sentid"] += 1
    return {**made, "imgid": record["imgid"]} if "imgid" in record else made
