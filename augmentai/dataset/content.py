"""The bytes of files, of files in ZIPs and of callers: hashed once, and read again when they are needed."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO

from augmentai.dataset.archive import Member, check_member
from augmentai.images.file_types import HEAD_BYTES
from augmentai.system.regular_files import open_regular

BROKEN_LINK = "a link to a file that does not exist"
_CHUNK_BYTES = 1 << 20


def read_head(path: Path) -> bytes:
    """The first bytes of a file, by which its type is detected; none if it cannot be read."""
    try:
        with open_regular(path) as stream:
            return stream.read(HEAD_BYTES)
    except OSError:
        return b""  # reported when the file itself is read


def read_member_head(member: Member) -> bytes:
    """The same for a file in a ZIP."""
    try:
        check_member(member, member.file_size)
        with member.open() as stream:
            return stream.read(HEAD_BYTES)
    except Exception:
        return b""  # no ending and not readable: nothing suggests that it is an image


class FileReader:
    """Reads one file again, and checks that it is still the one that was hashed. Calling it raises OSError.

    Its folder is one object for all files in it: of a large dataset, only the names remain in memory.

    Args:
        path: the file.
        size: in bytes, when it was hashed.
        digest: its SHA-256.
    """

    __slots__ = ("_digest", "_folder", "_name", "_size")

    def __init__(self, path: Path, size: int, digest: str) -> None:
        folder, name = os.path.split(path)  # not path.name, which pathlib keeps in a table forever
        self._folder, self._name = sys.intern(folder), name
        self._size, self._digest = size, digest

    @property
    def path(self) -> Path:
        """The file."""
        return Path(self._folder, self._name)

    def __call__(self) -> bytes:
        try:
            with open_regular(self.path) as stream:
                data = stream.read(self._size + 1)
        except OSError as error:
            raise OSError(unreadable_reason(error)) from error
        if hashlib.sha256(data).hexdigest() != self._digest:
            raise OSError("the file was changed while the job was running; run it again")
        return data


def call_read(read: Callable[[], bytes]) -> bytes:
    """Call the `read` of a source that a caller made; whatever it raises, only this image fails.

    Raises:
        OSError: it raised anything, or returned anything but bytes.
    """
    try:
        data = read()
    except Exception as error:
        raise OSError(f"could not be read ({type(error).__name__}: {error})") from error
    if not isinstance(data, bytes):
        raise OSError(f"could not be read (read() returned {type(data).__name__}; expected bytes)")
    return data


def sha256_of(stream: IO[bytes]) -> str:
    """The SHA-256 of a stream's bytes, which are never in memory together.

    Example:
        >>> import io
        >>> sha256_of(io.BytesIO(b"pixels"))[:8]
        '6ec9c2b0'
    """
    digest = hashlib.sha256()
    while chunk := stream.read(_CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def unreadable_reason(error: OSError | ValueError) -> str:
    """Why a file cannot be read, without its path."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"cannot be read ({reason}); check the file and its permissions"
