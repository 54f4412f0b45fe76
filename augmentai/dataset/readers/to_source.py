"""One picture of a set to a source: its bytes are read once, for their hash, and not decoded."""

from __future__ import annotations

import stat
from pathlib import Path, PurePosixPath

from augmentai.dataset.archive import ArchiveError, Member, check, too_large
from augmentai.dataset.content import FileReader, sha256_of, why_unreadable
from augmentai.dataset.file_names import printable
from augmentai.dataset.file_tree import Entry
from augmentai.dataset.formats.base import ImageInfo
from augmentai.types import Source


class NotTakenError(ValueError):
    """A file cannot be a source; the message says why and what to do, without naming it."""


def take(entry: Entry, known: ImageInfo, limit_bytes: int) -> Source:
    """The source that a file is. Raises NotTakenError, also where it holds more than `limit_bytes`."""
    if entry.file is not None:
        return _from_file(entry.path, entry.file, known, limit_bytes)
    assert entry.member is not None
    return _from_zip(entry, entry.member, known, limit_bytes)


def _from_file(name: str, path: Path, known: ImageInfo, limit_bytes: int) -> Source:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # to open a pipe would be to wait for ever
            raise NotTakenError("not a file but a device or a pipe; give a picture")
        if found.st_size > limit_bytes:
            raise NotTakenError(too_large(found.st_size, limit_bytes))
        with path.open("rb") as stream:
            digest = sha256_of(stream)
    except OSError as error:
        gone = isinstance(error, FileNotFoundError) and path.is_symlink()
        raise NotTakenError("a link to a file that is gone" if gone else why_unreadable(error)) from error
    read = FileReader(path, found.st_size, digest)
    return Source(name, known.label, digest, found.st_size, read, known.split, known.labels)


def _from_zip(entry: Entry, member: Member, known: ImageInfo, limit_bytes: int) -> Source:
    try:
        check(member, limit_bytes)
        with member.open() as stream:
            digest = sha256_of(stream)
    except ArchiveError as error:
        raise NotTakenError(str(error)) from error
    except Exception as error:  # BadZipFile, zlib.error, OSError, EOFError, ...
        where = printable(PurePosixPath(entry.origin).name)
        raise NotTakenError(f"damaged inside {where} ({error}); make the ZIP again") from error
    return Source(entry.path, known.label, digest, member.file_size, member, known.split, known.labels)
