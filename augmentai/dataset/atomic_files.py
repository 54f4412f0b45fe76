"""Files that appear whole or not at all, and never in place of another."""

from __future__ import annotations

import io
import os
from pathlib import Path

from typing_extensions import Buffer

from augmentai.images.encode import MADE_BY


class OutputError(OSError):
    """The output cannot be written there; the message says why and what to do."""


class Whole(io.FileIO):
    """A file without a buffer, so that nothing lingers when the disk is full, whose writes are whole or fail."""

    def write(self, data: Buffer, /) -> int:
        left = memoryview(data).cast("B")
        count = len(left)
        while left:
            left = left[super().write(left) or 0 :]
        return count


def put(part: Path, path: Path) -> None:
    """Give a finished file its name, never in place of another. Raises FileExistsError."""
    try:
        os.link(part, path)  # unlike a rename, this never replaces a file that appeared meanwhile
    except FileExistsError:
        raise
    except OSError:
        # exFAT, network drives and some containers know no links. The name is claimed with an empty file, which fails
        # where it is taken, and only this claim is replaced.
        path.open("xb").close()
        try:
            os.replace(part, path)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    else:
        part.unlink()


def holds(path: Path, data: bytes) -> bool:
    """Whether a file is there and holds exactly this."""
    try:
        return path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data
    except OSError:
        return False


def is_leftover(path: Path, data: bytes) -> bool:
    """Whether a file is what a loss of power left of `data`, or was made by AugmentAI itself: it may be replaced.

    Of what had not reached the disk nothing is there, or zeros.
    """
    try:
        found = path.read_bytes() if path.is_file() else None
    except OSError:
        return False
    if found is None:
        return False
    written = found.rstrip(b"\0")
    return (len(found) <= len(data) and data.startswith(written)) or MADE_BY.encode() in found


def as_bytes(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")  # half a surrogate pair becomes \\udcff, which is JSON as well


def why(error: OSError) -> str:
    return error.strerror or str(error)
