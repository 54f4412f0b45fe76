"""Reads ZIPs from strangers: nothing is extracted to disk, and no header is trusted about sizes."""

from __future__ import annotations

import struct
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Protocol

from augmentai.system.regular_files import open_regular

_DIRECTORY_LIMIT_BYTES = 32 << 20  # about 250,000 files with names of typical length
_END_RECORD_BYTES = 22
_LONGEST_COMMENT_BYTES = 65535
_LOCAL_HEADER_BYTES = 30
# bzip2 and LZMA expand a few bytes to gigabytes in one step, whatever size the header states.
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_METHOD_NAMES = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "XZ", 98: "PPMd"}
_ENCRYPTED, _UTF8 = 0x1, 0x800  # general purpose flags, APPNOTE.TXT 4.4.4

MEMBER_OPENED = "augmentai.member_opened"  # audit event, as Python's own "open": path of the ZIP, name in it


class ArchiveError(ValueError):
    """A ZIP, or a file in it, cannot be read; the message says why and what to do, without naming it."""


class _Header(Protocol):
    """What a ZIP states about a file in it; `ZipInfo` and `Member` have it."""

    flag_bits: int
    compress_type: int
    file_size: int


class Member:
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


def open_archive(path: Path) -> zipfile.ZipFile:
    """Open a ZIP after checking its directory.

    Args:
        path: the ZIP.

    Returns:
        The open ZIP.

    Raises:
        ArchiveError: it is not a ZIP, lists too many files, or its entries overlap.
    """
    try:
        if _directory_bytes(path) > _DIRECTORY_LIMIT_BYTES:
            raise ArchiveError("it has too many files for one ZIP (more than about 250,000); split it")
        archive = zipfile.ZipFile(open_regular(path))  # which closes the file once nobody reads it
        if _overlap(archive.infolist(), path.stat().st_size):
            archive.close()
            raise ArchiveError("its entries overlap, as in a ZIP bomb; create it again")
    except ArchiveError:
        raise
    except OSError as error:
        raise ArchiveError(f"it cannot be read ({error.strerror or error}); check the file") from error
    except Exception as error:  # BadZipFile, NotImplementedError, UnicodeDecodeError, struct.error, ...
        raise ArchiveError(f"not a readable ZIP ({error}); create it again") from error
    return archive


def members(archive: zipfile.ZipFile) -> Iterator[tuple[str, Member, bool]]:
    """All of a ZIP as (name, member, whether it is a folder). Empties the ZIP's own directory, which is large."""
    listed = archive.infolist()
    listed.reverse()
    archive.NameToInfo.clear()
    while listed:
        info = listed.pop()
        yield name_of(info), Member(archive, info), info.is_dir()


def name_of(entry: zipfile.ZipInfo) -> str:
    """The name of a file in a ZIP. Some systems write UTF-8 without saying so, which reads as nonsense in cp437."""
    if not entry.flag_bits & _UTF8 and not entry.filename.isascii():
        try:
            return entry.filename.encode("cp437").decode("utf-8")
        except UnicodeError:
            pass
    return entry.filename


def check_member(entry: _Header, limit_bytes: int) -> None:
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
        '2.5 GB is over the limit of 30.0 MB per file; make it smaller'
    """
    return f"{format_size(size_bytes)} is over the limit of {format_size(limit_bytes)} per file; make it smaller"


def format_size(size_bytes: int) -> str:
    """A size in decimal units.

    Example:
        >>> format_size(1_500), format_size(2_500_000)
        ('1.5 kB', '2.5 MB')
    """
    if size_bytes < 1e6:
        return f"{size_bytes / 1e3:.1f} kB"
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:.1f} MB"


def _directory_bytes(path: Path) -> int:
    """The size of the directory, which `zipfile` reads into memory at once; 0 if none is found."""
    with open_regular(path) as file:
        length = file.seek(0, 2)
        file.seek(max(0, length - _LONGEST_COMMENT_BYTES - _END_RECORD_BYTES - 76))  # 76: the ZIP64 records
        tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) < end + _END_RECORD_BYTES:
        return 0
    size = int(struct.unpack_from("<L", tail, end + 12)[0])
    large = tail.rfind(b"PK\x06\x06", 0, end)
    if large >= 0 and len(tail) >= large + 48:
        size = max(size if size != 0xFFFFFFFF else 0, int(struct.unpack_from("<Q", tail, large + 40)[0]))
    return size if size <= length else 0  # nonsense: `zipfile` reports it


def _overlap(entries: list[zipfile.ZipInfo], end: int) -> bool:
    """Whether two entries share bytes of the archive, which is how a small ZIP bomb is made."""
    for entry in sorted(entries, key=lambda e: e.header_offset, reverse=True):
        if entry.header_offset + _LOCAL_HEADER_BYTES + entry.compress_size > end:
            return True
        end = entry.header_offset
    return False
