"""Files on disk under another name until they are complete, and those that a killed process left."""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PART = re.compile(r"^\..+\.(?P<host>[\w-]+)\.(?P<process>\d+)\.\d+\.part$")
_ABANDONED_AFTER_S = 86_400  # of another machine, whose processes are not known here


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """A part file that gets its name when it is complete, and is gone otherwise.

    Args:
        path: the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{_host()}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def remove_left_parts(folder: Path) -> None:
    """Remove the part files of processes that were killed.

    Args:
        folder: where they are; those in folders below it stay.
    """
    for path in folder.glob(".*.part"):
        found = _PART.match(path.name)
        if found is not None:
            with suppress(OSError):  # it is complete meanwhile, or another process was quicker
                if _is_left(path, found["host"], int(found["process"])):
                    path.unlink()


def _is_left(path: Path, host: str, process: int) -> bool:
    if host != _host():
        return time.time() - path.stat().st_mtime > _ABANDONED_AFTER_S
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _host() -> str:
    return re.sub(r"[^\w-]", "_", socket.gethostname())
