"""The hashes of all images of a plan, written down as they are found: a plan that was interrupted reads no image twice,
and its workers none that is not theirs."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from contextlib import suppress
from pathlib import Path

from augmentai.cluster.plan_folder import LISTING
from augmentai.cluster.unread import UnreadFiles
from augmentai.dataset.file_tree import Entry, FileKey
from augmentai.dataset.readers.known_digests import ANY_VERSION, KnownDigests
from augmentai.storage import Store, store_fault

_FILES_PER_PART = 5000
_TABLE = (
    "CREATE TABLE known (path BLOB, origin BLOB, size INTEGER, version TEXT, sha256 TEXT, PRIMARY KEY (path, origin)) "
    "WITHOUT ROWID"
)


class Listing(KnownDigests):
    """Hashes that are written to a plan's folder in parts.

    Args:
        store: the plan's folder.
        any_version: accept a hash whatever the time of the file: on another machine it may be another one.
        unread: takes note of images that a store does not hand out.
    """

    def __init__(self, store: Store, any_version: bool = False, unread: UnreadFiles | None = None) -> None:
        super().__init__()
        self._store, self._lines, self._parts, self._count = store, list[str](), 0, 0
        # On disk: those of ten million images would not fit into memory.
        self._home = tempfile.TemporaryDirectory(prefix="augmentai-listing-")
        self._database = sqlite3.connect(Path(self._home.name, "known.sqlite"), isolation_level=None)
        self._database.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; {_TABLE}; BEGIN")
        self.unread = unread or UnreadFiles()
        for part in store.list(LISTING):
            self._parts += 1
            with suppress(ValueError):  # a damaged part says nothing: its images are read again
                for line in store.read(part.path).splitlines():
                    path, origin, size, version, sha256 = json.loads(line)
                    self.add((path, origin), size, ANY_VERSION if any_version else version, sha256)

    def __len__(self) -> int:
        return self._count

    def add(self, key: FileKey, size_bytes: int, version: str, sha256: str) -> None:
        row = *map(_stored, key), size_bytes, version, sha256
        self._database.execute("INSERT OR REPLACE INTO known VALUES (?, ?, ?, ?, ?)", row)
        self._count += 1

    def of(self, entry: Entry, size_bytes: int, version: str = ANY_VERSION) -> str | None:
        if not self._count:
            return None
        asked = "SELECT size, version, sha256 FROM known WHERE path = ? AND origin = ?"
        size, known, sha256 = self._database.execute(asked, [*map(_stored, entry.key)]).fetchone() or (-1, "", "")
        return str(sha256) if size == size_bytes and known in {ANY_VERSION, version} else None

    def found(self, entry: Entry, size_bytes: int, version: str, sha256: str) -> None:
        self._lines.append(json.dumps([*entry.key, size_bytes, version, sha256]))
        if len(self._lines) >= _FILES_PER_PART:
            self.flush()

    def missed(self, entry: Entry, error: OSError) -> None:
        if reason := store_fault(error):
            self.unread.note(entry.path, reason)

    def flush(self) -> None:
        """Write what is not written yet."""
        if self._lines:
            self._store.put(f"{LISTING}/{self._parts:06}.jsonl", "\n".join(self._lines).encode())
            self._parts += 1
            self._lines.clear()


def _stored(name: str) -> bytes:
    """A name in the database; an archive's may be no text."""
    return name.encode("utf-8", "surrogateescape")
