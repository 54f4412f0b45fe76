"""Reads untrusted ZIPs: nothing is extracted to disk, and no header is trusted about sizes.

What is said here of members holds for those of a TAR as well; see `tar_archive`.
"""

from __future__ import annotations

import os
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, Protocol

from augmentai.dataset.bounds import MOST_FILES
from augmentai.dataset.text_encoding import decode_names
from augmentai.system.regular_files import open_regular

_DIRECTORY_LIMIT_BYTES = 32 << 20
_LONG_RECORD_BYTES = 128  # of a file in the directory
_END_RECORD_BYTES = 22
_ENTRY_MARK, _ENTRY_BYTES = b"PK\x01\x02", 46  # of a file in the directory, without its name
_LONGEST_COMMENT_BYTES = 65535
_LOCAL_HEADER_BYTES = 30
_ZIP64_BYTES = 76  # of the two records before the end
# bzip2 and LZMA expand a few bytes to gigabytes in one step, whatever size the header states.
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_METHOD_NAMES = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "XZ", 98: "PPMd"}
_ENCRYPTED, _UTF8 = 0x1, 0x800  # general purpose flags, APPNOTE.TXT 4.4.4
_UNICODE_PATH = 0x7075  # an extra field with the name in UTF-8, APPNOTE.TXT 4.6.9

MEMBER_OPENED = "augmentai.member_opened"  # audit event, as Python's own "open": path of the ZIP, name in it


class ArchiveError(ValueError):
    """An archive, or a file in it, cannot be read; the message says why and what to do, without naming it."""


class TooManyFilesError(ArchiveError):
    """An archive lists more files than may be read."""


class Member(Protocol):
    """A file in an open archive. Calling it returns its bytes, as `Source.read` does.

    Attributes:
        file_size: its size in bytes as the header states it; it may be wrong.
    """

    @property
    def flag_bits(self) -> int: ...
    @property
    def compress_type(self) -> int: ...
    @property
    def file_size(self) -> int: ...

    def open(self) -> IO[bytes]:
        """Its bytes as a stream. Raises whatever the reader of the archive raises."""
        ...

    def __call__(self) -> bytes:
        """All its bytes, for a member that was read before. Raises OSError."""
        ...


@dataclass(frozen=True)
class Contents:
    """What is in an archive.

    Attributes:
        files: (name, member) of each file, in the order of the archive; two may have the same name.
        encoding: the title of the encoding of the names, if it was guessed, else "".
        refused: (name, reason) of what is in it and cannot be read, such as links.
    """

    files: Iterator[tuple[str, Member]]
    encoding: str = ""
    refused: tuple[tuple[str, str], ...] = ()


