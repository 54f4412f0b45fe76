"""Turns the file of an image into a source: its bytes are read once for their hash, and not decoded."""

from __future__ import annotations

import stat
from pathlib import Path, PurePosixPath

from augmentai.dataset.archive import ArchiveError, Member, check_member, over_limit
from augmentai.dataset.content import BROKEN_LINK, FileReader, sha256_of, unreadable_reason
from augmentai.dataset.file_names import printable
from augmentai.dataset.file_tree import Entry
from augmentai.dataset.formats.base import ImageInfo
from augmentai.dataset.readers.known_digests import ANY_VERSION, KnownDigests
from augmentai.dataset.readers.stored_member import StoredMember, StoredReader
from augmentai.system.regular_files import NOT_A_FILE, open_regular
from augmentai.types import Source


class UnusableFileError(ValueError):
    """A file cannot be a source; the message says why and what to do, without naming it."""


def to_source(entry: Entry, info: ImageInfo, limit_bytes: int, known: KnownDigests | None = None) -> Source:
    """The source that a file is.

    Args:
        entry: the file, on this machine or in a ZIP.
        info: what the layout of the dataset knows about it.
        limit_bytes: a larger file is refused.
        known: hashes of files that were read before; these are not read again.

    Returns:
        A source that reads the file again when it is needed, and notices a change.

    Raises:
        UnusableFileError: the file is too large, cannot be read, or is no regular file.
    """
    known = KnownDigests() if known is None else known
    if entry.file is not None:
        return _from_file(entry, entry.file, info, limit_bytes, known)
    if isinstance(entry.member, StoredMember):
        return _from_store(entry, entry.member, info, limit_bytes, known)
    assert entry.member is not None
    return _from_member(entry, entry.member, info, limit_bytes, known)


def _from_file(entry: Entry, path: Path, info: ImageInfo, limit_bytes: int, known: KnownDigests) -> Source:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # opening a pipe would wait forever
            raise UnusableFileError(f"{NOT_A_FILE}; name an image file")
        if found.st_size > limit_bytes:
            raise UnusableFileError(over_limit(found.st_size, limit_bytes))
        digest = known.of(entry, found.st_size, str(found.st_mtime_ns))
        if digest is None:
            with open_regular(path) as stream:
                digest = sha256_of(stream)
            known.found(entry, found.st_size, str(found.st_mtime_ns), digest)
    except OSError as error:
        is_broken_link = isinstance(error, FileNotFoundError) and path.is_symlink()
        raise UnusableFileError(BROKEN_LINK if is_broken_link else unreadable_reason(error)) from error
    read = FileReader(path, found.st_size, digest)
    return Source(entry.path, info.label, digest, found.st_size, read, info.split, info.labels)


def _from_store(entry: Entry, member: StoredMember, info: ImageInfo, limit_bytes: int, known: KnownDigests) -> Source:
    if member.file_size > limit_bytes:
        raise UnusableFileError(over_limit(member.file_size, limit_bytes))
    digest = known.of(entry, member.file_size, member.version)
    if digest is None:
        try:
            with member.open() as stream:
                digest = sha256_of(stream)
        except OSError as error:
            known.missed(entry, error)
            raise UnusableFileError(str(error)) from error
        known.found(entry, member.file_size, member.version, digest)
    read = StoredReader(member, digest)
    return Source(entry.path, info.label, digest, member.file_size, read, info.split, info.labels)


def _from_member(entry: Entry, member: Member, info: ImageInfo, limit_bytes: int, known: KnownDigests) -> Source:
    try:
        check_member(member, limit_bytes)
        digest = known.of(entry, member.file_size)
        if digest is None:
            with member.open() as stream:
                digest = sha256_of(stream)
            known.found(entry, member.file_size, ANY_VERSION, digest)
    except ArchiveError as error:
        raise UnusableFileError(str(error)) from error
    except Exception as error:  # BadZipFile, zlib.error, OSError, EOFError, ...
        where = printable(PurePosixPath(entry.origin).name)
        raise UnusableFileError(f"corrupt inside {where} ({error}); create the ZIP again") from error
    return Source(entry.path, info.label, digest, member.file_size, member, info.split, info.labels)
