"""A file in a store as the readers see it: like a file in an archive, received when it is needed."""

from __future__ import annotations

import hashlib
import io
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO, BinaryIO, cast

from augmentai.dataset.archive import ArchiveError
from augmentai.dataset.file_tree import Entry
from augmentai.dataset.tar_archive import SharedFile, TarMember, spool
from augmentai.images.file_types import HEAD_BYTES
from augmentai.storage import Store, StoredFile
from augmentai.storage.cache import received_files

_SMALL_BYTES = 32 << 20  # kept in the cache of the process; what is larger is read in pieces
_REQUESTS = 16  # at a time: one alone would wait for the network most of the time
_CHUNK_BYTES = 1 << 20


class StoredMember:
    """A file in a store. Calling it returns its bytes, as `Source.read` does.

    Attributes:
        file_size: its size in bytes as it was listed.
    """

    __slots__ = ("_path", "_spooled", "_store", "_version", "file_size")
    flag_bits = 0  # never encrypted
    compress_type = 0

    def __init__(self, store: Store, file: StoredFile) -> None:
        self._store, self._path, self._version, self.file_size = store, file.path, file.version, file.size_bytes
        self._spooled: TarMember | None = None

    @property
    def url(self) -> str:
        """Its URL, for messages."""
        return self._store.url_of(self._path)

    @property
    def path(self) -> str:
        """Its path in the store."""
        return self._path

    @property
    def version(self) -> str:
        """What the store says that changes with its content; see `StoredFile`."""
        return self._version

    @property
    def is_small(self) -> bool:
        """Whether it is received at once."""
        return self.file_size <= _SMALL_BYTES

    def open(self) -> IO[bytes]:
        """Its bytes as a stream. Raises StorageError."""
        if self._spooled is not None:
            return self._spooled.open()
        return io.BytesIO(self()) if self.is_small else self._store.open(self._path)

    def head(self) -> bytes:
        """Its first bytes; none if it cannot be read. Of a large file, only these are received."""
        try:
            if self.is_small:
                return self()[:HEAD_BYTES]
            with self.open() as stream:
                return stream.read(HEAD_BYTES)
        except OSError:
            return b""  # reported when the file itself is read

    def __call__(self) -> bytes:
        """All its bytes. Raises StorageError."""
        if not self.is_small:
            return self._store.read(self._path)
        cache, key = received_files(), f"{self.url}\0{self._version}\0{self.file_size}"
        data = cache.get(key)
        if data is None:
            data = self._store.read(self._path, self.file_size)
            cache.put(key, data)
        return data

    def spool(self, limit_bytes: int) -> BinaryIO:
        """The file on disk, without a name, for whoever reads it anywhere: an archive, or a large file of labels.

        Args:
            limit_bytes: how large it may be.

        Raises:
            ArchiveError: it is larger, or the disk is full.
            StorageError: it cannot be received.
        """
        with self._store.open(self._path) as stream:
            return spool(_pieces(stream), Path(self._path or self.url), limit_bytes, limit_bytes)

    def keep(self, limit_bytes: int) -> None:
        """Receive a large file once, however often it is opened."""
        if not self.is_small and self._spooled is None:
            file = SharedFile(self.spool(limit_bytes), self.url)
            self._spooled = TarMember(file, self._path, 0, self.file_size)


class StoredReader:
    """Reads one file of a store again, and checks that it is still the one that was hashed. Calling it raises OSError.

    Args:
        member: the file.
        digest: its SHA-256.
    """

    __slots__ = ("_digest", "_member")

    def __init__(self, member: StoredMember, digest: str) -> None:
        self._member, self._digest = member, digest

    @property
    def url(self) -> str:
        """Its URL."""
        return self._member.url

    def __call__(self) -> bytes:
        data = self._member()
        if hashlib.sha256(data).hexdigest() != self._digest:
            raise OSError(f"{self._member.url} was changed while the job was running; run it again")
        return data


def received_ahead(entries: Iterable[Entry], limit_bytes: int) -> Iterator[Entry]:
    """Files of a dataset in their order, while those that follow are being received; files on disk are as they are.

    Args:
        entries: the files.
        limit_bytes: a larger one is not received.

    Yields:
        The same files.
    """
    with ThreadPoolExecutor(_REQUESTS, "receive") as pool:
        waiting: deque[tuple[Entry, Future[None] | None]] = deque()
        try:
            for entry in entries:
                member = entry.member
                wanted = isinstance(member, StoredMember) and member.is_small and member.file_size <= limit_bytes
                waiting.append((entry, pool.submit(_receive, cast(StoredMember, member)) if wanted else None))
                if len(waiting) > 2 * _REQUESTS:
                    yield _received(*waiting.popleft())
            while waiting:
                yield _received(*waiting.popleft())
        finally:
            pool.shutdown(cancel_futures=True)


def _receive(member: StoredMember) -> None:
    try:
        member()
    except OSError:
        return  # reported when the file itself is read


def _received(entry: Entry, future: Future[None] | None) -> Entry:
    if future is not None:
        future.result()
    return entry


def receive_labels(entries: Iterable[Entry], limit_bytes: int) -> None:
    """Receive label files together: there may be one for each image, and they are read one after the other.

    Args:
        entries: the files.
        limit_bytes: a larger one is not received.
    """
    for entry in received_ahead(entries, limit_bytes):
        if isinstance(entry.member, StoredMember) and entry.member.file_size <= limit_bytes:
            try:
                entry.member.keep(limit_bytes)
            except (ArchiveError, OSError):
                continue  # reported when it is read


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    while piece := stream.read(_CHUNK_BYTES):
        yield piece
