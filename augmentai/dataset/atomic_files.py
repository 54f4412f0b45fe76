"""Files that appear complete or not at all, and never replace another."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path

from typing_extensions import Buffer

from augmentai.images.encode import MADE_BY

KEPT = "what was finished before is kept"
GONE = "it was deleted or moved during the run, and what was finished with it; run the same command again"
_NO_ROOM = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


class OutputError(OSError):
    """The output cannot be written; the message names the file or folder, the reason and what to do.

    Attributes:
        result: where the result is, if it is complete and could not get its name.
    """

    def __init__(self, message: str, result: Path | None = None) -> None:
        super().__init__(message)
        self.result = result


class UnbufferedFile(io.FileIO):
    """A file without a buffer, so that nothing is left behind when the disk is full: a write is complete or raises."""

    def write(self, data: Buffer, /) -> int:
        rest = memoryview(data).cast("B")
        count = len(rest)
        while rest:
            rest = rest[super().write(rest) or 0 :]
        return count


def publish(part: Path, path: Path) -> None:
    """Give a finished file its final name, never replacing another file.

    Args:
        part: the finished file, on the same file system; it is gone afterwards.
        path: the final name.

    Raises:
        FileExistsError: there is a file of that name.
        OSError: the file system is full or cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     part, path = Path(folder, "a.part"), Path(folder, "a.jpg")
        ...     _ = part.write_bytes(b"pixels")
        ...     publish(part, path)
        ...     part.exists(), path.read_bytes()
        (False, b'pixels')
    """
    try:
        os.link(part, path)  # unlike a rename, this never replaces a file that appeared meanwhile
    except FileExistsError:
        raise
    except OSError:
        # exFAT, network drives and some containers have no links. The name is claimed with an empty file, which fails
        # where it is taken, and only this claim is replaced.
        try:
            path.open("xb").close()
        except OSError as error:
            if error.errno not in _NO_ROOM or os.path.lexists(path):
                raise
            os.rename(part, path)  # not even an empty file can be added
            return
        try:
            os.replace(part, path)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    else:
        part.unlink()


def has_content(path: Path, data: bytes) -> bool:
    """Whether a file exists and contains exactly this."""
    try:
        return path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data
    except OSError:
        return False


def is_leftover(path: Path, data: bytes) -> bool:
    """Whether a file may be replaced: a loss of power left it of `data`, or AugmentAI itself made it.

    Whatever of a file had not reached the disk is missing, or zeros.
    """
    try:
        found = path.read_bytes() if path.is_file() else None
    except OSError:
        return False
    if found is None:
        return False
    written = found.rstrip(b"\0")
    return (len(found) <= len(data) and data.startswith(written)) or MADE_BY.encode() in found


def encode_text(text: str) -> bytes:
    """UTF-8; half a surrogate pair is escaped, in the way that JSON also reads."""
    return text.encode("utf-8", "backslashreplace")


def reason_of(error: OSError) -> str:
    """Why the system refused something, without the path: "No space left on device"."""
    return error.strerror or str(error)
