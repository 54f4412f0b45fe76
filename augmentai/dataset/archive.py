"""Reading ZIPs that strangers made: nothing is unpacked to disk, and nothing is read on the word of a header alone."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Protocol

_DIRECTORY_LIMIT_BYTES = 32 << 20  # about 250,000 files with names of usual length
_END_RECORD_BYTES = 22
_LONGEST_COMMENT_BYTES = 65535
_LOCAL_HEADER_BYTES = 30
# bzip2 and LZMA unpack a few bytes to gigabytes in one step, which no size in a header announces.
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_METHOD_NAMES = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "XZ", 98: "PPMd"}
_LOCKED, _UTF8 = 0x1, 0x800  # general purpose flags, APPNOTE.TXT 4.4.4


class ArchiveError(ValueError):
    """A ZIP, or a file in it, cannot be read; the message says why and what to do, without naming it."""


class _Told(Protocol):
    """What a header tells of a file in a ZIP: `ZipInfo` does, and `Member`."""

    flag_bits: int
    compress_type: int
    file_size: int


class Member:
    """A file in an open ZIP, of a third of the size of `ZipInfo`, since a set may have a hundred thousand.

    The ZIP stays open as long as a member of it lives. Calling it gives its bytes, as `Source.read` does.
    """

    __slots__ = (
        "_archive",
        "_crc",
        "_name",
        "_offset",
        "_packed_size",
        "compress_type",
        "file_size",
        "flag_bits",
    )

    def __init__(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
        self._archive, self._name, self._offset = archive, info.orig_filename, info.header_offset
        self._crc, self._packed_size, self.file_size = info.CRC, info.compress_size, info.file_size
        self.compress_type, self.flag_bits = info.compress_type, info.flag_bits
        if self._packed_size == self.file_size:
            self._packed_size = self.file_size  # one number in memory

    def open(self) -> IO[bytes]:
        """Its bytes, as a stream. Raises what `zipfile` raises."""
        info = zipfile.ZipInfo(self._name)
        info.header_offset, info.CRC = self._offset, self._crc
        info.compress_size, info.file_size = self._packed_size, self.file_size
        info.compress_type, info.flag_bits = self.compress_type, self.flag_bits
        return self._archive.open(info)

    def __call__(self) -> bytes:
        """All its bytes, when it was sound before. Raises OSError."""
        try:
            with self.open() as stream:
                return stream.read()
        except Exception as error:
            raise OSError(f"the ZIP was changed while the job ran ({error}); run it again") from error


def open_archive(path: Path) -> zipfile.ZipFile:
    """A ZIP whose list of contents is sound and of bearable size. Raises ArchiveError."""
    try:
        if _directory_bytes(path) > _DIRECTORY_LIMIT_BYTES:
            raise ArchiveError("it lists more files than are read from one ZIP; split it")
        archive = zipfile.ZipFile(path)
        if _overlap(archive.infolist(), path.stat().st_size):
            archive.close()
            raise ArchiveError("its files lie over each other, as in a ZIP bomb; make it again")
    except ArchiveError:
        raise
    except OSError as error:
        raise ArchiveError(f"it cannot be read ({error.strerror or error}); check the file") from error
    except Exception as error:  # BadZipFile, NotImplementedError, UnicodeDecodeError, struct.error, ...
        raise ArchiveError(f"not a ZIP that can be read ({error}); make it again") from error
    return archive


def members(archive: zipfile.ZipFile) -> Iterator[tuple[str, Member, bool]]:
    """(name, member, whether it is a folder) of everything in a ZIP, whose own list is forgotten: it is large."""
    listed = archive.infolist()
    listed.reverse()
    archive.NameToInfo.clear()
    while listed:
        info = listed.pop()
        yield name_of(info), Member(archive, info), info.is_dir()


def name_of(entry: zipfile.ZipInfo) -> str:
    """The name of a file in a ZIP. Some systems write UTF-8 without saying so; it reads as cp437 nonsense then."""
    if not entry.flag_bits & _UTF8 and not entry.filename.isascii():
        try:
            return entry.filename.encode("cp437").decode("utf-8")
        except UnicodeError:
            pass
    return entry.filename


def check(entry: _Told, limit_bytes: int) -> None:
    """Raises ArchiveError where a file should not or cannot be unpacked, as far as its header tells."""
    if entry.flag_bits & _LOCKED:
        raise ArchiveError("the ZIP is locked with a password; unlock it first")
    if entry.compress_type not in _METHODS:
        method = _METHOD_NAMES.get(entry.compress_type, f"method {entry.compress_type}")
        raise ArchiveError(f"packed with {method}, which is not read here; make the ZIP with Deflate, the usual way")
    if entry.file_size > limit_bytes:
        raise ArchiveError(too_large(entry.file_size, limit_bytes))


def too_large(found_bytes: int, limit_bytes: int) -> str:
    return f"{size_words(found_bytes)} is more than the limit of {size_words(limit_bytes)} a file; make it smaller"


def size_words(count: int) -> str:
    if count < 1e6:
        return f"{count / 1e3:.1f} kB"
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def _directory_bytes(path: Path) -> int:
    """Size of the list of contents, which `zipfile` reads into memory whole; 0 where there is none to be found."""
    with path.open("rb") as file:
        length = file.seek(0, 2)
        file.seek(max(0, length - _LONGEST_COMMENT_BYTES - _END_RECORD_BYTES - 76))  # 76: the records of ZIP64
        tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) < end + _END_RECORD_BYTES:
        return 0
    size = int(struct.unpack_from("<L", tail, end + 12)[0])
    large = tail.rfind(b"PK\x06\x06", 0, end)
    if large >= 0 and len(tail) >= large + 48:
        size = max(size if size != 0xFFFFFFFF else 0, int(struct.unpack_from("<Q", tail, large + 40)[0]))
    return size if size <= length else 0  # nonsense, which `zipfile` says in its own words


def _overlap(entries: list[zipfile.ZipInfo], end: int) -> bool:
    """Whether two entries share bytes of the archive: how a small ZIP bomb is made."""
    for entry in sorted(entries, key=lambda e: e.header_offset, reverse=True):
        if entry.header_offset + _LOCAL_HEADER_BYTES + entry.compress_size > end:
            return True
        end = entry.header_offset
    return False
