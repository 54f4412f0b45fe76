"""The list of contents of a ZIP that is being written, on disk, so that memory does not grow with its files."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from collections.abc import Iterator

_TOLD = (
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


class Listing:
    """Stands in for both lists that `zipfile.ZipFile` keeps of what it has written: `filelist` and `NameToInfo`.

    Entries lie in a temporary database, in the system's folder for such files. Raises OSError where that has no room.
    """

    def __init__(self) -> None:
        # No name: a file of its own that goes with the connection. The page's threads take turns with it.
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode = MEMORY")
        self._database.execute("CREATE TABLE held (number INTEGER PRIMARY KEY, name TEXT UNIQUE, told TEXT)")
        self._count = 0

    def append(self, info: zipfile.ZipInfo) -> None:
        """Called by `zipfile` when a file has been written whole."""
        told = json.dumps([getattr(info, name) for name in _TOLD])
        self._do("INSERT INTO held VALUES (?, ?, ?)", self._count, info.filename, told)
        self._count += 1

    def __setitem__(self, name: str, info: zipfile.ZipInfo) -> None:
        """Called by `zipfile` after `append`, which has seen to it."""

    def __len__(self) -> int:
        return self._count

    def __contains__(self, name: object) -> bool:
        return self._database.execute("SELECT 1 FROM held WHERE name = ?", (name,)).fetchone() is not None

    def __iter__(self) -> Iterator[zipfile.ZipInfo]:
        for name, told in self._database.execute("SELECT name, told FROM held ORDER BY number"):
            yield _info(name, told)

    def get(self, name: str) -> zipfile.ZipInfo | None:
        found = self._database.execute("SELECT name, told FROM held WHERE name = ?", (name,)).fetchone()
        return None if found is None else _info(*found)

    def cut_back(self, count: int) -> None:
        """Forget all but the first `count`."""
        self._do("DELETE FROM held WHERE number >= ?", count)
        self._count = count

    def _do(self, words: str, *values: object) -> None:
        try:
            self._database.execute(words, values)
        except sqlite3.Error as error:
            raise OSError(f"no room for its list of contents in the temporary folder, see TMPDIR: {error}") from error

    def close(self) -> None:
        self._database.close()


def _info(name: str, told: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    for field, value in zip(_TOLD, json.loads(told), strict=True):
        setattr(info, field, tuple(value) if field == "date_time" else value)
    return info
