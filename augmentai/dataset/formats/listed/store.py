"""Rows of label files in a database on disk, to look up those of one image: a file may have millions of them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice
from threading import Lock
from typing import Any

from augmentai.dataset.formats.base import ImageKey
from augmentai.dataset.formats.guarded_load import check_objects

_BATCH_ROWS = 5000

# image, split, class, the name that the file has for the image, raw
StoredRow = tuple[ImageKey | None, str | None, str | None, str, Any]


class RowStore:
    """Rows of several label files, in an unnamed temporary database that ends with the process.

    A file is known by its number, an image by its path and the ZIP it is in.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._database = sqlite3.connect("", check_same_thread=False)
        self._database.execute("CREATE TABLE rows (file INT, number INT, path TEXT, origin TEXT, name TEXT, json TEXT)")
        self._database.execute(
            "CREATE TABLE images (file INT, number INT, path TEXT, origin TEXT, name TEXT, label TEXT)"
        )
        self._database.execute("CREATE TABLE splits (file INT, path TEXT, origin TEXT, split TEXT)")

    def add(self, file: int, rows: Iterable[StoredRow]) -> None:
        """Add the rows of a file, in its order. Of several rows of an image the first gives its class."""
        seen: set[ImageKey] = set()
        seen_splits: set[tuple[ImageKey, str | None]] = set()
        remaining = enumerate(rows)
        while batch := list(islice(remaining, _BATCH_ROWS)):
            stored, images, splits = [], [], []
            for number, (key, split, label, name, raw) in batch:
                path, origin = key or (None, None)
                stored.append((file, number, path, origin, name, json.dumps(raw)))
                if key is not None and key not in seen:
                    seen.add(key)
                    images.append((file, number, path, origin, name, label))
                if key is not None and (key, split) not in seen_splits:
                    seen_splits.add((key, split))
                    splits.append((file, path, origin, split))
            with self._lock:
                self._database.executemany("INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?)", stored)
                self._database.executemany("INSERT INTO images VALUES (?, ?, ?, ?, ?, ?)", images)
                self._database.executemany("INSERT INTO splits VALUES (?, ?, ?, ?)", splits)

    def forget(self, file: int) -> None:
        """Remove what was added of a file."""
        with self._lock:
            for table in ("rows", "images", "splits"):
                self._database.execute(f"DELETE FROM {table} WHERE file = ?", (file,))

    def finish(self) -> None:
        """Build the indexes, once all files are added."""
        with self._lock:
            self._database.execute("CREATE INDEX by_path ON rows (path, origin)")
            self._database.execute("CREATE INDEX by_file ON rows (file, number)")
            self._database.execute("CREATE INDEX images_by_file ON images (file, number)")

    def rows_of(self, key: ImageKey) -> dict[int, list[Any]]:
        """The rows of one image by file, each in the file's order."""
        ((count,),) = self._all("SELECT COUNT(*) FROM rows WHERE path = ? AND origin = ?", *key)
        check_objects(count, key[0])
        query = "SELECT file, json FROM rows WHERE path = ? AND origin = ? ORDER BY file, number"
        found: dict[int, list[Any]] = {}
        for file, text in self._all(query, *key):
            found.setdefault(file, []).append(json.loads(text))
        return found

    def rows(self, file: int) -> Iterator[tuple[str, str, Any]]:
        """(path, the file's name for it, raw) of every row about an image that the set has, in the file's order."""
        last = -1
        query = (
            "SELECT number, path, name, json FROM rows "
            "WHERE file = ? AND number > ? AND path IS NOT NULL ORDER BY number LIMIT ?"
        )
        while found := self._all(query, file, last, _BATCH_ROWS):
            yield from ((path, name, json.loads(text)) for _, path, name, text in found)
            last = found[-1][0]

    def images(self, file: int) -> Iterator[tuple[ImageKey, str, str | None]]:
        """(image, the file's name for it, class) of every image that the set has, in the file's order."""
        last = -1
        query = (
            "SELECT number, path, origin, name, label FROM images WHERE file = ? AND number > ? ORDER BY number LIMIT ?"
        )
        while found := self._all(query, file, last, _BATCH_ROWS):
            yield from (((path, origin), name, label) for _, path, origin, name, label in found)
            last = found[-1][0]

    def splits(self, file: int) -> Iterator[tuple[ImageKey, str | None]]:
        """(image, split) of every split that rows of a file name for an image; None once if a row names none."""
        query = "SELECT path, origin, split FROM splits WHERE file = ?"
        yield from (((path, origin), split) for path, origin, split in self._all(query, file))

    def missing(self, file: int) -> list[str]:
        """The images of a file that the set does not have, as the file calls them."""
        query = "SELECT DISTINCT name FROM rows WHERE file = ? AND path IS NULL ORDER BY number"
        return [name for (name,) in self._all(query, file)]

    def _all(self, query: str, *values: object) -> list[Any]:
        with self._lock:
            return self._database.execute(query, values).fetchall()
