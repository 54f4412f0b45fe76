"""COCO's JSON files on disk in a form that gives one picture's annotations: such a file may hold millions of them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from threading import Lock
from typing import Any

from augmentai.annotations import LabelError
from augmentai.dataset.file_tree import Entry

_AT_ONCE = 5000
_LARGEST_REREAD_BYTES = 64 << 20  # a broken file of this size is read again to tell the line
_LISTS = ("images", "annotations")


class CocoStore:
    """Images and annotations of several files, in a nameless temporary database that goes with the process.

    A file is known by its number. `heads` holds whatever else each of them says: info, licenses, categories.
    """

    def __init__(self) -> None:
        self.heads: list[dict[str, Any]] = []
        self._lock = Lock()
        self._database = sqlite3.connect("", check_same_thread=False)
        self._database.execute(
            "CREATE TABLE images (file INT, number INT, id TEXT, place TEXT, origin TEXT, json TEXT)"
        )
        self._database.execute("CREATE TABLE annotations (file INT, number INT, image TEXT, json TEXT)")

    def add(self, entry: Entry, place: Callable[[str], tuple[str, str] | None]) -> int | None:
        """Take a file in; None where it is none of COCO's. place: the picture that a file_name means.

        Raises LabelError with the line where it breaks off or is no JSON.
        """
        number = len(self.heads)
        try:
            images = self._images(number, entry, place)
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
        """All files are in."""
        with self._lock:
            self._database.execute("CREATE INDEX by_place ON images (place, origin)")
            self._database.execute("CREATE INDEX by_file ON images (file, number)")
            self._database.execute("CREATE INDEX by_image ON annotations (file, image, number)")

    def images_of(self, key: tuple[str, str]) -> list[tuple[int, str, dict[str, Any]]]:
        """(file, id, image) of a picture: several where several files tell of it."""
        rows = self._all("SELECT file, id, json FROM images WHERE place = ? AND origin = ? ORDER BY file, number", *key)
        return [(file, identity, json.loads(text)) for file, identity, text in rows]

    def annotations_of(self, file: int, identity: str) -> list[dict[str, Any]]:
        query = "SELECT json FROM annotations WHERE file = ? AND image = ? ORDER BY number"
        return [json.loads(text) for (text,) in self._all(query, file, identity)]

    def images(self, file: int) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
        """(id, path, ZIP, image) of every image of a file whose picture is there, in its order."""
        last = -1
        query = (
            "SELECT number, id, place, origin, json FROM images "
            "WHERE file = ? AND number > ? AND place IS NOT NULL ORDER BY number LIMIT ?"
        )
        while rows := self._all(query, file, last, _AT_ONCE):
            for number, identity, place, origin, text in rows:
                last = number
                yield identity, place, origin, json.loads(text)

    def missing(self, file: int) -> int:
        """How many images of a file have no picture."""
        return int(self._all("SELECT COUNT(*) FROM images WHERE file = ? AND place IS NULL", file)[0][0])

    def largest_ids(self, file: int) -> tuple[int, int]:
        """The largest whole-number id of an image and of an annotation; 0 where there is none."""
        image = self._all("SELECT MAX(CAST(id AS INTEGER)) FROM images WHERE file = ?", file)[0][0]
        query = "SELECT MAX(CAST(json_extract(json, '$.id') AS INTEGER)) FROM annotations WHERE file = ?"
        return int(image or 0), int(self._all(query, file)[0][0] or 0)

    def _images(self, number: int, entry: Entry, place: Callable[[str], tuple[str, str] | None]) -> Iterator[Any]:
        for count, image in enumerate(_items(entry, "images.item")):
            if not isinstance(image, dict) or "id" not in image or not isinstance(image.get("file_name"), str):
                if count == 0:
                    return  # some other list of pictures
                raise LabelError(f"{entry.path}: image {count + 1} has no id or no file_name; correct it")
            where, origin = place(image["file_name"]) or (None, None)
            yield number, count, json.dumps(image["id"]), where, origin, json.dumps(image)

    def _annotations(self, number: int, entry: Entry) -> Iterator[Any]:
        for count, annotation in enumerate(_items(entry, "annotations.item")):
            if not isinstance(annotation, dict) or "image_id" not in annotation:
                raise LabelError(f"{entry.path}: annotation {count + 1} has no image_id; correct it")
            yield number, count, json.dumps(annotation["image_id"]), json.dumps(annotation)

    def _insert(self, query: str, rows: Iterable[Any]) -> None:
        waiting = iter(rows)
        while batch := list(islice(waiting, _AT_ONCE)):
            with self._lock:
                self._database.executemany(query, batch)

    def _forget(self, number: int) -> None:
        with self._lock:
            for table in _LISTS:
                self._database.execute(f"DELETE FROM {table} WHERE file = ?", (number,))

    def _all(self, query: str, *values: object) -> list[Any]:
        with self._lock:
            return self._database.execute(query, values).fetchall()


def _items(entry: Entry, prefix: str) -> Iterator[Any]:
    import ijson

    with entry.open() as stream:
        yield from ijson.items(stream, prefix, use_float=True)


def _head(entry: Entry) -> Iterator[tuple[str, Any]]:
    """The top-level fields but the two long lists, which are passed over without being kept."""
    import ijson
    from ijson.common import ObjectBuilder

    with entry.open() as stream:
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
    """The line of a mistake in JSON, which the streaming reader does not tell."""
    words = " ".join(str(error).split())[:100]
    try:
        json.loads(entry.read(_LARGEST_REREAD_BYTES))
    except json.JSONDecodeError as found:
        return f", line {found.lineno}: {found.msg} (column {found.colno})"
    except (LabelError, ValueError, RecursionError):
        pass
    return f": not JSON that can be read ({words})"
