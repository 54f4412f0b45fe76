"""The rows of ImageFolder's metadata.csv, metadata.jsonl and metadata.parquet, read and written."""

from __future__ import annotations

import csv
import io
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, count
from pathlib import PurePosixPath
from reprlib import repr as short
from typing import Any
from zipfile import BadZipFile

from augmentai.annotations import LabelError
from augmentai.dataset.archive import format_size
from augmentai.dataset.bounds import MOST_COLUMNS
from augmentai.dataset.file_names import safe_path
from augmentai.dataset.file_tree import Entry, joined, parent
from augmentai.dataset.formats.imagefolder import parquet
from augmentai.dataset.formats.label_values import is_whole, json_fault

LARGEST_BYTES = 256 << 20  # one file for all images of a folder
_LONGEST_FIELD = 64 << 20  # boxes of an image as text may be longer than the 128 kB that the csv module expects
FAULTS_NAMED = 5
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
        rows: each row: its line, and its columns; read once, as they are asked for.
        faults: the first lines that cannot be used, each in words; known once all rows were read, as is what follows.
        fault_count: how many there are.
        counters: columns that number the rows, and the next number of each.
        is_mended: its rows cannot stay as they are: some name a missing image, or lead nowhere.
    """

    entry: Entry
    name_column: str = "file_name"
    columns: list[str] = field(default_factory=list)
    delimiter: str = ","
    schema: Any = None
    rows: Iterator[tuple[int, dict[str, Any]]] = field(default_factory=lambda: iter(()))
    faults: list[str] = field(default_factory=list)
    fault_count: int = 0
    counters: dict[str, int] = field(default_factory=dict)
    is_mended: bool = False

    @property
    def is_csv(self) -> bool:
        return bool(self.columns)

    def fault(self, words: str) -> None:
        """Note a line that cannot be used."""
        self.fault_count += 1
        if len(self.faults) < FAULTS_NAMED:
            self.faults.append(words)

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
        size = entry.size_bytes or 0
        if size > LARGEST_BYTES:
            raise LabelError(f"{entry.path} is larger than {format_size(LARGEST_BYTES)}, the limit of a label file")
        found = _csv_rows(entry) if entry.path.lower().endswith(".csv") else _json_rows(entry)
    if found is not None:
        found.rows = _counted(found, found.rows)
    return found


def json_line(row: dict[str, Any]) -> bytes:
    """A row as a line of metadata.jsonl."""
    return (json.dumps(row, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")


def csv_line(values: list[Any], delimiter: str = ",") -> bytes:
    """Values as a line of metadata.csv."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n", delimiter=delimiter).writerow(values)
    return line.getvalue().encode("utf-8", "backslashreplace")


@contextmanager
def _text(entry: Entry, newline: str) -> Iterator[io.TextIOWrapper]:
    """The text of a file, which is not in memory at once unless its encoding has to be guessed."""
    with entry.open_utf8() as stream:
        try:
            yield io.TextIOWrapper(stream, "utf-8-sig", "replace", newline=newline)
        except (OSError, EOFError, zlib.error, BadZipFile) as error:
            raise LabelError(f"{entry.path} is corrupt ({error}); copy it again") from error


def _csv_rows(entry: Entry) -> Metadata | None:
    csv.field_size_limit(_LONGEST_FIELD)
    with _text(entry, "") as text:
        header = text.readline(_LONGEST_FIELD)
    for delimiter in sorted(_DELIMITERS, key=header.count, reverse=True):
        with _text(entry, "") as text:
            try:
                columns = next(csv.reader(text, delimiter=delimiter, skipinitialspace=True), [])
            except csv.Error:
                continue
        name_column = _name_column(columns)
        if len(columns) > MOST_COLUMNS and name_column is not None:
            raise LabelError(f"{entry.path} has {len(columns):,} columns; expected at most {MOST_COLUMNS:,}")
        if name_column is not None:
            found = Metadata(entry, name_column, columns, delimiter)
            found.rows = _table_rows(found)
            return found
    return None


def _table_rows(found: Metadata) -> Iterator[tuple[int, dict[str, Any]]]:
    with _text(found.entry, "") as text:
        reader = csv.DictReader(text, delimiter=found.delimiter, skipinitialspace=True)
        try:
            for row in reader:
                if None in row or any(value is None for value in row.values()):
                    found.fault(f"line {reader.line_num}: expected {len(found.columns)} values, one per column")
                else:
                    yield reader.line_num, row
        except csv.Error as error:
            found.fault(f"line {reader.line_num}: {error}; correct it")


def _json_rows(entry: Entry) -> Metadata:
    found = Metadata(entry)
    found.rows = _parsed_lines(found)
    return found


def _parsed_lines(found: Metadata) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of JSON lines; the first one says which column names the images."""
    name_column = None
    with _text(found.entry, "\n") as text:
        for number in count(1):
            line = text.readline(_LONGEST_FIELD)
            if not line:
                return
            if len(line) == _LONGEST_FIELD:
                found.fault(f"line {number}: longer than {format_size(_LONGEST_FIELD)}; nothing after it was read")
                return
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                found.fault(f"line {number}: not valid JSON ({json_fault(error)}); correct it")
                continue
            name_column = name_column or (_name_column(list(row)) if isinstance(row, dict) else None)
            if name_column is None or not isinstance(row, dict) or not isinstance(row.get(name_column), str):
                found.fault(f"line {number}: no file_name in {short(row)}; expected one in each line")
            else:
                found.name_column = name_column
                yield number, row


def _parquet_rows(entry: Entry) -> Metadata | None:
    if not parquet.can_read():
        return None
    rows, schema = parquet.read_rows(entry, LARGEST_BYTES)
    name_column = _name_column(list(schema.names))
    if name_column is None:
        return None
    found = Metadata(entry, name_column, schema=schema)
    found.rows = _named_rows(found, rows)
    return found


def _named_rows(found: Metadata, rows: list[dict[str, Any]]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, row in enumerate(rows, 1):
        if isinstance(row[found.name_column], str):
            yield number, row
        else:
            found.fault(f"row {number}: no file_name; expected one in each row")


def _name_column(columns: list[str]) -> str | None:
    known = {column.strip().casefold(): column for column in reversed(columns)}
    return next((known[name] for name in _NAME_COLUMNS if name in known), None)


def _counted(found: Metadata, rows: Iterator[tuple[int, dict[str, Any]]]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows; once all are read, the columns that number them are known: whole numbers, each once."""
    numbers: dict[str, set[int]] | None = None
    for line, row in rows:
        if numbers is None:
            names = (column for column in row if column != found.name_column)
            numbers = {column: set() for column in names if column.strip().casefold() in _COUNTERS}
        for column, seen in list(numbers.items()):
            number = _whole(row.get(column))
            if number is None or number in seen:
                del numbers[column]
            else:
                seen.add(number)
        yield line, row
    found.counters = {column: max(seen) + 1 for column, seen in (numbers or {}).items()}


def _whole(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    is_number = isinstance(value, str) and is_whole(value)
    return int(value) if is_number else None  # type: ignore[call-overload]
