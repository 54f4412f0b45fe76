"""A run into one ZIP, as a stream."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
import time
import zipfile
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self

from augmentai.dataset.atomic_files import OutputError, Whole, as_bytes, put, why
from augmentai.dataset.checkpoint import Checkpoint
from augmentai.dataset.manifest import MANIFEST, RECIPE_FILE, line
from augmentai.dataset.run_record import RunRecord
from augmentai.dataset.writers.zip_directory import Listing
from augmentai.types import Outcome

_KEPT = "what was finished before is kept"
_COPIED_AT_ONCE_BYTES = 1 << 20
_PACKED = (".txt", ".xml", ".json", ".jsonl", ".yaml", ".csv", ".md", ".svg")


class ZipWriter:
    """Streams into a ZIP file that must not exist yet. Pictures are stored, not packed: they are packed already.

    The file grows under a name of its own and takes `path` when it is whole, so `path` is never half a ZIP. A killed
    run leaves that part, which cannot be gone on with. The manifest waits in a nameless file beside it, and the list of
    contents in a temporary database, so that memory stays flat.
    """

    def __init__(self, path: Path, record: RunRecord | None = None) -> None:
        self.path = path
        self.held = Checkpoint()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if os.path.lexists(path):
                raise OutputError(f"{path} is already there and nothing is overwritten; choose another name")
            self._part = path.with_name(f".augmentai-{secrets.token_hex(8)}.part")
            self._lines = tempfile.TemporaryFile(dir=path.parent, buffering=0)  # noqa: SIM115 (closed by __exit__)
            self._stream = Whole(self._part, "xb+")
        except OutputError:
            raise
        except OSError as error:
            raise OutputError(f"{path} cannot be written ({why(error)}); choose another place") from error
        self._listing = Listing()
        self._archive = self._archive_from(0)
        # For each outcome, where the ZIP stood before it, how many entries it had, and where its line begins.
        self._starts, self._entries, self._line_starts = array("Q"), array("Q"), array("Q")
        if record is not None:
            try:
                self.put(RECIPE_FILE, as_bytes(record.to_yaml()))
            except OutputError:
                self._give_up()
                raise

    def add(self, outcome: Outcome) -> None:
        """Keep one outcome. Raises OutputError where it cannot be written; what came before stays as it is."""
        made = outcome.variation
        self._keep([(made.file, made.data), *made.beside] if made else [], as_bytes(line(outcome)))

    def take(self, entry: dict[str, Any], files: list[tuple[str, bytes]]) -> None:
        """Keep what another ZIP of the same run holds: a line of its manifest, and its files. Raises OutputError."""
        self._keep(files, as_bytes(json.dumps(entry, ensure_ascii=False) + "\n"))

    def _keep(self, files: list[tuple[str, bytes]], told: bytes) -> None:
        self._starts.append(self._archive.start_dir)
        self._entries.append(len(self._listing))
        self._line_starts.append(self._lines.seek(0, os.SEEK_END))
        try:
            for file, data in files:
                self._write(file, data)
            _write_whole(self._lines, told)
        except BaseException as error:
            self._drop_last()
            if isinstance(error, OSError):
                raise OutputError(f"{self.path} cannot be written any more ({why(error)}); {_KEPT}") from error
            raise

    def has(self, file: str, size_bytes: int | None = None) -> bool:
        """Whether this file is in it."""
        return file in self._listing

    def link(self, file: str, target: Path) -> None:
        """Nothing in a ZIP can be a link: the file is copied."""
        self.put(file, target.read_bytes())

    def put(self, file: str, data: bytes | Iterable[bytes]) -> None:
        """Keep a file besides the variations. Raises OutputError."""
        start, entries = self._archive.start_dir, len(self._listing)
        try:
            self._write(file, data)
        except OSError as error:
            self._cut_back(start, entries)
            raise OutputError(f"{self.path} cannot be written any more ({why(error)}); {_KEPT}") from error

    def entries(self) -> Iterator[dict[str, Any]]:
        """The lines of the manifest so far."""
        self._lines.seek(0)
        with os.fdopen(os.dup(self._lines.fileno()), "rb") as lines:
            for one in lines:
                yield json.loads(one)

    def read(self, file: str) -> bytes:
        """A file that was kept. Raises KeyError."""
        return self._archive.read(file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        full = self._finish()
        try:
            self._stream.close()
            put(self._part, self.path)
        except FileExistsError as problem:
            raise OutputError(f"{self.path} appeared meanwhile; the result is in {self._part}") from problem
        except OSError as problem:
            raise OutputError(f"{self.path} could not be finished ({why(problem)})") from problem
        finally:
            self._lines.close()
            self._listing.close()
        if full is not None and error is None:
            raise OutputError(f"{self.path} could not be finished ({why(full)}); {_KEPT}") from full

    def _finish(self) -> OSError | None:
        """Write the manifest and the list of contents.

        Where the disk has no room for them, pictures make room, from the last; the error that asked for it is returned.
        """
        full: OSError | None = None
        while True:
            start, entries = self._archive.start_dir, len(self._listing)
            try:
                self._write_manifest()
                self._archive.close()
            except OSError as error:
                full = full or error
                self._cut_back(start, entries)
                if not self._starts:
                    self._give_up()
                    raise OutputError(f"{self.path} could not be finished ({why(error)}); nothing was kept") from error
                self._drop_last()
            else:
                return full

    def _write_manifest(self) -> None:
        entry = _entry(MANIFEST)
        entry.file_size = self._lines.seek(0, os.SEEK_END)  # told ahead, so that it may be larger than 4 GB
        self._lines.seek(0)
        with self._archive.open(entry, "w") as target:
            shutil.copyfileobj(self._lines, target, _COPIED_AT_ONCE_BYTES)

    def _write(self, file: str, data: bytes | Iterable[bytes]) -> None:
        if self.has(file):
            raise FileExistsError(f"{file} is already in it")
        if isinstance(data, bytes):
            self._archive.writestr(_entry(file), data)
            return
        with self._archive.open(_entry(file), "w", force_zip64=True) as target:
            for piece in data:
                target.write(piece)

    def _drop_last(self) -> None:
        self._cut_back(self._starts.pop(), self._entries.pop())
        self._lines.truncate(self._line_starts.pop())

    def _cut_back(self, start: int, entries: int) -> None:
        """The archive as it was when it ended at `start` and held `entries` files; `zipfile` has no way to say this."""
        self._archive.fp = None  # closed, as it sees it: it would else write its list of contents when it is collected
        self._stream.truncate(start)
        self._stream.seek(0)
        self._listing.cut_back(entries)
        self._archive = self._archive_from(start)

    def _archive_from(self, start: int) -> zipfile.ZipFile:
        archive = zipfile.ZipFile(self._stream, "w", zipfile.ZIP_STORED)
        archive.filelist = archive.NameToInfo = self._listing  # type: ignore[assignment]  # all that is asked of them
        archive.start_dir = start
        return archive

    def _give_up(self) -> None:
        self._archive.fp = None
        self._stream.close()
        self._lines.close()
        self._listing.close()
        self._part.unlink(missing_ok=True)


def _write_whole(file: Any, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[file.write(left) or 0 :]


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, time.localtime()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED if name.endswith(_PACKED) else zipfile.ZIP_STORED
    entry.external_attr = 0o644 << 16  # else only their owner may read them, once they are unpacked
    return entry
