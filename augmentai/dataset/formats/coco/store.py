"""COCO's JSON files in a database on disk, to look up one image's annotations: a file may have millions of them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from threading import Lock
from typing import Any

from augmentai.annotations import LabelError
from augmentai.dataset.file_tree import Entry
from augmentai.dataset.formats.base import ImageKey

_BATCH_ROWS = 5000
_MAX_REREAD_BYTES = 64 << 20  # a broken file up to this size is read again to find the line
_LISTS = ("images", "annotations")


class CocoStore:
    """Images and annotations of several files, in an unnamed temporary database that ends with the process.

    A file is known by its number.

    Attributes:
        heads: whatever else each file says: info, licenses, categories.
    """

    def __init__(self) -> None:
        self.heads: list[dict[str, Any]] = []
        self._lock = Lock()
        self._database = sqlite3.connect("", check_same_thread=False)
        self._database.execute("CREATE TABLE images (file INT, number INT, id TEXT, path TEXT, origin TEXT, json TEXT)")
        self._database.execute("CREATE TABLE annotations (file INT, number INT, image TEXT, json TEXT)")

    def add(self, entry: Entry, find: Callable[[str], ImageKey | None]) -> int | None:
        """Add a file.

        Args:
            entry: the file.
            find: finds the image that a file_name means.

        Returns:
            The number of the file; None if it is not COCO's.

        Raises:
            LabelError: it is truncated or not JSON; the message names the line.
        """
        number = len(self.heads)
        try:
            images = self._images(number, entry, find)
            first = next(images, None)
            if first is None:
                return None
            self._insert("INSERT INTO images VALUES (?, ?, ?, ?, ?, ?)", chain([first], images))
            self._insert("INSERT INTO annotations VALUES (?, ?, ?, ?)", self._annotations(number, entry))
            head = dict(_head(entry))
        except LabelError:
            self._forget(number)
            raise
        except Exception as error:  # ijson raises errors of its backends
            self._forget(number)
            raise LabelError(f"{entry.path}{_where(entry, error)}; correct it") from error
        self.heads.append(head)
        return number

    def finish(self) -> None:
        """Build the indexes, once all files are added."""
        with self._lock:
            self._database.execute("CREATE INDEX by_path ON images (path, origin)")
            self._database.execute("CREATE INDEX by_file ON images (file, number)")
            self._database.execute("CREATE INDEX by_image ON annotations (file, image, number)")

    def images_of(self, key: ImageKey) -> list[tuple[int, str, dict[str, Any]]]:
        """(file, id, image) for each file that lists an image. The id is JSON text, since it may be of any type."""
        rows = self._all("SELECT file, id, json FROM images WHERE path = ? AND origin = ? ORDER BY file, number", *key)
        return [(file, image_id, json.loads(text)) for file, image_id, text in rows]

    def annotations_of(self, file: int, image_id: str) -> list[dict[str, Any]]:
        """The annotations of one image in one file, in the file's order."""
        query = "SELECT json FROM annotations WHERE file = ? AND image = ? ORDER BY number"
        return [json.loads(text) for (text,) in self._all(query, file, image_id)]

    def images(self, file: int) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
        """(id, path, ZIP, image) of every image of a file that the set has, in the file's order."""
        last = -1
        query = (
            "SELECT number, id, path, origin, json FROM images "
            "WHERE file = ? AND number > ? AND path IS NOT NULL ORDER BY number LIMIT ?"
        )
        while rows := self._all(query, file, last, _BATCH_ROWS):
            for number, image_id, path, origin, text in rows:
                last = number
                yield image_id, path, origin, json.loads(text)

    def missing(self, file: int) -> int:
        """How many images of a file the set does not have."""
        return int(self._all("SELECT COUNT(*) FROM images WHERE file = ? AND path IS NULL", file)[0][0])

    def largest_ids(self, file: int) -> tuple[int, int]:
        """The largest whole-number id of an image and of an annotation; 0 if there is none."""
        image = self._all("SELECT MAX(CAST(id AS INTEGER)) FROM images WHERE file = ?", file)[0][0]
        query = "SELECT MAX(CAST(json_extract(json, '$.id') AS INTEGER)) FROM annotations WHERE file = ?"
        return int(image or 0), int(self._all(query, file)[0][0] or 0)

    def _images(self, number: int, entry: Entry, find: Callable[[str], ImageKey | None]) -> Iterator[Any]:
        for count, image in enumerate(_items(entry, "images.item")):
            if not isinstance(image, dict) or "id" not in image or not isinstance(image.get("file_name"), str):
                if count == 0:
                    return  # some other list of images
                raise LabelError(f"{entry.path}: image {count + 1} has no id or no file_name; correct it")
            path, origin = find(image["file_name"]) or (None, None)
            yield number, count, json.dumps(image["id"]), path, origin, json.dumps(image)

    def _annotations(self, number: int, entry: Entry) -> Iterator[Any]:
        for count, annotation in enumerate(_items(entry, "annotations.item")):
            if not isinstance(annotation, dict) or "image_id" not in annotation:
                raise LabelError(f"{entry.path}: annotation {count + 1} has no image_id; correct it")
            yield number, count, json.dumps(annotation["image_id"]), json.dumps(annotation)

    def _insert(self, query: str, rows: Iterable[Any]) -> None:
        remaining = iter(rows)
        while batch := list(islice(remaining, _BATCH_ROWS)):
            with self._lock:
                self._database.executemany(query, batch)

    def _forget(self, number: int) -> None:
        """Remove what was added of a file that turned out to be broken."""
        with self._lock:
            for table in _LISTS:
                self._database.execute(f"DELETE FROM {table} WHERE file = ?", (number,))

    def _all(self, query: str, *values: object) -> list[Any]:
        with self._lock:
            return self._database.execute(query, values).fetchall()


def _items(entry: Entry, prefix: str) -> Iterator[Any]:
    import ijson

    with entry.open_utf8() as stream:
        yield from ijson.items(stream, prefix, use_float=True)


def _head(entry: Entry) -> Iterator[tuple[str, Any]]:
    """The top-level fields except the two long lists, which are skipped without being stored."""
    import ijson
    from ijson.common import ObjectBuilder

    with entry.open_utf8() as stream:
        name, builder = "", None
        for prefix, event, value in ijson.parse(stream, use_float=True):
            if prefix == "" and event == "map_key":
                if builder is not None:
                    yield name, builder.value
                name, builder = value, None if value in _LISTS else ObjectBuilder()
            elif builder is not None and prefix:
                builder.event(event, value)
        if builder is not None:
            yield name, builder.value


def _where(entry: Entry, error: Exception) -> str:
    """The line of an error in JSON, which the streaming reader does not report."""
    words = " ".join(str(error).split())[:100]
    try:
        json.loads(entry.text(_MAX_REREAD_BYTES))
    except json.JSONDecodeError as found:
        return f", line {found.lineno}: {found.msg} (column {found.colno})"
    except (LabelError, ValueError, RecursionError):
        pass
    return f": not valid JSON ({words})"
