"""The directory of a ZIP that is being written, on disk, so that memory does not grow with its files."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from collections.abc import Iterator

_FIELDS = (
    "header_offset",
    "CRC",
    "compress_size",
    "file_size",
    "compress_type",
    "flag_bits",
    "create_version",
    "extract_version",
    "external_attr",
    "date_time",
)


class ZipDirectory:
    """Replaces both collections in which `zipfile.ZipFile` remembers what it wrote: `filelist` and `NameToInfo`.

    The entries are in a temporary database, in the system's temporary folder.

    Raises:
        OSError: that folder is full.
    """

    def __init__(self) -> None:
        # Without a name: a temporary file that ends with the connection. The page's threads take turns with it.
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode = MEMORY")
        self._database.execute("CREATE TABLE entries (number INTEGER PRIMARY KEY, name TEXT UNIQUE, fields TEXT)")
        self._count = 0

    def append(self, info: zipfile.ZipInfo) -> None:
        """Called by `zipfile` when a file has been written completely."""
        fields = json.dumps([getattr(info, name) for name in _FIELDS])
        self._execute("INSERT INTO entries VALUES (?, ?, ?)", self._count, info.filename, fields)
        self._count += 1

    def __setitem__(self, name: str, info: zipfile.ZipInfo) -> None:
        """Called by `zipfile` after `append`, which has stored the entry already."""

    def __len__(self) -> int:
        return self._count

    def __contains__(self, name: object) -> bool:
        return self._database.execute("SELECT 1 FROM entries WHERE name = ?", (name,)).fetchone() is not None

    def __iter__(self) -> Iterator[zipfile.ZipInfo]:
        for name, fields in self._database.execute("SELECT name, fields FROM entries ORDER BY number"):
            yield _zip_info(name, fields)

    def get(self, name: str) -> zipfile.ZipInfo | None:
        """The entry of this name."""
        found = self._database.execute("SELECT name, fields FROM entries WHERE name = ?", (name,)).fetchone()
        return None if found is None else _zip_info(*found)

    def truncate(self, count: int) -> None:
        """Forget all but the first `count` entries."""
        self._execute("DELETE FROM entries WHERE number >= ?", count)
        self._count = count

    def _execute(self, statement: str, *values: object) -> None:
        try:
            self._database.execute(statement, values)
        except sqlite3.Error as error:
            raise OSError(f"no room for the ZIP's directory in the temporary folder, see TMPDIR: {error}") from error

    def close(self) -> None:
        """End the database and remove its file."""
        self._database.close()


def _zip_info(name: str, fields: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    for field, value in zip(_FIELDS, json.loads(fields), strict=True):
        setattr(info, field, tuple(value) if field == "date_time" else value)
    return info
