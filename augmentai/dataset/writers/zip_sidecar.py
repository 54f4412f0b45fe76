"""What a run into a ZIP keeps beside it until the ZIP is complete: a lock, and what was paid for."""

from __future__ import annotations

import hashlib
from pathlib import Path

_LONGEST_NAME_BYTES = 200  # of the 255 that file systems allow


def paid_folder_of(zip_path: Path) -> Path:
    """The folder beside a ZIP in which its run keeps its ledger and its paid answers.

    Example:
        >>> paid_folder_of(Path("sets/out.zip")).as_posix()
        'sets/.out.zip.augmentai.paid'
    """
    return _beside(zip_path, "paid")


def lock_file_of(zip_path: Path) -> Path:
    """The lock file beside a ZIP, there while a run writes it."""
    return _beside(zip_path, "lock")


def is_sidecar(name: str) -> bool:
    """Whether a file or folder of this name is beside a ZIP for its run, or was left there by a killed one.

    Example:
        >>> is_sidecar(".out.zip.augmentai.paid"), is_sidecar("out.zip")
        (True, False)
    """
    left = name.startswith(".augmentai-") and name.endswith(".part")
    return left or (name.startswith(".") and name.endswith((".augmentai.paid", ".augmentai.lock")))


def _beside(zip_path: Path, what: str) -> Path:
    name = zip_path.name
    if len(name.encode("utf-8", "surrogateescape")) > _LONGEST_NAME_BYTES:
        name = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
    return zip_path.with_name(f".{name}.augmentai.{what}")
