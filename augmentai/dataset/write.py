"""Variations to a folder or a ZIP, as they come. What was finished is kept when a run is stopped."""

from __future__ import annotations

import io
import os
import secrets
import time
import zipfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from typing_extensions import Buffer

from augmentai.dataset.manifest import MANIFEST, line
from augmentai.recipe import Outcome

_KEPT = "what was finished before is kept"


class OutputError(OSError):
    """The output cannot be written there; the message says why and what to do."""


class Writer(Protocol):
    """Takes outcomes one at a time; to be used with `with`, which finishes the output however the block ends."""

    def add(self, outcome: Outcome) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class FolderWriter:
    """Writes below a folder that is new or empty; raises OutputError where it already holds something.

    Every picture appears whole or not at all, and each line of the manifest follows its picture: where the disk is full
    or the process is ended, the manifest tells exactly what is there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _clear_of_failures(folder)
            if any(folder.iterdir()):
                raise OutputError(
                    f"{folder} already holds files and nothing is overwritten; choose a new or empty folder"
                )
            self._manifest = _Whole(folder / MANIFEST, "xb")
        except OutputError:
            raise
        except OSError as error:
            raise OutputError(f"{folder} cannot be written to ({_why(error)}); choose another folder") from error

    def add(self, outcome: Outcome) -> None:
        """Keep one outcome. Raises OutputError where it cannot be written; what came before stays as it is."""
        written = self._manifest.tell()
        path = None
        try:
            if outcome.variation is not None:
                path = _write_new(self.folder, outcome.variation.file, outcome.variation.data)
            self._manifest.write(_bytes(line(outcome)))
        except BaseException as error:
            with suppress(OSError):
                self._manifest.truncate(written)
                self._manifest.seek(written)
            if path is not None:
                path.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise OutputError(f"{self.folder} cannot be written to any more ({_why(error)}); {_KEPT}") from error
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._manifest.close()


def _clear_of_failures(folder: Path) -> None:
    """A run that made nothing leaves only its manifest of failures; the corrected run may take its place."""
    held = list(folder.iterdir())
    if [path.name for path in held] == [MANIFEST] and b'"status": "ok"' not in held[0].read_bytes():
        held[0].unlink()


class ZipWriter:
    """Streams into a ZIP file that must not exist yet. Pictures are stored, not packed: they are packed already.

    The file grows under a name of its own and takes `path` when it is whole, so `path` is never half a ZIP.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if os.path.lexists(path):
                raise OutputError(f"{path} is already there and nothing is overwritten; choose another name")
            self._part = path.with_name(f".augmentai-{secrets.token_hex(8)}.part")
            self._stream = _Whole(self._part, "xb")
        except OutputError:
            raise
        except OSError as error:
            raise OutputError(f"{path} cannot be written ({_why(error)}); choose another place") from error
        self._archive = zipfile.ZipFile(self._stream, "w", zipfile.ZIP_STORED)
        self._kept: list[tuple[int, int, str]] = []  # for each outcome: where the ZIP stood, entries so far, its line

    def add(self, outcome: Outcome) -> None:
        """Keep one outcome. Raises OutputError where it cannot be written; what came before stays as it is."""
        self._kept.append((self._archive.start_dir, len(self._archive.filelist), line(outcome)))
        try:
            if outcome.variation is not None:
                if outcome.variation.file in self._archive.NameToInfo:
                    raise FileExistsError(f"{outcome.variation.file} is already in it")
                self._archive.writestr(_entry(outcome.variation.file), outcome.variation.data)
        except BaseException as error:
            self._drop_last()
            if isinstance(error, OSError):
                raise OutputError(f"{self.path} cannot be written any more ({_why(error)}); {_KEPT}") from error
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        full = self._finish()
        try:
            self._stream.close()
            _put(self._part, self.path)
        except FileExistsError as problem:
            raise OutputError(f"{self.path} appeared meanwhile; the result is in {self._part}") from problem
        except OSError as problem:
            raise OutputError(f"{self.path} could not be finished ({_why(problem)})") from problem
        if full is not None and error is None:
            raise OutputError(f"{self.path} could not be finished ({_why(full)}); {_KEPT}") from full

    def _finish(self) -> OSError | None:
        """Write the manifest and the list of contents.

        Where the disk has no room for them, pictures make room, from the last; the error that asked for it is returned.
        """
        full: OSError | None = None
        while True:
            start, entries = self._archive.start_dir, len(self._archive.filelist)
            try:
                self._archive.writestr(_entry(MANIFEST, packed=True), _bytes("".join(kept[2] for kept in self._kept)))
                self._archive.close()
            except OSError as error:
                full = full or error
                self._cut_back(start, entries)
                if not self._kept:
                    self._give_up()
                    raise OutputError(f"{self.path} could not be finished ({_why(error)}); nothing was kept") from error
                self._drop_last()
            else:
                return full

    def _drop_last(self) -> None:
        start, entries, _ = self._kept.pop()
        self._cut_back(start, entries)

    def _cut_back(self, start: int, entries: int) -> None:
        """The archive as it was when it ended at `start` and held `entries` files; `zipfile` has no way to say this."""
        kept = self._archive.filelist[:entries]
        self._archive.fp = None  # closed, as it sees it: it would else write its list of contents when it is collected
        self._stream.truncate(start)
        self._stream.seek(0)
        self._archive = zipfile.ZipFile(self._stream, "w", zipfile.ZIP_STORED)
        self._archive.filelist = kept
        self._archive.NameToInfo = {entry.filename: entry for entry in kept}
        self._archive.start_dir = start

    def _give_up(self) -> None:
        self._archive.fp = None
        self._stream.close()
        self._part.unlink(missing_ok=True)


class _Whole(io.FileIO):
    """A file without a buffer, so that nothing lingers when the disk is full, whose writes are whole or fail."""

    def write(self, data: Buffer, /) -> int:
        left = memoryview(data).cast("B")
        count = len(left)
        while left:
            left = left[super().write(left) or 0 :]
        return count


def writer_for(path: Path) -> Writer:
    """A ZIP where the path ends in .zip, else a folder. Raises OutputError."""
    return ZipWriter(path) if path.suffix.lower() == ".zip" else FolderWriter(path)


def _entry(name: str, packed: bool = False) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, time.localtime()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    entry.external_attr = 0o644 << 16  # else only their owner may read them, once they are unpacked
    return entry


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")  # half a surrogate pair becomes \\udcff, which is JSON as well


def _write_new(folder: Path, relative: str, data: bytes) -> Path:
    """Write a whole file or none, and never over another."""
    path = folder / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    part = folder / ".augmentai.part"
    try:
        part.write_bytes(data)
        _put(part, path)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return path


def _put(part: Path, path: Path) -> None:
    """Give a finished file its name, never in place of another. Raises FileExistsError."""
    try:
        os.link(part, path)  # unlike a rename, this never replaces a file that appeared meanwhile
    except FileExistsError:
        raise
    except OSError:
        # exFAT, network drives and some containers know no links. The name is claimed with an empty file, which fails
        # where it is taken, and only this claim is replaced.
        path.open("xb").close()
        try:
            os.replace(part, path)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    else:
        part.unlink()


def _why(error: OSError) -> str:
    return error.strerror or str(error)
