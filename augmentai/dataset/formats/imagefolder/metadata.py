"""The rows of ImageFolder's metadata.csv, metadata.jsonl and metadata.parquet, read and written."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import PurePosixPath
from reprlib import repr as short
from typing import Any

from augmentai.dataset.file_names import safe_path
from augmentai.dataset.file_tree import Entry, joined, parent
from augmentai.dataset.formats.imagefolder import parquet

LARGEST_BYTES = 256 << 20  # one file for all images of a folder
_LONGEST_FIELD = 64 << 20  # boxes of an image as text may be longer than the 128 kB that the csv module expects
_DELIMITERS = ",;\t|"
# What the column with the images is called, the first that is there; `datasets` itself knows only the first.
_NAME_COLUMNS = (
    "file_name",
    "image_file_name",
    "filename",
    "file name",
    "image",
    "image_path",
    "image_name",
    "file_path",
    "path",
    "file",
)
_COUNTERS = ("", "unnamed: 0", "index", "idx")  # what pandas calls the numbers of rows


@dataclass
class Metadata:
    """A metadata file.

    Attributes:
        entry: the file.
        name_column: the column that names the images.
        columns: those of a CSV file, in their order; empty for JSON lines.
        delimiter: what is between the values of a CSV file.
        schema: that of a Parquet file.
        rows: each row: its line, and its columns.
        faults: lines that cannot be used, each in words.
        counters: columns that number the rows, and the next number of each.
        is_mended: its rows cannot stay as they are: some name a missing image, or lead nowhere.
    """

    entry: Entry
    name_column: str = "file_name"
    columns: list[str] = field(default_factory=list)
    delimiter: str = ","
    schema: Any = None
    rows: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    counters: dict[str, int] = field(default_factory=dict)
    is_mended: bool = False

    @property
    def is_csv(self) -> bool:
        return bool(self.columns)

    def written(self, rows: Iterator[dict[str, Any]]) -> Iterator[bytes]:
        """Rows as such a file, in pieces; nothing if there are none."""
        first = next(rows, None)
        if first is None:
            return
        if self.schema is not None:
            yield parquet.written(chain((first,), rows), self.schema)
            return
        if self.is_csv:
            yield csv_line(self.columns, self.delimiter)
        for row in chain((first,), rows):
            yield csv_line([row.get(c, "") for c in self.columns], self.delimiter) if self.is_csv else json_line(row)

    def numbered(self, row: dict[str, Any]) -> dict[str, Any]:
        """A new row with the next number in the columns that number the rows."""
        for column, number in self.counters.items():
            row = {**row, column: str(number) if self.is_csv else number}
            self.counters[column] = number + 1
        return row


def path_named(file: Entry, name: str) -> str:
    """The path of a file that a metadata file names."""
    return joined(parent(file.path), safe_path(name) or PurePosixPath(name.replace("\\", "/")).name)


def read_metadata(entry: Entry) -> Metadata | None:
    """The rows of a metadata file.

    Args:
        entry: metadata.csv, metadata.jsonl or metadata.parquet.

    Returns:
        The file; None if it is a table without a column that names images, or Parquet that nothing here can read.

    Raises:
        LabelError: nothing of it can be used.
    """
    if entry.path.lower().endswith(parquet.SUFFIX):
        found = _parquet_rows(entry)
    else:
        text = entry.text(LARGEST_BYTES)
        found = _csv_rows(text, entry) if entry.path.lower().endswith(".csv") else _json_rows(text, entry)
    if found is not None:
        found.counters = _counters(found)
    return found


def json_line(row: dict[str, Any]) -> bytes:
    """A row as a line of metadata.jsonl."""
    return (json.dumps(row, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")


def csv_line(values: list[Any], delimiter: str = ",") -> bytes:
    """Values as a line of metadata.csv."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n", delimiter=delimiter).writerow(values)
    return line.getvalue().encode("utf-8", "backslashreplace")


def _csv_rows(text: str, entry: Entry) -> Metadata | None:
    csv.field_size_limit(_LONGEST_FIELD)
    text = text.removeprefix("\ufeff")
    header = text.split("\n", 1)[0]
    for delimiter in sorted(_DELIMITERS, key=header.count, reverse=True):
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
        try:
            columns = list(reader.fieldnames or ())
        except csv.Error:
            continue
        name_column = _name_column(columns)
        if name_column is not None:
            return _read_table(reader, Metadata(entry, name_column, columns, delimiter))
    return None


def _read_table(reader: csv.DictReader[str], found: Metadata) -> Metadata:
    try:
        for row in reader:
            if None in row or any(value is None for value in row.values()):
                found.faults.append(f"line {reader.line_num}: expected {len(found.columns)} values, one per column")
            else:
                found.rows.append((reader.line_num, dict(row)))
    except csv.Error as error:
        found.faults.append(f"line {reader.line_num}: {error}; correct it")
    return found


def _json_rows(text: str, entry: Entry) -> Metadata:
    found = Metadata(entry)
    name_column = None
    for number, line in enumerate(text.split("\n"), 1):  # splitlines would also split at characters within texts
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            found.faults.append(f"line {number}: not valid JSON ({error}); correct it")
            continue
        name_column = name_column or (_name_column(list(row)) if isinstance(row, dict) else None)
        if not isinstance(row, dict) or not isinstance(row.get(name_column or ""), str):
            found.faults.append(f"line {number}: no file_name in {short(row)}; expected one in each line")
        else:
            found.rows.append((number, row))
    found.name_column = name_column or "file_name"
    return found


def _parquet_rows(entry: Entry) -> Metadata | None:
    if not parquet.can_read():
        return None
    rows, schema = parquet.read_rows(entry, LARGEST_BYTES)
    name_column = _name_column(list(schema.names))
    if name_column is None:
        return None
    found = Metadata(entry, name_column, schema=schema)
    for number, row in enumerate(rows, 1):
        if isinstance(row[name_column], str):
            found.rows.append((number, row))
        else:
            found.faults.append(f"row {number}: no file_name; expected one in each row")
    return found


def _name_column(columns: list[str]) -> str | None:
    known = {column.strip().casefold(): column for column in reversed(columns)}
    return next((known[name] for name in _NAME_COLUMNS if name in known), None)


def _counters(found: Metadata) -> dict[str, int]:
    """The columns that number the rows: whole numbers, each once."""
    counters = {}
    for column in found.rows[0][1] if found.rows else ():
        if column.strip().casefold() in _COUNTERS and column != found.name_column:
            numbers = {_whole(row.get(column)) for _, row in found.rows}
            if len(numbers) == len(found.rows) and None not in numbers:
                counters[column] = max(number for number in numbers if number is not None) + 1
    return counters


def _whole(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    is_number = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16
    return int(value) if is_number else None  # type: ignore[call-overload]
