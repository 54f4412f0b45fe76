"""One folder or file in a store or on disk: read, listed, written, always by paths relative to it."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from augmentai.storage.driver import file_system, storage_errors
from augmentai.storage.errors import MissingBucketError, MissingFileError, StorageError
from augmentai.storage.hub import commit, create_repository, is_repository
from augmentai.storage.listing import StoredFile, list_files
from augmentai.storage.parts import appearing, remove_left_parts
from augmentai.storage.urls import checked, is_url, local_path

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_BUFFER_BYTES = 1 << 20
_REQUESTS = 8  # at a time
_BLOCK_BYTES = 8 << 20  # of a request; the drivers' own would fetch 50 MB for a look at the end of a file


def open_store(place: str | os.PathLike[str]) -> Store:
    """The store of a URL or path. Nothing is read, but a missing driver is reported.

    Args:
        place: a folder or file: an fsspec URL such as `s3://bucket/folder`, or a path. It need not exist.

    Returns:
        The store, which can be pickled.

    Raises:
        StorageError: the driver is not installed, or the URL cannot be used.

    Example:
        >>> store = open_store("memory://shards")
        >>> store.put("00/a.txt", b"one")
        >>> store.put("00-b.txt", b"three")
        >>> [(file.path, file.size_bytes) for file in store.list()]
        [('00-b.txt', 5), ('00/a.txt', 3)]
        >>> [file.path for file in store.list(after="00-b.txt")]
        ['00/a.txt']
        >>> store.delete("00/a.txt")
        >>> store.exists("00/a.txt"), store.read("00-b.txt")
        (False, b'three')
    """
    on_disk = local_path(place)
    store = Store(str(on_disk.absolute()) if on_disk is not None else checked(str(place)))
    _ = store.fs  # reports a missing driver
    return store


@dataclass(frozen=True)
class Store:
    """A folder or file by its URL; see `open_store`.

    Paths are relative, with slashes; "" is the URL itself, if that names a file. A written file appears complete or not
    at all: on disk under another name until it is renamed, in an object store by one upload. It replaces an older one.

    Attributes:
        url: without a slash at its end; an absolute path if it is on disk.

    Each method raises StorageError if the store refuses, and MissingFileError if there is no such file.
    """

    url: str

    @cached_property
    def _opened(self) -> tuple[AbstractFileSystem, str]:
        return file_system(self.url)

    @property
    def fs(self) -> AbstractFileSystem:
        """The fsspec driver, for libraries that take one."""
        return self._opened[0]

    @property
    def root(self) -> str:
        """The folder or file as the driver calls it: without a scheme."""
        return self._opened[1]

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine's disk."""
        return not is_url(self.url)

    def __str__(self) -> str:
        return self.url

    def __getstate__(self) -> dict[str, Any]:
        return {"url": self.url}

    def url_of(self, path: str = "") -> str:
        """The URL of a file in it, for messages."""
        return f"{self.url}/{path}" if path else self.url

    def path_of(self, path: str = "") -> str:
        """A file in it, as the driver calls it.

        Raises:
            StorageError: the path leads out of the folder.
        """
        if path.startswith("/") or ".." in PurePosixPath(path).parts or "\0" in path:
            raise StorageError(f"{path!r} is not a path in {self.url}")
        return f"{self.root.rstrip('/')}/{path}" if path else self.root

    def within(self, path: str) -> Store:
        """A folder or file in it, as a store of its own."""
        self.path_of(path)
        return Store(self.url_of(path.rstrip("/")))

    def list(self, under: str = "", after: str = "") -> Iterator[StoredFile]:
        """All files below a folder in the order of their paths, as they are received.

        Args:
            under: the folder; everything by default. If there is none, there are no files.
            after: only paths that sort behind this one: the last one that an interrupted listing gave.

        Yields:
            Files, with paths relative to the store.
        """
        under = under.strip("/")
        behind = after.removeprefix(f"{under}/") if under else after
        self.fs.invalidate_cache()
        files = list_files(self.fs, self.path_of(under), behind)
        while True:
            try:
                with storage_errors(self.url_of(under)):
                    file = next(files, None)
            except MissingFileError:
                return
            if file is None:
                return
            yield StoredFile(f"{under}/{file.path}", file.size_bytes, file.version) if under else file

    def remove_left_parts(self, under: str) -> None:
        """Remove what a killed process left half written in a folder on disk; stores have no such files."""
        if self.is_local:
            remove_left_parts(Path(self.path_of(under)))

    def exists(self, path: str = "") -> bool:
        """Whether there is such a file or folder."""
        return self._info(path) is not None

    def is_file(self, path: str = "") -> bool:
        """Whether there is a file of this name, rather than a folder or nothing."""
        info = self._info(path)
        return info is not None and info["type"] == "file"

    def why_missing(self) -> str:
        """Of a URL where nothing was found: that its bucket is missing, in words; "" if it is not."""
        try:
            self.read()
        except MissingBucketError as error:
            return str(error).removeprefix(f"{self.url}: ")
        except OSError:  # it was missing a moment ago
            pass
        return ""

    def size_bytes(self, path: str = "") -> int:
        """The size of a file."""
        info = self._info(path)
        if info is None:
            raise MissingFileError(f"{self.url_of(path)} was not found; check the name")
        return int(info.get("size") or 0)

    def _info(self, path: str) -> dict[str, Any] | None:
        where = self.path_of(path)
        try:
            with storage_errors(self.url_of(path)):
                self.fs.invalidate_cache()
                return dict(self.fs.info(where))
        except MissingFileError:
            return None

    def read(self, path: str = "", size_bytes: int | None = None) -> bytes:
        """A whole file. size_bytes: as it was listed, which spares the driver of S3 from asking for it first."""
        where = self.path_of(path)
        known = {"start": 0, "end": size_bytes} if size_bytes and hasattr(self.fs, "call_s3") else {}
        with storage_errors(self.url_of(path)):
            return bytes(self.fs.cat_file(where, **known))

    def open(self, path: str = "") -> io.BufferedReader:
        """A file to read from, in pieces and anywhere. Errors while reading are StorageErrors too."""
        where = self.path_of(path)
        with storage_errors(self.url_of(path)):
            file = self.fs.open(where, "rb", **({} if self.is_local else {"block_size": _BLOCK_BYTES}))
        return io.BufferedReader(_Reading(file, self.url_of(path)), _BUFFER_BYTES)

    def get_file(self, path: str, target: Path) -> None:
        """Copy a file to disk, where it appears complete or not at all.

        Args:
            path: the file.
            target: its new name on disk, in a folder that exists. OSError if that cannot be written.
        """
        with self.open(path) as file, appearing(target) as part, part.open("wb") as copy:
            shutil.copyfileobj(file, copy, _BUFFER_BYTES)

    def put(self, path: str, data: bytes) -> None:
        """Write a whole file."""
        where = self.path_of(path)
        if self.is_local:
            with storage_errors(self.url_of(path)), appearing(Path(where)) as part:
                part.write_bytes(data)
            return
        with storage_errors(self.url_of(path)):
            self.fs.pipe_file(where, data)

    def put_file(self, path: str, source: Path) -> None:
        """Write a whole file from disk, in one piece as far as the store allows that size."""
        where = self.path_of(path)
        if self.is_local:
            with storage_errors(self.url_of(path)), appearing(Path(where)) as part:
                shutil.copyfile(source, part)
            return
        with storage_errors(self.url_of(path)):
            self.fs.put_file(str(source), where)

    def put_files(self, files: Mapping[str, bytes | Path]) -> None:
        """Write several files, in this order; the last one can mark that all are there.

        Args:
            files: {path: content, or the file on disk that has it}.
        """
        for path, content in files.items():
            if isinstance(content, bytes):
                self.put(path, content)
            else:
                self.put_file(path, content)

    def put_all(self, files: Mapping[str, bytes | Path], outdated: Sequence[str] = ()) -> None:
        """Write several files at a time, in any order; in a repository of the Hub as one commit.

        Args:
            files: {path: content, or the file on disk that has it}.
            outdated: files that are removed once the others are there.
        """
        for path in (*files, *outdated):
            self.path_of(path)
        if is_repository(self.url):
            if files or outdated:
                with storage_errors(self.url):
                    commit(self.fs, self.root, files, outdated)
            return
        with ThreadPoolExecutor(_REQUESTS, "put") as pool:
            waiting = [pool.submit(self.put_files, {path: content}) for path, content in files.items()]
            try:
                for one in waiting:
                    one.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        for path in outdated:
            self.delete(path)

    def create(self, private: bool = False) -> None:
        """Create what must be there before anything is written: a repository of the Hub; nothing anywhere else.

        Args:
            private: a new repository is visible to its owner only.
        """
        if is_repository(self.url):
            with storage_errors(self.url):
                create_repository(self.fs, self.root, private)

    def delete(self, path: str = "") -> None:
        """Remove a file; nothing happens if there is none."""
        where = self.path_of(path)
        with suppress(MissingFileError), storage_errors(self.url_of(path)):
            self.fs.rm_file(where)


Place = Path | Store  # what an input or an output may be


class _Reading(io.RawIOBase):
    """A driver's file whose errors are StorageErrors."""

    def __init__(self, file: Any, url: str) -> None:
        self._file, self._url = file, url

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with storage_errors(self._url):
            data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        with storage_errors(self._url):
            return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()