class ZipMember:
    """A file in an open ZIP. It takes a third of the memory of `ZipInfo`, since a dataset may have a hundred thousand.

    The ZIP stays open as long as one of its members lives. Calling it returns its bytes, as `Source.read` does.

    Attributes:
        file_size: its size in bytes as the header states it; it may be wrong.
    """

    __slots__ = (
        "_archive",
        "_compressed_size",
        "_crc",
        "_name",
        "_offset",
        "compress_type",
        "file_size",
        "flag_bits",
    )

    def __init__(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
        self._archive, self._name, self._offset = archive, info.orig_filename, info.header_offset
        self._crc, self._compressed_size, self.file_size = info.CRC, info.compress_size, info.file_size
        self.compress_type, self.flag_bits = info.compress_type, info.flag_bits
        if self._compressed_size == self.file_size:
            self._compressed_size = self.file_size  # one number in memory

    def open(self) -> IO[bytes]:
        """Its bytes as a stream. Raises whatever `zipfile` raises."""
        sys.audit(MEMBER_OPENED, self._archive.filename, self._name)
        info = zipfile.ZipInfo(self._name)
        info.header_offset, info.CRC = self._offset, self._crc
        info.compress_size, info.file_size = self._compressed_size, self.file_size
        info.compress_type, info.flag_bits = self.compress_type, self.flag_bits
        return self._archive.open(info)

    def __call__(self) -> bytes:
        """All its bytes, for a member that was read before. Raises OSError."""
        try:
            with self.open() as stream:
                return stream.read()
        except Exception as error:
            raise OSError(f"the ZIP was changed while the job was running ({error}); run it again") from error


def open_archive(path: Path, inner: BinaryIO | None = None, most_files: int = MOST_FILES) -> zipfile.ZipFile:
    """Open a ZIP after checking its directory.

    Args:
        path: the ZIP.
        inner: the bytes of a ZIP inside it, if that is to be opened; they are closed when nobody reads them any more.
        most_files: how many it may list.

    Returns:
        The open ZIP.

    Raises:
        TooManyFilesError: it lists more.
        ArchiveError: it is not a ZIP, or its entries overlap.
    """
    try:
        stream = inner or open_regular(path)
        length = stream.seek(0, os.SEEK_END)
        if _has_too_many(stream, length, most_files):
            most = f"more than {most_files:,}, AUGMENTAI_MAX_ARCHIVE_FILES"
            raise TooManyFilesError(f"it has too many files for one ZIP ({most}); split it")
        archive = zipfile.ZipFile(stream)
        archive.filename = os.fspath(path)
        if _overlap(archive.infolist(), length):
            raise ArchiveError("its entries overlap, as in a ZIP bomb; create it again")
    except ArchiveError:
        raise
    except OSError as error:
        raise ArchiveError(f"it cannot be read ({error.strerror or error}); check the file") from error
    except Exception as error:  # BadZipFile, NotImplementedError, UnicodeDecodeError, struct.error, ...
        raise ArchiveError(f"not a readable ZIP ({error}); create it again") from error
    return archive


def contents(archive: zipfile.ZipFile) -> Contents:
    """All files of a ZIP. Empties the ZIP's own directory, which is large."""
    listed = archive.infolist()
    archive.NameToInfo.clear()
    encoding = _decode_names(listed)
    return Contents(_members(archive, listed), encoding)


def _members(archive: zipfile.ZipFile, listed: list[zipfile.ZipInfo]) -> Iterator[tuple[str, Member]]:
    listed.reverse()
    while listed:
        info = listed.pop()
        if not info.is_dir():
            yield info.filename, ZipMember(archive, info)


def _decode_names(listed: list[zipfile.ZipInfo]) -> str:
    """Correct the names that do not say their encoding, which `zipfile` reads as cp437. Returns the guessed one."""
    unknown = []
    for info in listed:
        if not info.flag_bits & _UTF8 and not info.orig_filename.isascii():
            raw = info.orig_filename.encode("cp437")
            if named := _unicode_path(info.extra, raw):
                info.filename = named
            else:
                unknown.append((info, raw))
    names, encoding = decode_names([raw for _, raw in unknown])
    for (info, _), name in zip(unknown, names, strict=True):
        info.filename = name.partition("\0")[0]
    return encoding


def _unicode_path(extra: bytes, name: bytes) -> str:
    """The name of a file in UTF-8, if an extra field states it of exactly this name."""
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == _UNICODE_PATH and field[:5] == b"\1" + struct.pack("<L", zlib.crc32(name)):
            try:
                return field[5:].decode("utf-8").partition("\0")[0]
            except UnicodeDecodeError:
                return ""
    return ""


def check_member(entry: Member, limit_bytes: int) -> None:
    """Check by its header whether a file in a ZIP can be read.

    Args:
        entry: its header.
        limit_bytes: the largest size that is accepted.

    Raises:
        ArchiveError: it is encrypted, too large, or compressed with an unsupported method.
    """
    if entry.flag_bits & _ENCRYPTED:
        raise ArchiveError("the ZIP is encrypted with a password; remove the password first")
    if entry.compress_type not in _METHODS:
        method = _METHOD_NAMES.get(entry.compress_type, f"method {entry.compress_type}")
        raise ArchiveError(f"compressed with {method}, which is not supported; create the ZIP with Deflate")
    if entry.file_size > limit_bytes:
        raise ArchiveError(over_limit(entry.file_size, limit_bytes))


def over_limit(size_bytes: int, limit_bytes: int) -> str:
    """Why a file is too large.

    Example:
        >>> over_limit(2_500_000_000, 30_000_000)
        '2.5 GB is over the limit of 30.0 MB per file (AUGMENTAI_MAX_FILE_MB); make it smaller'
    """
    limit = f"{format_size(limit_bytes)} per file (AUGMENTAI_MAX_FILE_MB)"
    return f"{format_size(size_bytes)} is over the limit of {limit}; make it smaller"


def format_size(size_bytes: int) -> str:
    """A size in decimal units.

    Example:
        >>> format_size(1_500), format_size(2_500_000)
        ('1.5 kB', '2.5 MB')
    """
    if size_bytes < 1e6:
        return f"{size_bytes / 1e3:.1f} kB"
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:.1f} MB"


