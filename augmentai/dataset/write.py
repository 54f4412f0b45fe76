"""Variations to a folder or a ZIP, as they come. What was finished is kept when a run is stopped."""

from __future__ import annotations

import os
import tempfile
import zipfile
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, Self

from augmentai.dataset.manifest import MANIFEST, line
from augmentai.recipe import Outcome


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
    """Writes below a folder that is new or empty; raises OutputError where it already holds something."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if any(folder.iterdir()):
                raise OutputError(f"{folder} already holds files and nothing is overwritten; choose a new or empty folder")
            self._manifest: IO[str] = (folder / MANIFEST).open("x", encoding="utf-8")
        except OutputError:
            raise
        except OSError as error:
            raise OutputError(f"{folder} cannot be written to ({error.strerror or error}); choose another folder") from error

    def add(self, outcome: Outcome) -> None:
        try:
            if outcome.variation is not None:
                _write_new(self.folder / outcome.variation.file, outcome.variation.data)
            self._manifest.write(line(outcome))
            self._manifest.flush()
        except OSError as error:
            raise OutputError(f"{self.folder} cannot be written to any more ({error.strerror or error})") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._manifest.close()


class ZipWriter:
    """Streams into a ZIP file that must not exist yet. Pictures are stored, not packed: they are packed already.

    The file grows under a name of its own and takes `path` when it is whole, so `path` is never half a ZIP.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                raise OutputError(f"{path} is already there and nothing is overwritten; choose another name")
            handle, name = tempfile.mkstemp(".part", path.stem + ".", path.parent)
        except OutputError:
            raise
        except OSError as error:
            raise OutputError(f"{path} cannot be written ({error.strerror or error}); choose another place") from error
        self._part = Path(name)
        self._stream = os.fdopen(handle, "wb")
        self._archive = zipfile.ZipFile(self._stream, "w", zipfile.ZIP_STORED)
        self._lines: list[str] = []

    def add(self, outcome: Outcome) -> None:
        try:
            if outcome.variation is not None:
                self._archive.writestr(outcome.variation.file, outcome.variation.data)
        except OSError as error:
            raise OutputError(f"{self.path} cannot be written any more ({error.strerror or error})") from error
        self._lines.append(line(outcome))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        try:
            self._archive.writestr(MANIFEST, "".join(self._lines), zipfile.ZIP_DEFLATED)
            self._archive.close()
            self._stream.close()
            os.chmod(self._part, 0o644)
            os.link(self._part, self.path)  # unlike a rename, this never replaces a file that appeared meanwhile
        except FileExistsError as problem:
            raise OutputError(f"{self.path} appeared meanwhile; the result is in {self._part}") from problem
        except OSError as problem:
            raise OutputError(f"{self.path} could not be finished ({problem.strerror or problem})") from problem
        self._part.unlink()


def writer_for(path: Path) -> Writer:
    """A ZIP where the path ends in .zip, else a folder. Raises OutputError."""
    return ZipWriter(path) if path.suffix.lower() == ".zip" else FolderWriter(path)


def _write_new(path: Path, data: bytes) -> None:
    """Write a whole file or none, and never over another."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name[:80]}.part")
    with part.open("wb") as file:
        file.write(data)
    try:
        os.link(part, path)
    finally:
        part.unlink()
