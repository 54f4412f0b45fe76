"""COCO's JSON files in a database on disk, to look up one image's annotations: a file may have millions of them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from threading import Lock
from typing import Any

from augmentai.annotations import LabelError
from augmentai.dataset.archive import format_size
from augmentai.dataset.bounds import LARGEST_OBJECT_CHARS
from augmentai.dataset.formats.base import ImageKey
from augmentai.dataset.formats.coco.ids import id_key
from augmentai.dataset.formats.coco.image_index import name_key_of
from augmentai.dataset.formats.coco.json_stream import LISTS, JsonFile
from augmentai.dataset.formats.guarded_load import check_objects

_BATCH_ROWS = 5000
_TABLES = (
    "CREATE TABLE images (file INT, number INT, id TEXT, exact TEXT, path TEXT, origin TEXT, name TEXT, json TEXT)",
    "CREATE TABLE annotations (file INT, number INT, image TEXT, exact TEXT, json TEXT)",
)
_INDEXES = (
    "CREATE INDEX by_path ON images (path, origin)",
    "CREATE INDEX by_file ON images (file, number)",
    "CREATE INDEX by_id ON images (file, id)",
    "CREATE INDEX by_image ON annotations (file, image, number)",
)
_OF_NO_IMAGE = (
    "FROM annotations WHERE file = ? AND NOT EXISTS "
    "(SELECT 1 FROM images WHERE images.file = annotations.file AND images.id = annotations.image)"
)


class CocoStore:
    """Images and annotations of several files, in an unnamed temporary database that ends with the process.

    A file is known by its number. Ids are compared as `id_key` has them.

    Attributes:
        heads: whatever else each file says: info, licenses, categories.
    """

    def __init__(self) -> None:
        self.heads: list[dict[str, Any]] = []
        self._lock = Lock()
        self._database = sqlite3.connect("", check_same_thread=False)
        for table in _TABLES:
            self._database.execute(table)

    def add(self, file: JsonFile, find: Callable[[str], ImageKey | None]) -> int | None:
        """Add a file.

        Args:
            file: the file.
            find: finds the image that a file_name means.

        Returns:
            The number of the file; None if it is not COCO's.

        Raises:
            LabelError: it is truncated or not JSON; the message names the line.
        """
        number = len(self.heads)
        try:
            self._insert("INSERT INTO images VALUES (?, ?, ?, ?, ?, ?, ?, ?)", _images(number, file, find))
            if not self._all("SELECT 1 FROM images WHERE file = ? AND id IS NOT NULL LIMIT 1", number):
                self._forget(number)  # some other list of images, or none
                return None
            self._insert("INSERT INTO annotations VALUES (?, ?, ?, ?, ?)", _annotations(number, file))
            head = dict(file.head())
        except Exception as error:  # ijson raises errors of its backends
            self._forget(number)
            raise error if isinstance(error, LabelError) else file.error(error) from error
        self.heads.append(head)
        return number

    def finish(self) -> None:
        """Build the indexes, once all files are added."""
        with self._lock:
            for index in _INDEXES:
                self._database.execute(index)

    def images_of(self, key: ImageKey) -> list[tuple[int, str, dict[str, Any]]]:
        """(file, id, image) for each file that lists an image, each id once."""
        rows = self._all("SELECT file, id, json FROM images WHERE path = ? AND origin = ? ORDER BY file, number", *key)
        return list({(file, image_id): (file, image_id, json.loads(text)) for file, image_id, text in rows}.values())

    def annotations_of(self, file: int, image_id: str) -> list[dict[str, Any]]:
        """The annotations of one image in one file, in the file's order."""
        ((count,),) = self._all("SELECT COUNT(*) FROM annotations WHERE file = ? AND image = ?", file, image_id)
        check_objects(count, f"image {image_id}")
        query = "SELECT json FROM annotations WHERE file = ? AND image = ? ORDER BY number"
        return [json.loads(text) for (text,) in self._all(query, file, image_id)]

    def annotations(self, file: int) -> Iterator[dict[str, Any]]:
        """Every annotation of a file, in its order."""
        last = -1
        query = "SELECT number, json FROM annotations WHERE file = ? AND number > ? ORDER BY number LIMIT ?"
        while rows := self._all(query, file, last, _BATCH_ROWS):
            yield from (json.loads(text) for _, text in rows)
            last = rows[-1][0]

    def sample_with_keypoints(self, file: int, count: int) -> list[dict[str, Any]]:
        """The first annotations of a file that have keypoints, at most so many."""
        query = "SELECT json FROM annotations WHERE file = ? AND json LIKE '%\"keypoints\": [%' ORDER BY number LIMIT ?"
        return [json.loads(text) for (text,) in self._all(query, file, count)]

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

    def missing(self, file: int) -> tuple[list[str], int]:
        """(names of the images of a file that the set does not have, how many annotations they have)."""
        condition = "FROM images WHERE file = ? AND id IS NOT NULL AND path IS NULL"
        names = [name for (name,) in self._all(f"SELECT name {condition} ORDER BY number", file)]
        query = f"SELECT COUNT(*) FROM annotations WHERE file = ? AND image IN (SELECT id {condition})"
        return names, int(self._all(query, file, file)[0][0]) if names else 0

    def unusable(self, file: int) -> tuple[list[int], list[int]]:
        """Positions, from 1, of images without an id or a name, and of annotations without an image_id."""
        images = self._all("SELECT number + 1 FROM images WHERE file = ? AND id IS NULL", file)
        annotations = self._all("SELECT number + 1 FROM annotations WHERE file = ? AND image IS NULL", file)
        return [number for (number,) in images], [number for (number,) in annotations]

    def of_no_image(self, file: int) -> tuple[int, list[str]]:
        """How many annotations of a file have an image_id that no image has, and these ids."""
        count = self._all(f"SELECT COUNT(*) {_OF_NO_IMAGE} AND image IS NOT NULL", file)[0][0]
        of_id = f"SELECT exact {_OF_NO_IMAGE} AND image IS NOT NULL GROUP BY exact ORDER BY MIN(number)"
        ids = self._all(of_id, file) if count else []
        return int(count), [exact for (exact,) in ids]

    def shared_ids(self, file: int) -> list[tuple[str, list[ImageKey]]]:
        """(id, images) for each id that a file gives to different images, and by which annotations name one."""
        query = (
            "SELECT id FROM images WHERE file = ? AND id IS NOT NULL AND path IS NOT NULL GROUP BY id "
            "HAVING COUNT(DISTINCT path || char(0) || origin) > 1"
        )
        of_id = "SELECT DISTINCT path, origin FROM images WHERE file = ? AND id = ? AND path IS NOT NULL"
        found = [(image_id, self._all(of_id, file, image_id)) for (image_id,) in self._all(query, file)]
        return [
            (one, [(path, origin) for path, origin in keys]) for one, keys in found if self.annotations_of(file, one)
        ]

    def has_other_spellings(self, file: int) -> bool:
        """Whether an annotation writes the id of its image in another way than the image: 2.0 or "2" for 2."""
        query = (
            "SELECT 1 FROM annotations JOIN images ON images.file = annotations.file AND images.id = annotations.image "
            "WHERE annotations.file = ? AND images.exact != annotations.exact LIMIT 1"
        )
        return bool(self._all(query, file))

    def largest_ids(self, file: int) -> tuple[int, int]:
        """The largest whole-number id of an image and of an annotation; 0 if there is none."""
        image = self._all("SELECT MAX(CAST(id AS INTEGER)) FROM images WHERE file = ?", file)[0][0]
        query = "SELECT MAX(CAST(json_extract(json, '$.id') AS INTEGER)) FROM annotations WHERE file = ?"
        return int(image or 0), int(self._all(query, file)[0][0] or 0)

    def _insert(self, query: str, rows: Iterable[Any]) -> None:
        remaining = iter(rows)
        while batch := list(islice(remaining, _BATCH_ROWS)):
            with self._lock:
                self._database.executemany(query, batch)

    def _forget(self, number: int) -> None:
        """Remove what was added of a file that turned out to be broken."""
        with self._lock:
            for table in LISTS:
                self._database.execute(f"DELETE FROM {table} WHERE file = ?", (number,))

    def _all(self, query: str, *values: object) -> list[Any]:
        with self._lock:
            return self._database.execute(query, values).fetchall()


def _images(number: int, file: JsonFile, find: Callable[[str], ImageKey | None]) -> Iterator[Any]:
    for count, image in enumerate(file.items("images.item")):
        image_id = id_key(image.get("id")) if isinstance(image, dict) else None
        name_key = name_key_of(image) if isinstance(image, dict) else None
        if image_id is None or name_key is None:
            yield number, count, None, None, None, None, None, None
            continue
        name = image[name_key]
        path, origin = find(name) or (None, None)
        yield number, count, image_id, json.dumps(image["id"]), path, origin, name, json.dumps(image)


def _annotations(number: int, file: JsonFile) -> Iterator[Any]:
    for count, annotation in enumerate(file.items("annotations.item")):
        image = annotation.get("image_id") if isinstance(annotation, dict) else None
        text = json.dumps(annotation)
        if len(text) > LARGEST_OBJECT_CHARS:
            raise LabelError(
                f"{file.entry.path}, annotation {count + 1}: {format_size(len(text))} of JSON for one object; "
                f"expected at most {format_size(LARGEST_OBJECT_CHARS)}"
            )
        yield number, count, id_key(image), json.dumps(image), text
