"""The images of a large set in a table on disk: listed, hashed and sorted there, so that none has to stay in memory."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self, overload

from augmentai.dataset.content import FileReader
from augmentai.dataset.file_tree import Entry, parent
from augmentai.dataset.readers.stored_member import StoredMember, StoredReader
from augmentai.dataset.sorted_sources import IndexedSources
from augmentai.storage import Store, StoredFile
from augmentai.types import Source

_CACHE_KB = 32_000
_ANY = "surrogatepass"  # names of files need not be text
_ROWS_AT_A_TIME = 1000
_SPLITS = (None, "train", "val", "test")
_LISTED = "id INTEGER PRIMARY KEY, path TEXT, original BLOB, file BLOB, size INTEGER, version TEXT, folder INTEGER"
_SOURCES = (
    "path TEXT, sha256 BLOB, size INTEGER, label INTEGER, split INTEGER, file BLOB, version TEXT, stem INTEGER, "
    "is_odd INTEGER, variations INTEGER DEFAULT 0, PRIMARY KEY (path, sha256)"
)


class ImageTable:
    """Images as they are listed, and then as the sources that they are; some 400 bytes each, on disk.

    Its methods are called by one thread.

    Args:
        store: where the files are; None if they are on this machine.

    Attributes:
        folders: every folder with images, in the order in which they were listed.
    """

    def __init__(self, store: Store | None = None) -> None:
        self.store = store
        self.folders: dict[str, int] = {}
        self._labels: dict[str, int] = {}
        self._home = tempfile.TemporaryDirectory(prefix="augmentai-set-")
        self.database = sqlite3.connect(Path(self._home.name, "images.sqlite"), isolation_level=None)
        self.database.executescript(
            f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -{_CACHE_KB};"
            f"CREATE TABLE listed ({_LISTED}, name TEXT, ending TEXT, is_lossless INTEGER);"
            f"CREATE TABLE sources ({_SOURCES}) WITHOUT ROWID; BEGIN"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove it from the disk."""
        self.database.close()
        self._home.cleanup()

    def add_entry(self, entry: Entry, name: str, ending: str | None, is_lossless: bool) -> None:
        """Add a file as it is listed.

        Args:
            entry: the file.
            name: what it is compared by with others of its folder.
            ending: what follows another name in it; None if nothing may.
            is_lossless: by its ending, which files of masks have.
        """
        folder = self.folders.setdefault(parent(entry.path), len(self.folders))
        file, size, version = b"", 0, ""
        if isinstance(entry.member, StoredMember):
            file, size, version = entry.member.path.encode(), entry.member.file_size, entry.member.version
        elif entry.file is not None:
            file = os.fsencode(entry.file)
        row = entry.path, entry.original.encode("utf-8", _ANY), file, size, version, folder, name, ending, is_lossless
        self.database.execute("INSERT INTO listed VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def entries(self, where: str = "1", values: Sequence[Any] = (), order: str = "id") -> Iterator[Entry]:
        """Files as they were listed.

        Args:
            where: a condition in SQL; its values follow.
            values: of the condition.
            order: what they are sorted by.
        """
        found = self.database.execute(
            f"SELECT path, original, file, size, version FROM listed WHERE {where} ORDER BY {order}", values
        )
        for path, name, file, size, version in found:
            original = name.decode("utf-8", _ANY)
            if self.store is None:
                yield Entry(path, "", Path(os.fsdecode(file)), None, original)
            else:
                member = StoredMember(self.store, StoredFile(file.decode(), size, version))
                yield Entry(path, "", None, member, original)

    def add_source(self, source: Source, entry: Entry, stem: int, is_odd: bool) -> bool:
        """Add a source. Returns False if it is there already.

        Args:
            source: the image.
            entry: its file.
            stem: a hash of what the names of its variations begin with.
            is_odd: the name of another image may come to be the same as its own.
        """
        label = None if source.label is None else self._labels.setdefault(source.label, len(self._labels))
        member = entry.member if isinstance(entry.member, StoredMember) else None
        file = member.path.encode() if member is not None else os.fsencode(entry.file or "")
        version = member.version if member is not None else ""
        known = source.path, bytes.fromhex(source.sha256), source.size_bytes, label, _SPLITS.index(source.split)
        row = *known, file, version, stem, is_odd
        done = self.database.execute("INSERT OR IGNORE INTO sources VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)", row)
        return done.rowcount == 1

    def finish(self) -> None:
        """Call it when all sources are there."""
        self.database.executescript(
            "DROP TABLE listed; CREATE INDEX by_hash ON sources (sha256, path); CREATE INDEX by_stem ON sources (stem)"
        )

    def number_sources(self) -> None:
        """Give each source its place among all of them, sorted by path and hash; see `SortedTableSources`."""
        self.database.executescript(
            "ALTER TABLE sources ADD COLUMN place INTEGER;"
            "UPDATE sources SET place = ranked.place FROM (SELECT path, sha256, "
            "row_number() OVER (ORDER BY path, sha256) - 1 AS place FROM sources) AS ranked "
            "WHERE ranked.path = sources.path AND ranked.sha256 = sources.sha256;"
            "CREATE UNIQUE INDEX by_place ON sources (place)"
        )

    @property
    def labels(self) -> list[str]:
        """The classes, by their numbers in the table."""
        return list(self._labels)

    def count(self, where: str = "1") -> int:
        """How many sources there are. where: a condition in SQL."""
        return int(self.database.execute(f"SELECT count(*) FROM sources WHERE {where}").fetchone()[0])

    def rows(self, columns: str, where: str = "1", order: str = "path, sha256") -> Iterator[tuple[Any, ...]]:
        """Some columns of the sources.

        Args:
            columns, where, order: as in SQL.
        """
        found = self.database.execute(f"SELECT {columns} FROM sources WHERE {where} ORDER BY {order}")
        while several := found.fetchmany(_ROWS_AT_A_TIME):
            yield from several

    def sources(self, where: str = "1", order: str = "path, sha256") -> Iterator[Source]:
        """Sources, made as they are asked for.

        Args:
            where, order: as in SQL.
        """
        for source, _ in self.sources_and("0", where, order):
            yield source

    def sources_and(self, column: str, where: str = "1", order: str = "path, sha256") -> Iterator[tuple[Source, Any]]:
        """The same, each with another column."""
        names = self.labels
        columns = f"path, sha256, size, label, split, file, version, {column}"
        for path, sha256, size, label, split, file, version, other in self.rows(columns, where, order):
            digest = sha256.hex()
            read: FileReader | StoredReader
            if self.store is None:
                read = FileReader(Path(os.fsdecode(file)), size, digest)
            else:
                read = StoredReader(StoredMember(self.store, StoredFile(file.decode(), size, version)), digest)
            named = None if label is None else names[label]
            yield Source(path, named, digest, size, read, _SPLITS[split]), other


class TableSources(Sequence[Source]):
    """Sources of a table as a sequence, sorted by hash. They are read anew each time that it is gone through.

    Args:
        table: with all sources.
        where: which of them, in SQL.
        changed: makes of each source the one that is handed out.
    """

    def __init__(self, table: ImageTable, where: str, changed: Callable[[Source], Source]) -> None:
        self._table, self._where, self._changed = table, where, changed

    def __len__(self) -> int:
        return self._table.count(self._where)

    def __iter__(self) -> Iterator[Source]:
        return map(self._changed, self._table.sources(self._where, "sha256, path"))

    @overload
    def __getitem__(self, place: int) -> Source: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Source]: ...
    def __getitem__(self, place: int | slice) -> Source | Sequence[Source]:
        if isinstance(place, slice):
            return list(self)[place]
        return next(islice(self, place % max(1, len(self)), None))


class SortedTableSources(IndexedSources):
    """All sources of a table as a sequence, sorted by path and hash. Each is read anew when it is asked for.

    Args:
        table: with all sources, numbered.
        changed: makes of each source the one that is handed out.
    """

    def __init__(self, table: ImageTable, changed: Callable[[Source], Source]) -> None:
        self._table, self._changed = table, changed
        self._count = table.count()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Source]:
        return map(self._changed, self._table.sources())

    @overload
    def __getitem__(self, place: int) -> Source: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Source]: ...
    def __getitem__(self, place: int | slice) -> Source | Sequence[Source]:
        places = range(self._count)[place]
        if isinstance(places, range):
            return [self[one] for one in places]
        return self._changed(next(self._table.sources(f"place = {places}")))

    def position(self, path: str, sha256: str) -> int | None:
        query = "SELECT place FROM sources WHERE path = ? AND sha256 = ?"
        try:
            found = self._table.database.execute(query, [path, bytes.fromhex(sha256)]).fetchone()
        except ValueError:  # a line of a manifest may say anything: neither a name nor a hash
            return None
        return None if found is None else int(found[0])
