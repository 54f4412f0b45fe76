"""The rows of ImageFolder's metadata files in a database on disk, to look up the row of one image."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from threading import Lock
from typing import Any

from augmentai.dataset.formats.base import ImageKey

_BATCH_ROWS = 5000


@dataclass(frozen=True, slots=True)
class MetadataRow:
    """The row of one image.

    Attributes:
        file: the number of its metadata file.
        line: its last line in the file, from 1.
        values: its columns.
    """

    file: int
    line: int
    values: dict[str, Any]


class RowStore:
    """Rows of several metadata files, in an unnamed temporary database that ends with the process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._database = sqlite3.connect("", check_same_thread=False)
        self._database.execute("CREATE TABLE rows (file INT, number INT, line INT, path TEXT, origin TEXT, json TEXT)")
        self._database.execute("CREATE INDEX by_path ON rows (path, origin)")

    def add(self, file: int, rows: Iterable[tuple[ImageKey, int, dict[str, Any]]]) -> None:
        """Add a file.

        Args:
            file: its number.
            rows: (image, line, columns) in the file's order.
        """
        remaining = enumerate(rows)
        while batch := list(islice(remaining, _BATCH_ROWS)):
            stored = [(file, number, line, *key, json.dumps(row)) for number, (key, line, row) in batch]
            with self._lock:
                self._database.executemany("INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?)", stored)

    def forget(self, file: int) -> None:
        """Remove what was added of a file."""
        with self._lock:
            self._database.execute("DELETE FROM rows WHERE file = ?", (file,))

    def row_of(self, key: ImageKey) -> MetadataRow | None:
        """The first row of an image; None if no file has one."""
        query = "SELECT file, line, json FROM rows WHERE path = ? AND origin = ? ORDER BY file, number LIMIT 1"
        for file, line, text in self._all(query, *key):
            return MetadataRow(file, line, json.loads(text))
        return None

    def rows_of(self, file: int) -> Iterator[tuple[ImageKey, dict[str, Any]]]:
        """(image, columns) of every row of a file, in its order."""
        last = -1
        query = "SELECT number, path, origin, json FROM rows WHERE file = ? AND number > ? ORDER BY number LIMIT ?"
        while found := self._all(query, file, last, _BATCH_ROWS):
            yield from (((path, origin), json.loads(text)) for _, path, origin, text in found)
            last = found[-1][0]

    def _all(self, query: str, *values: object) -> list[Any]:
        with self._lock:
            return self._database.execute(query, values).fetchall()
