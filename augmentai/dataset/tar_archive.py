"""Reads untrusted TARs. Nothing is extracted; a compressed one is unpacked into a file without a name.

A compressed stream can only be read from its beginning, and images are read in any order and more than once. So the TAR
inside is written to a temporary file that has no name and disappears with its last reader.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import Event, Lock
from typing import IO, Any, BinaryIO, cast

from augmentai.dataset.archive import MEMBER_OPENED, ArchiveError, Contents, TooManyFilesError, format_size
from augmentai.dataset.bounds import MOST_FILES
from augmentai.dataset.text_encoding import decode_names
from augmentai.images.file_types import HEAD_BYTES, detect_type
from augmentai.system.regular_files import open_regular

TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tbz", ".tar.xz", ".txz")
_LARGEST_HEADER_BYTES = 1 << 20  # of long names and extended attributes, which are read into memory
_ALL_HEADERS_BYTES = 512 << 20  # a damaged header must not be read around in circles
_CHUNK_BYTES = 1 << 20
_LARGEST_RATIO, _ANY_BYTES = 500, 100 << 20  # of a compressed TAR; small ones may hold flat masks alone
_GZIP_RATIO = 1032  # at most, as Deflate is made
_XZ_MEMORY_BYTES = 512 << 20
_KINDS = {tarfile.SYMTYPE: "a link", tarfile.LNKTYPE: "a link", tarfile.GNUTYPE_SPARSE: "a sparse file"}


class TarMember:
    """A file in an open TAR. The TAR stays open as long as one of its members lives.

    Calling it returns its bytes, as `Source.read` does.
    """

    __slots__ = ("_name", "_offset", "_tar", "file_size")
    flag_bits = 0  # never encrypted
    compress_type = 0

    def __init__(self, tar: SharedFile, name: str, offset: int, size: int) -> None:
        self._tar, self._name, self._offset, self.file_size = tar, name, offset, size

    def open(self) -> IO[bytes]:
        """Its bytes as a stream."""
        sys.audit(MEMBER_OPENED, self._tar.path, self._name)
        return io.BufferedReader(_Part(self._tar, self._offset, self.file_size), _CHUNK_BYTES)

    def __call__(self) -> bytes:
        """All its bytes. Raises OSError."""
        with self.open() as stream:
            return stream.read()


def open_tar(
    path: Path,
    limit_bytes: int,
    stop: Event | None = None,
    inner: BinaryIO | None = None,
    most_files: int = MOST_FILES,
) -> Contents:
    """Open a TAR and list it.

    Args:
        path: the TAR, compressed with gzip, bzip2, xz or not at all.
        limit_bytes: all that it may extract to.
        stop: once it is set, a compressed TAR is not unpacked further.
        inner: the bytes of a TAR inside it, if that is to be opened; they are closed when nobody reads them any more.
        most_files: how many it may list.

    Raises:
        TooManyFilesError: it lists more.
        ArchiveError: it cannot be read, or is too large.
    """
    try:
        stream = inner or open_regular(path)
        packed = _unpacked(stream)
        if packed is not None:
            if (stated := _stated_bytes(stream)) > limit_bytes + _ALL_HEADERS_BYTES:
                limit = f"the limit is {format_size(limit_bytes)} (AUGMENTAI_MAX_ZIP_GB)"
                raise ArchiveError(
                    f"extracts to {format_size(stated)}, as its last bytes say; {limit}; split it, or copy it again "
                    "if it is cut off"
                )
            packed = _no_bomb(packed, _size_of(stream))
            stream = spool(packed, path, limit_bytes + _ALL_HEADERS_BYTES, limit_bytes, stop)
        return _listed(SharedFile(stream, os.fspath(path)), most_files)
    except ArchiveError:
        raise
    except OSError as error:
        if isinstance(error, gzip.BadGzipFile) or not error.errno:
            raise ArchiveError(f"not a readable TAR ({error}); create it again") from error
        raise ArchiveError(f"it cannot be read or unpacked ({error.strerror}); check the file and the disk") from error
    except Exception as error:  # TarError, LZMAError, EOFError, zlib.error, UnicodeError, ...
        raise ArchiveError(f"not a readable TAR ({error}); create it again") from error


def _size_of(stream: BinaryIO) -> int:
    """The size of a file; it is read from where it was."""
    place = stream.tell()
    size = stream.seek(0, os.SEEK_END)
    stream.seek(place)
    return size


def _stated_bytes(stream: BinaryIO) -> int:
    """What the last part of a file in gzip says it unpacks to, modulo 2^32; 0 of others. It is read from where it was.

    What says too much is refused at once; what says too little, or more than gzip can hold, is found as it is unpacked.
    """
    place = stream.tell()
    stream.seek(0)
    is_gzip = detect_type(stream.read(HEAD_BYTES)) == "GZIP"
    packed_bytes = _size_of(stream)
    stream.seek(max(0, packed_bytes - 4))
    stated = int.from_bytes(stream.read(4), "little") if is_gzip else 0
    stream.seek(place)
    return stated if stated <= _GZIP_RATIO * packed_bytes else 0


def _no_bomb(pieces: Iterable[bytes], packed_bytes: int) -> Iterator[bytes]:
    """The pieces, as long as they are no more than a file of images and labels may unpack to. Raises ArchiveError."""
    count = 0
    for piece in pieces:
        count += len(piece)
        if count > max(_ANY_BYTES, _LARGEST_RATIO * packed_bytes):
            raise ArchiveError(f"unpacks to more than {_LARGEST_RATIO} times its size, as a bomb does; create it again")
        yield piece


def spool(
    pieces: Iterable[bytes], path: Path, limit_bytes: int, said_bytes: int, stop: Event | None = None
) -> BinaryIO:
    """Write bytes to a temporary file without a name, which is then read from its beginning.

    Args:
        pieces: the bytes.
        path: the archive that they are from.
        limit_bytes: how many there may be.
        said_bytes: the limit that is reported.
        stop: once it is set, no more are written.

    Raises:
        ArchiveError: there are more.
        OSError: the disk is full.
    """
    file = tempfile.TemporaryFile()  # noqa: SIM115  # closed with its last reader
    sys.audit(MEMBER_OPENED, os.fspath(path), "")  # so that whoever watches does not name the temporary file
    written = 0
    try:
        for piece in pieces:
            written += len(piece)
            if written > limit_bytes:
                raise ArchiveError(
                    f"would extract to more than {format_size(said_bytes)}, the limit (AUGMENTAI_MAX_ZIP_GB); split it"
                )
            if stop is not None and stop.is_set():
                raise ArchiveError("stopped before it was read")
            file.write(piece)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return cast(BinaryIO, file)


def _unpacked(stream: BinaryIO) -> Iterator[bytes] | None:
    """The bytes of a compressed TAR in pieces; None if it is not compressed."""
    stream.seek(0)
    kind = detect_type(stream.read(HEAD_BYTES))
    stream.seek(0)
    if kind == "GZIP":
        return _pieces(gzip.GzipFile(fileobj=stream))
    if kind == "BZIP2":
        return _pieces(bz2.BZ2File(stream))
    return _from_xz(stream) if kind == "XZ" else None


def _pieces(stream: Any) -> Iterator[bytes]:
    while piece := stream.read(_CHUNK_BYTES):
        yield piece


def _from_xz(stream: BinaryIO) -> Iterator[bytes]:
    """`lzma.open` sets no limit to the memory that a file may ask for."""
    data = stream.read(_CHUNK_BYTES)
    while data:
        decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY_BYTES)
        while not decompressor.eof:
            if not data and decompressor.needs_input:
                raise EOFError("it breaks off")
            yield decompressor.decompress(data, _CHUNK_BYTES)
            data = stream.read(_CHUNK_BYTES) if decompressor.needs_input and not decompressor.eof else b""
        data = decompressor.unused_data.lstrip(b"\0") or stream.read(_CHUNK_BYTES)


def _listed(shared: SharedFile, most: int) -> Contents:
    raw: list[bytes] = []
    found: list[TarMember] = []
    refused: list[tuple[bytes, str]] = []
    with tarfile.open(
        fileobj=cast(IO[bytes], _Headers(shared.stream)), mode="r:", encoding="utf-8", errors="surrogateescape"
    ) as tar:
        for info in tar:
            tar.members = []  # type: ignore[attr-defined]  # which `tarfile` would keep
            name = info.name.encode("utf-8", "surrogateescape")
            if info.size < 0:
                raise ArchiveError("not a readable TAR (a negative size); create it again")
            if info.isreg() and not info.issparse():
                raw.append(name)
                found.append(TarMember(shared, info.name, info.offset_data, info.size))
            elif not info.isdir():
                kind = "a sparse file" if info.issparse() else _KINDS.get(info.type, "a device or a pipe")
                refused.append((name, f"{kind} inside the TAR, which is not followed; put the file itself into it"))
            if len(raw) + len(refused) > most:
                most_words = f"more than {most:,}, AUGMENTAI_MAX_ARCHIVE_FILES"
                raise TooManyFilesError(f"it has too many files for one TAR ({most_words}); split it")
    names, encoding = decode_names([*raw, *(name for name, _ in refused)])
    reasons = [reason for _, reason in refused]
    return Contents(
        iter(zip(names[: len(raw)], found, strict=True)),
        encoding,
        tuple(zip(names[len(raw) :], reasons, strict=True)),
    )


class SharedFile:
    """A TAR that several threads read from at different places. path: that of the file, or of the archive it is in."""

    def __init__(self, stream: BinaryIO, path: str) -> None:
        self.stream, self.path, self._lock = stream, path, Lock()

    def read_into(self, buffer: memoryview, offset: int) -> int:
        with self._lock:
            self.stream.seek(offset)
            data = self.stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class _Part(io.RawIOBase):
    """A part of a shared file."""

    def __init__(self, tar: SharedFile, offset: int, size: int) -> None:
        self._tar, self._start, self._size, self._position = tar, offset, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        wanted = min(len(view), max(0, self._size - self._position))
        if not wanted:
            return 0
        count = self._tar.read_into(view[:wanted], self._start + self._position)
        if not count:
            raise OSError("the TAR was changed while the job was running; run it again")
        self._position += count
        return count


class _Headers:
    """A TAR as `tarfile` sees it: headers are read, and no header makes it read more than a header's share."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._left = stream, _ALL_HEADERS_BYTES

    def read(self, size: int) -> bytes:
        self._left -= max(size, 1)
        if size > _LARGEST_HEADER_BYTES or self._left < 0:
            raise ArchiveError("not a readable TAR (a header is too large, or leads back); create it again")
        return self._stream.read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def close(self) -> None:
        """The stream is read further by the members."""
