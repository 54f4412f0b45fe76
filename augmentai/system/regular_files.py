"""Opening files that somebody else put there: a pipe or a device of the right name must not be waited for."""

from __future__ import annotations

import errno
import os
import stat
from typing import BinaryIO

NOT_A_FILE = "a device or a pipe, not a file"
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a file for reading, and nothing else: opening a pipe would wait for its writer, forever.

    Args:
        path: the file, or a link to one.

    Raises:
        OSError: it cannot be opened, or is a folder, a pipe, a socket or a device.

    Example:
        >>> with open_regular("/dev/null"):
        ...     pass
        Traceback (most recent call last):
        OSError: [Errno 22] a device or a pipe, not a file: '/dev/null'
    """
    _check(os.stat(path), path)
    descriptor = os.open(path, _FLAGS)  # does not wait, should the file be exchanged meanwhile
    try:
        _check(os.fstat(descriptor), path)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: str | os.PathLike[str]) -> bytes:
    """All bytes of a file. Raises OSError as `open_regular` does."""
    with open_regular(path) as stream:
        return stream.read()


def _check(found: os.stat_result, path: str | os.PathLike[str]) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, NOT_A_FILE, os.fspath(path))
