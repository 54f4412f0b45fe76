"""The rows of ImageFolder's metadata.csv and metadata.jsonl, read and written."""

from __future__ import annotations

import csv
import io
import json
from pathlib import PurePosixPath
from typing import Any

from augmentai.annotations import LabelError
from augmentai.dataset.file_names import safe_path
from augmentai.dataset.file_tree import Entry, joined, parent

_MAX_METADATA_BYTES = 256 << 20  # one file for all images of a folder

Rows = list[tuple[str, dict[str, Any]]]  # (path of the image, columns)


def path_named(file: Entry, name: str) -> str:
    """The path of a file that a metadata file names."""
    return joined(parent(file.path), safe_path(name) or PurePosixPath(name).name)


def read_rows(entry: Entry) -> tuple[list[str], Rows | None]:
    """The rows of a metadata file.

    Args:
        entry: metadata.csv or metadata.jsonl.

    Returns:
        (columns of a CSV file, rows); the rows are None if a CSV file has no column file_name.

    Raises:
        LabelError: it cannot be parsed; the message names the line.
    """
    text = entry.text(_MAX_METADATA_BYTES)
    return _csv_rows(text, entry) if entry.path.lower().endswith(".csv") else ([], _json_rows(text, entry))


def objects_of(row: dict[str, Any]) -> Any:
    """What a row says of the objects in its image: a mapping, or the JSON of one, as CSV files have it."""
    objects = row.get("objects")
    if isinstance(objects, str):
        try:
            return json.loads(objects)
        except ValueError:
            return None
    return objects


def json_line(row: dict[str, Any]) -> bytes:
    """A row as a line of metadata.jsonl."""
    return (json.dumps(row, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")


def csv_line(values: list[Any]) -> bytes:
    """Values as a line of metadata.csv."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(values)
    return line.getvalue().encode("utf-8", "backslashreplace")


def _csv_rows(text: str, entry: Entry) -> tuple[list[str], Rows | None]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    columns = list(reader.fieldnames or ())
    if "file_name" not in columns:
        return columns, None
    found = []
    try:
        for row in reader:
            if None in row or any(value is None for value in row.values()):
                raise LabelError(
                    f"{entry.path}, line {reader.line_num}: expected {len(columns)} values, one per column"
                )
            found.append((path_named(entry, row["file_name"]), dict(row)))
    except csv.Error as error:
        raise LabelError(f"{entry.path}, line {reader.line_num}: {error}; correct it") from error
    return columns, found


def _json_rows(text: str, entry: Entry) -> Rows:
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise LabelError(f"{entry.path}, line {number}: not valid JSON ({error}); correct it") from error
        if not isinstance(row, dict) or not isinstance(row.get("file_name"), str):
            raise LabelError(f"{entry.path}, line {number}: no file_name; expected one in each line")
        found.append((path_named(entry, row["file_name"]), row))
    return found
