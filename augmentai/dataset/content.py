"""The bytes of files, of files in ZIPs and of callers: hashed once, and read again when their turn comes."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO

from augmentai.dataset.archive import Member, check
from augmentai.images.file_types import HEAD_BYTES

_CHUNK_BYTES = 1 << 20


def head(path: Path) -> bytes:
    try:
        if not path.is_file():
            return b""
        with path.open("rb") as stream:
            return stream.read(HEAD_BYTES)
    except OSError:
        return b""  # told where the file itself is read


def member_head(member: Member) -> bytes:
    try:
        check(member, member.file_size)
        with member.open() as stream:
            return stream.read(HEAD_BYTES)
    except Exception:
        return b""  # without an ending and unreadable: nothing says that it is a picture


class FileReader:
    """Reads one file again, and sees to it that it is still the one that was hashed.

    Its folder is one object for all files in it: of a large set, only the names remain. Calling it raises OSError.
    """

    __slots__ = ("_digest", "_folder", "_name", "_size")

    def __init__(self, path: Path, size: int, digest: str) -> None:
        folder, name = os.path.split(path)  # not path.name, which pathlib keeps in a table of its own for good
        self._folder, self._name = sys.intern(folder), name
        self._size, self._digest = size, digest

    @property
    def path(self) -> Path:
        return Path(self._folder, self._name)

    def __call__(self) -> bytes:
        try:
            with self.path.open("rb") as stream:
                data = stream.read(self._size + 1)
        except OSError as error:
            raise OSError(why_unreadable(error)) from error
        if hashlib.sha256(data).hexdigest() != self._digest:
            raise OSError("the file was changed while the job ran; run it again")
        return data


def read_given(read: Callable[[], bytes]) -> bytes:
    """What the caller's own function gives; whatever it raises, it is this picture alone that fails."""
    try:
        data = read()
    except Exception as error:
        raise OSError(f"its bytes could not be had ({type(error).__name__}: {error})") from error
    if not isinstance(data, bytes):
        raise OSError(f"its bytes could not be had (read() gave {type(data).__name__})")
    return data


def sha256_of(stream: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := stream.read(_CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def why_unreadable(error: OSError | ValueError) -> str:
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"cannot be read ({words}); check the file and its permissions"
