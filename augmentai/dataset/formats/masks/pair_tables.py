"""Tables that say which mask belongs to which image, whatever both are called: CSV, lines of text, JSON.

A table is known by its content: most of its rows name two images of the set, and what one column names holds what masks
hold. It is written again with a row for each variation.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from augmentai.annotations import LabelError
from augmentai.dataset.file_tree import Entry, Tree, parent
from augmentai.dataset.formats.image_list import ImagePaths
from augmentai.dataset.formats.masks.content import read_content
from augmentai.dataset.formats.masks.named_masks import renamed_mask
from augmentai.dataset.formats.masks.names import says_mask
from augmentai.dataset.formats.split_files import locates_objects, names_with_variations
from augmentai.dataset.readers.label_signatures import head_of

if TYPE_CHECKING:
    from augmentai.dataset.image_rows import ImageRows

Row = dict[str, str]  # column (or key, or position) -> text

_TEXTS = (".csv", ".tsv", ".txt", ".lst")
_JSON = (".json", ".jsonl")
_MOST_FILES = 50  # with more of an ending they are label files of one image each
_LARGEST_BYTES = 32 << 20
_HEAD_CHARACTERS = 1 << 14
_MIN_ROWS = 0.5  # of the rows, that name an image and a mask
_FILES_SAMPLED = 10  # of a column
_CELL = re.compile(r"[^\s,;|\"]+")
_KEY, _VALUE = "key", "value"  # the columns of {"a.jpg": "b.png"}


@dataclass(frozen=True)
class PairTable:
    """A table of images and masks.

    Attributes:
        entry: the file.
        content: its rows as lists of cells, or what its JSON holds.
        image: the column of images.
        masks: the columns of masks.
        pairs: (image, mask) of each row that names both.
        missing: the masks that rows name and the set does not have.
        is_carried: nothing in it would be untrue for a variation.
    """

    entry: Entry
    content: Any
    image: str
    masks: tuple[str, ...]
    pairs: tuple[tuple[Entry, Entry], ...]
    is_carried: bool
    missing: tuple[str, ...] = ()

    def written(self, rows: ImageRows) -> Iterator[bytes]:
        """The table of the finished set. The sources of the rows know their masks."""
        grow = _Grower(self, rows)
        name = self.entry.path.lower()
        if name.endswith(".json"):
            yield json.dumps(grow.value(self.content), ensure_ascii=False, indent=1).encode() + b"\n"
        elif name.endswith(_JSON):
            for item in grow.value(self.content):
                yield json.dumps(item, ensure_ascii=False).encode() + b"\n"
        else:
            dialect, lines = self.content
            for line in lines:
                for cells in grow.items(line):
                    yield _line(dialect, cells)


def read_pair_tables(tree: Tree) -> list[PairTable]:
    """The tables of a set that pair images with masks. Of most label files only the first lines are looked at."""
    if len(tree.images) < 2:
        return []
    found, names = [], _Names(tree)
    for endings in ((".csv", ".tsv"), (".txt", ".lst"), _JSON):
        entries = list(tree.sidecars_ending(*endings))
        for entry in entries if len(entries) <= _MOST_FILES else ():
            if (entry.size_bytes or 0) <= _LARGEST_BYTES and names.named_twice(entry):
                table = _read(entry, names)
                found += [table] if table is not None else []
    return found


class _Names:
    """Finds the images that a table names."""

    def __init__(self, tree: Tree) -> None:
        self._paths = ImagePaths(entry.path for entry in tree.images)
        self._entries: dict[str, list[Entry]] = defaultdict(list)
        for entry in tree.images:
            self._entries[entry.path].append(entry)
        self._is_mask: dict[str, bool] = {}

    def find(self, text: str, table: Entry) -> Entry | None:
        """The image of a name; of two in different ZIPs that in the ZIP of the table."""
        path = self._paths.find(text.strip(), parent(table.path)) if text.strip() else None
        return max(self._entries[path], key=lambda one: one.origin == table.origin) if path is not None else None

    def named_twice(self, table: Entry) -> bool:
        """Whether the beginning of a table names an image and a mask."""
        words = dict.fromkeys(_CELL.findall(head_of(table)[:_HEAD_CHARACTERS]))
        images = [entry for word in words if "." in word and (entry := self.find(word, table)) is not None]
        if any(map(says_mask, words)) and len(dict.fromkeys(images)) > 1:
            return True
        sample = images[:: max(1, len(images) // _FILES_SAMPLED)][:_FILES_SAMPLED] + images[:4]
        return len({self.is_mask(entry) for entry in sample}) == 2

    def is_mask(self, entry: Entry) -> bool:
        """Whether a file holds what masks hold."""
        if entry.path not in self._is_mask:
            content = read_content(entry)
            self._is_mask[entry.path] = content is not None and content.is_flat and (content.is_few or content.is_gray)
        return self._is_mask[entry.path]


def _read(entry: Entry, names: _Names) -> PairTable | None:
    try:
        content = _parsed(entry)
    except (LabelError, ValueError, RecursionError, csv.Error):
        return None  # reported by whatever reads it as labels
    rows = list(_rows(content[1] if isinstance(content, tuple) else content))
    columns: dict[str, dict[int, Entry]] = defaultdict(dict)
    for number, row in enumerate(rows):
        for column, text in row.items():
            if "." in text and (image := names.find(text, entry)) is not None:
                columns[column][number] = image
    columns = {name: found for name, found in columns.items() if len(found) >= _MIN_ROWS * (len(rows) - 1)}
    masks = tuple(name for name, found in columns.items() if _are_masks(list(found.values()), names))
    if len(masks) == len(columns) > 1:  # flat photographs: the header says which column is the masks'
        masks = tuple(name for name in masks if says_mask(_title(name, rows)))
    images = [name for name in columns if name not in masks]
    if len(images) != 1 or not masks:
        return None
    named = columns[images[0]]
    pairs = [(named[i], mask) for name in masks for i, mask in columns[name].items() if i in named]
    others = [[text for column, text in row.items() if column not in columns] for row in rows[:100]]
    header = ["".join(filter(str.isalpha, column.casefold())) for column in (rows[0] if rows else ())]
    is_carried = not any(locates_objects(cells, header) for cells in others)
    missing = [rows[i].get(name, "").strip() for name in masks for i in named if i not in columns[name]]
    return PairTable(entry, content, images[0], masks, tuple(pairs), is_carried, tuple(filter(None, missing)))


def _title(column: str, rows: list[Row]) -> str:
    """What a column is called: in the first line, where columns are known by their number."""
    return rows[0].get(column, "") if column.isdecimal() else column


def _are_masks(entries: list[Entry], names: _Names) -> bool:
    sample = entries[:: max(1, len(entries) // _FILES_SAMPLED)]
    return sum(map(names.is_mask, sample)) > 0.9 * len(sample)


def _parsed(entry: Entry) -> Any:
    """(dialect, lines as lists of cells), or what the JSON holds."""
    text, name = entry.text(), entry.path.lower()
    if name.endswith(".json"):
        return json.loads(text)
    if name.endswith(_JSON):
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    dialect = csv.Sniffer().sniff(text[:4096], ",;\t|" if name.endswith((".csv", ".tsv")) else " ,;\t|")
    return dialect, [row for row in csv.reader(io.StringIO(text), dialect) if row]


def _rows(value: Any) -> Iterator[Row]:
    """Everything in a table that may name an image and its mask."""
    if isinstance(value, Mapping):
        texts = {key: text for key, text in value.items() if isinstance(text, str)}
        if len(texts) > 1 and not any("." in key for key in texts):
            yield texts
        else:
            yield from ({_KEY: key, _VALUE: text} for key, text in texts.items())
        for key, below in value.items():
            if "." in key and isinstance(below, Mapping):  # {"a.jpg": {"mask": "b.png"}}
                yield {_KEY: key} | {inner: text for inner, text in below.items() if isinstance(text, str)}
            else:
                yield from _rows(below)
    elif isinstance(value, list):
        if len(value) > 1 and all(isinstance(item, str) for item in value):
            yield {str(position): text for position, text in enumerate(value)}
        else:
            for item in value:
                yield from _rows(item)


class _Grower:
    """Repeats the rows of a table for the variations."""

    def __init__(self, table: PairTable, rows: ImageRows) -> None:
        self._table, self._rows = table, rows
        self._names = ImagePaths(rows.paths)
        self._folder = parent(table.entry.path)

    def value(self, value: Any) -> Any:
        """A value of JSON with more items in its lists and mappings."""
        if isinstance(value, list):
            return [made for item in value for made in self.items(item)]
        if not isinstance(value, Mapping):
            return value
        if self._table.image == _KEY:
            return dict(item for key, below in value.items() for item in self._keyed(key, below))
        return {key: self.value(below) for key, below in value.items()}

    def _keyed(self, key: str, below: Any) -> Iterator[tuple[str, Any]]:
        """What an image and its mask become in a mapping from one to the other."""
        texts = {_VALUE: below} if isinstance(below, str) else {}
        if isinstance(below, Mapping):
            texts = {inner: text for inner, text in below.items() if isinstance(text, str)}
        for row in self._grown({**texts, _KEY: key}) if texts else ():
            made = row.pop(_KEY)
            yield made, row[_VALUE] if isinstance(below, str) else {**below, **row}
        if not texts:
            yield key, self.value(below)

    def items(self, item: Any) -> Iterator[Any]:
        """What an item of a list, or a line of text, becomes."""
        if isinstance(item, Mapping) and isinstance(item.get(self._table.image), str):
            yield from ({**item, **row} for row in self._grown({k: v for k, v in item.items() if isinstance(v, str)}))
        elif isinstance(item, list) and len(item) > 1 and all(isinstance(cell, str) for cell in item):
            yield from (list(row.values()) for row in self._grown({str(i): cell for i, cell in enumerate(item)}))
        else:
            yield self.value(item)

    def _grown(self, row: Row) -> Iterator[Row]:
        """A row if its image is in the set, and one for each variation."""
        written = row.get(self._table.image, "").strip()
        image = self._names.find(written, self._folder) if written else None
        if image is None:
            yield row
            return
        masks = [mask for source in self._rows.sources_at(image) for mask in getattr(source.labels, "masks", ())]
        for name, file in names_with_variations(written, image, self._rows, self._folder):
            made = {**row, self._table.image: name}
            if file != image:
                for column in (column for column in self._table.masks if column in row):
                    own = renamed_mask(row[column], masks, file)
                    made[column] = "" if own.strip() in self._table.missing else own
            yield made


def _line(dialect: type[csv.Dialect], cells: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, dialect, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()
