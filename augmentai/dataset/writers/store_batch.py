"""Files on their way to a store: collected, and sent many at a time while the next ones are made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from augmentai.dataset.atomic_files import KEPT, OutputError, UnbufferedFile, reason_of
from augmentai.dataset.writers.store_run import part_name
from augmentai.storage import StorageError, Store
from augmentai.storage.hub import is_repository

_MOST_FILES, _MOST_BYTES = 64, 32 << 20  # of one batch; two are in memory
# A commit is slow, and the Hub limits how many there may be in an hour: its batches wait on disk.
_MOST_FILES_OF_A_COMMIT, _MOST_BYTES_OF_A_COMMIT = 2000, 1 << 30
_PART_BYTES = 4 << 20  # of the manifest; the last part is sent anew with each batch


class StoreBatches:
    """Sends files and, behind them, the lines of the manifest that describe them.

    Args:
        store: where they are sent.
        folder: on this disk, for what does not stay in memory.
        manifest: receives each line once its files are in the store.
        first_part: the number of the first part of the manifest.

    Every method raises OutputError if an earlier batch could not be sent.
    """

    def __init__(self, store: Store, folder: Path, manifest: UnbufferedFile, first_part: int = 1) -> None:
        self._store, self._folder, self._manifest = store, folder, manifest
        self._is_repository = is_repository(store.url)
        self._most_files = _MOST_FILES_OF_A_COMMIT if self._is_repository else _MOST_FILES
        self._most_bytes = _MOST_BYTES_OF_A_COMMIT if self._is_repository else _MOST_BYTES
        self._part, self._part_lines, self._numbers = first_part, b"", 0
        self._files: dict[str, bytes | Path] = {}
        self._on_the_way: frozenset[str] = frozenset()
        self._lines: list[bytes] = []
        self._bytes = 0
        self._thread = ThreadPoolExecutor(1, "store")
        self._sending: Future[None] | None = None
        self.parts: list[str] = []

    def add(self, files: Mapping[str, bytes | Path], line: bytes = b"") -> None:
        """Send files.

        Args:
            files: {path: content, or the file below `folder` that has it, which is deleted once it is sent}.
            line: of the manifest, that describes them; they may be none.
        """
        for path, content in files.items():
            self._bytes += len(content) if isinstance(content, bytes) else content.stat().st_size
            self._files[path] = (
                self._on_disk(content) if self._is_repository and isinstance(content, bytes) else content
            )
        if line:
            self._lines.append(line)
        if len(self._files) >= self._most_files or self._bytes >= self._most_bytes or len(self._lines) >= 1000:
            self._send()

    def settle(self, file: str = "") -> None:
        """Return once everything is in the store.

        Args:
            file: or this file; "" for everything.
        """
        if not file or file in self._files:
            self._send()
        if not file or file in self._on_the_way:
            self._wait()

    def settle_lines(self) -> None:
        """Return once every line of the manifest is written."""
        if self._lines:
            self._send()
        self._wait()

    def discard(self) -> None:
        """Send nothing more."""
        self._files, self._lines = {}, []
        self._thread.shutdown(cancel_futures=True)

    def unused_file(self) -> Path:
        """The name of a new file below the folder on this disk."""
        self._numbers += 1
        return self._folder / f"{self._numbers}"

    def _on_disk(self, data: bytes) -> Path:
        path = self.unused_file()
        try:
            path.write_bytes(data)
        except OSError as error:
            raise self._no_room(error) from error
        return path

    def _no_room(self, error: OSError) -> OutputError:
        return OutputError(
            f"what is sent to {self._store.url} cannot be kept in the temporary folder, see TMPDIR "
            f"({reason_of(error)}); {KEPT}"
        )

    def add_pieces(self, file: str, pieces: Iterable[bytes]) -> None:
        """Send a file of which there are pieces; together they are on disk alone."""
        path = self.unused_file()
        try:
            with path.open("wb") as stream:
                for piece in pieces:
                    stream.write(piece)
        except OSError as error:
            raise self._no_room(error) from error
        self.add({file: path})

    def _send(self) -> None:
        self._wait()
        if self._files or self._lines:
            self._on_the_way = frozenset(self._files)
            self._sending = self._thread.submit(self._sent, self._files, b"".join(self._lines))
            self._files, self._lines, self._bytes = {}, [], 0

    def _wait(self) -> None:
        if self._sending is not None:
            try:
                self._sending.result()
            except StorageError as error:
                raise OutputError(str(error)) from error
            except OSError as error:
                raise self._no_room(error) from error
            self._sending, self._on_the_way = None, frozenset()

    def _sent(self, files: Mapping[str, bytes | Path], lines: bytes) -> None:
        if lines and len(self._part_lines) > _PART_BYTES:
            self._part, self._part_lines = self._part + 1, b""
        part = part_name(self._part)
        together = {**files, part: self._part_lines + lines} if lines and self._is_repository else files
        self._store.put_all(together)
        if lines:
            if not self._is_repository:
                self._store.put(part, self._part_lines + lines)  # behind its files
            if part not in self.parts:
                self.parts.append(part)
            self._part_lines += lines
            self._manifest.write(lines)
        for content in files.values():
            if isinstance(content, Path) and content.parent == self._folder:
                content.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(cancel_futures=True)