def _has_too_many(stream: BinaryIO, length: int, most: int) -> bool:
    """Whether the directory is larger than any honest one, or lists more files; whatever number it states."""
    size, end = _directory(stream, length)
    if size > max(_DIRECTORY_LIMIT_BYTES, most * _LONG_RECORD_BYTES):
        return True
    if end is not None:
        stream.seek(max(0, end - size))
        if _lists_at_most(stream.read(size), most):
            return False
    ahead = _LONGEST_COMMENT_BYTES + _END_RECORD_BYTES + _ZIP64_BYTES
    stream.seek(max(0, length - size - ahead))
    return stream.read(size + ahead).count(_ENTRY_MARK) > most


def _lists_at_most(directory: bytes, most: int) -> bool:
    """Whether these bytes are a whole directory of so many files at most."""
    position = count = 0
    while count < most and directory.startswith(_ENTRY_MARK, position) and position + _ENTRY_BYTES <= len(directory):
        position += _ENTRY_BYTES + sum(struct.unpack_from("<3H", directory, position + 28))  # name, extra, comment
        count += 1
    return bool(count) and position == len(directory)


def _directory(stream: BinaryIO, length: int) -> tuple[int, int | None]:
    """(size, end) of the directory, which `zipfile` reads into memory at once; no size if none is found.

    Where the directory of a large ZIP ends (ZIP64) cannot be told as certainly as `zipfile` finds it.
    """
    stream.seek(max(0, length - _LONGEST_COMMENT_BYTES - _END_RECORD_BYTES - _ZIP64_BYTES))
    tail = stream.read()
    end = len(tail) - _END_RECORD_BYTES  # where `zipfile` looks first: the fields of a record may spell its mark
    if tail[end : end + 4] != b"PK\x05\x06" or tail[-2:] != b"\0\0":
        end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) < end + _END_RECORD_BYTES:
        return 0, None
    size = int(struct.unpack_from("<L", tail, end + 12)[0])
    large = tail.rfind(b"PK\x06\x06", 0, end)
    if large >= 0 and len(tail) >= large + 48:
        size = max(size if size != 0xFFFFFFFF else 0, int(struct.unpack_from("<Q", tail, large + 40)[0]))
    place = length - len(tail) + end if large < 0 else None
    return (size, place) if size <= length else (0, None)  # nonsense: `zipfile` reports it


def _overlap(entries: list[zipfile.ZipInfo], end: int) -> bool:
    """Whether two entries share bytes of the archive, which is how a small ZIP bomb is made."""
    for entry in sorted(entries, key=lambda e: e.header_offset, reverse=True):
        if entry.header_offset + _LOCAL_HEADER_BYTES + entry.compress_size > end:
            return True
        end = entry.header_offset
    return False
