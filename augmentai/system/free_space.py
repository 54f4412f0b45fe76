"""Whether a disk has room for what a server writes."""

from __future__ import annotations

import shutil
from pathlib import Path

MIN_FREE_BYTES = 500_000_000  # for the results of the jobs at work; below it nothing new begins


def is_nearly_full(folder: Path, incoming_bytes: int = 0) -> bool:
    """Whether too little room would be left to begin a job.

    Args:
        folder: on the disk.
        incoming_bytes: what is about to be written there.

    Raises:
        OSError: the folder cannot be read.

    Example:
        >>> is_nearly_full(Path("."), incoming_bytes=10**18)
        True
    """
    return shutil.disk_usage(folder).free - incoming_bytes < MIN_FREE_BYTES
