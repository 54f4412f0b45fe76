"""Writes a run into one ZIP, as a stream."""

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

from augmentai.dataset.atomic_files import GONE, KEPT, OutputError, UnbufferedFile, encode_text, publish, reason_of
from augmentai.dataset.checkpoint import Checkpoint
from augmentai.dataset.manifest import MANIFEST, RECIPE_FILE, manifest_line
from augmentai.dataset.run_record import RunRecord
from augmentai.dataset.writers.output_lock import OutputLock
from augmentai.dataset.writers.zip_directory import ZipDirectory
from augmentai.dataset.writers.zip_sidecar import lock_file_of
from augmentai.plurals import counted
from augmentai.types import Outcome

_CHUNK_BYTES = 1 << 20
_COMPRESSED = (".txt", ".xml", ".json", ".jsonl", ".yaml", ".csv", ".md", ".svg")


class ZipWriter:
    """Streams into a ZIP file that must not exist yet. Images are stored, not compressed: they are compressed already.

    The file grows under a temporary name and gets its final one when it is complete, so that there is never half a ZIP
    of that name, and none of a run that failed before its first outcome. A killed run leaves that temporary file, which
    cannot be resumed. One writer at a time: a lock file beside the ZIP refuses the second. The manifest waits in a
    nameless file next to it, and the ZIP's directory in a temporary database, so that memory does not grow with the
    images.

    Attributes:
        path: the ZIP.
        checkpoint: always empty, since a ZIP cannot be resumed.

    Args:
        path: the ZIP; its folder is created if it does not exist.
        record: the run that is to be written; without it the ZIP gets no `recipe.yaml`.

    Raises:
        OutputError: the file exists, another run is writing it, or it cannot be written.
    """

    def __init__(self, path: Path, record: RunRecord | None = None) -> None:
        self.path = path
        self.checkpoint = Checkpoint()
        try:
            _refuse_existing(path)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = OutputLock(lock_file_of(path), path)
            try:
                self._open(record)
            except BaseException:
                self._lock.release()
                raise
        except OutputError:
            raise
        except OSError as error:
            raise OutputError(f"{path} cannot be written ({reason_of(error)}); choose another place") from error

    def _open(self, record: RunRecord | None) -> None:
        path = self.path
        _refuse_existing(path)  # a run that has ended meanwhile may have written it
        self._part = path.with_name(f".augmentai-{secrets.token_hex(8)}.part")
        self._lines = tempfile.TemporaryFile(dir=path.parent, buffering=0)  # noqa: SIM115 (closed by __exit__)
        self._stream = UnbufferedFile(self._part, "xb+")
        self._directory = ZipDirectory()
        self._is_broken = False  # nothing can be changed any more
        self._archive = self._open_archive(0)
        # Of each outcome: where the ZIP ended before it, how many entries it had, and where its manifest line begins.
        self._starts, self._entries, self._line_starts = array("Q"), array("Q"), array("Q")
        if record is not None:
            try:
                self.write(RECIPE_FILE, encode_text(record.to_yaml()))
            except OutputError:
                self._discard()
                raise

    def add(self, outcome: Outcome) -> None:
        """Write one outcome. See `Writer.add`."""
        made = outcome.variation
        self._add([(made.file, made.data), *made.beside] if made else [], encode_text(manifest_line(outcome)))

    def add_entry(self, entry: dict[str, Any], files: list[tuple[str, bytes]]) -> None:
        """Write a variation of another ZIP of the same run.

        Args:
            entry: its line of that ZIP's manifest, parsed.
            files: the paths and bytes of its image and label files.

        Raises:
            OutputError: it cannot be written.
        """
        self._add(files, encode_text(json.dumps(entry, ensure_ascii=False) + "\n"))

    def _add(self, files: list[tuple[str, bytes]], line: bytes) -> None:
        self._starts.append(self._archive.start_dir)
        self._entries.append(len(self._directory))
        self._line_starts.append(self._lines.seek(0, os.SEEK_END))
        try:
            for file, data in files:
                self._write_entry(file, data)
            _write_all(self._lines, line)
        except BaseException as error:
            self._remove_last()
            if isinstance(error, OSError) and not isinstance(error, OutputError):
                raise OutputError(f"{self.path} cannot be written any more ({reason_of(error)}); {KEPT}") from error
            raise

    def has(self, file: str, size_bytes: int | None = None) -> bool:
        """Whether the ZIP contains this file."""
        return file in self._directory

    def link(self, file: str, target: Path) -> None:
        """Copy a file of this machine, since nothing in a ZIP can be a link."""
        self.write(file, target.read_bytes())

    def write(self, file: str, data: bytes | Iterable[bytes]) -> None:
        """Write a file that is not a variation. Raises OutputError."""
        start, entries = self._archive.start_dir, len(self._directory)
        try:
            self._write_entry(file, data)
        except OSError as error:
            self._truncate(start, entries)
            if isinstance(error, OutputError):
                raise
            raise OutputError(f"{self.path} cannot be written any more ({reason_of(error)}); {KEPT}") from error

    def entries(self) -> Iterator[dict[str, Any]]:
        """The lines of the manifest so far, parsed."""
        self._lines.seek(0)
        with os.fdopen(os.dup(self._lines.fileno()), "rb") as lines:
            for one in lines:
                yield json.loads(one)

    def read(self, file: str) -> bytes:
        """The bytes of a file that was written. Raises KeyError."""
        return self._archive.read(file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            if self._is_broken:
                return
            if error is not None and not self._starts:
                self._discard()
                if isinstance(error, OutputError) and isinstance(error.__cause__, OSError):
                    why = reason_of(error.__cause__)
                    raise OutputError(f"{self.path} could not be finished ({why}); nothing was kept") from error
                return
            finished = len(self._starts)
            full = self._complete()
            removed = finished - len(self._starts)
            self._publish()
        finally:
            self._lock.release()
        if full is not None and (error is None or removed):
            but = (
                f", without the last {counted(removed, 'image')}, whose room the list of files needed"
                if removed
                else ""
            )
            said = f"{self.path} could not be finished ({reason_of(full)}); {KEPT}"
            raise OutputError(f"{error if isinstance(error, OutputError) else said}{but}") from full

    def _publish(self) -> None:
        try:
            self._stream.close()
            publish(self._part, self.path)
        except FileExistsError as problem:
            words = f"{self.path} appeared meanwhile; the result is in {self._part}"
            raise OutputError(words, self._part) from problem
        except OSError as problem:
            is_there = self._part.exists()
            why = f"the result is in {self._part}" if is_there else GONE
            words = f"{self.path} could not be finished ({reason_of(problem)}); {why}"
            raise OutputError(words, self._part if is_there else None) from problem
        finally:
            self._lines.close()
            self._directory.close()

    def _complete(self) -> OSError | None:
        """Write the manifest and the ZIP's directory.

        If the disk has no room for them, images are removed, the last one first; the first error is returned.
        """
        full: OSError | None = None
        while True:
            start, entries = self._archive.start_dir, len(self._directory)
            try:
                self._write_manifest()
                self._archive.close()
            except OSError as error:
                full = full or error
                self._truncate(start, entries)
                if not self._starts:
                    self._discard()
                    raise OutputError(
                        f"{self.path} could not be finished ({reason_of(error)}); nothing was kept"
                    ) from error
                self._remove_last()
            else:
                return full

    def _write_manifest(self) -> None:
        entry = _entry(MANIFEST)
        entry.file_size = self._lines.seek(0, os.SEEK_END)  # stated in advance, so that it may exceed 4 GB
        self._lines.seek(0)
        with self._archive.open(entry, "w") as target:
            shutil.copyfileobj(self._lines, target, _CHUNK_BYTES)

    def _write_entry(self, file: str, data: bytes | Iterable[bytes]) -> None:
        if self.has(file):
            raise OutputError(f"{self.path} contains {file} already and nothing is overwritten; {KEPT}")
        if isinstance(data, bytes):
            self._archive.writestr(_entry(file), data)
            return
        with self._archive.open(_entry(file), "w", force_zip64=True) as target:
            for piece in data:
                target.write(piece)

    def _remove_last(self) -> None:
        self._truncate(self._starts.pop(), self._entries.pop())
        self._lines.truncate(self._line_starts.pop())

    def _truncate(self, start: int, entries: int) -> None:
        """The archive as it was when it ended at `start` and had `entries` files, for which `zipfile` has no method."""
        self._archive.fp = None  # closed, as it sees it: else it would write its directory when it is collected
        try:
            self._stream.truncate(start)
            self._stream.seek(0)
        except OSError as error:  # the disk has become read-only, or is gone
            self._is_broken = True
            words = f"the result is in {self._part}, without its list of files, which `zip -FF` makes anew"
            why = words if self._part.exists() else GONE
            raise OutputError(f"{self.path} could not be finished ({reason_of(error)}); {why}", self._part) from error
        self._directory.truncate(entries)
        self._archive = self._open_archive(start)

    def _open_archive(self, start: int) -> zipfile.ZipFile:
        archive = zipfile.ZipFile(self._stream, "w", zipfile.ZIP_STORED)
        archive.filelist = archive.NameToInfo = self._directory  # type: ignore[assignment]  # it has all that is used of them
        archive.start_dir = start
        return archive

    def _discard(self) -> None:
        self._archive.fp = None
        self._stream.close()
        self._lines.close()
        self._directory.close()
        self._part.unlink(missing_ok=True)


def _refuse_existing(path: Path) -> None:
    if os.path.lexists(path):
        raise OutputError(f"{path} already exists and nothing is overwritten; choose another name")


def _write_all(file: Any, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) or 0 :]


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, time.localtime()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED if name.endswith(_COMPRESSED) else zipfile.ZIP_STORED
    entry.external_attr = 0o644 << 16  # else only their owner may read them once they are extracted
    return entry
