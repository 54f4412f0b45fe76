"""How much is read in one job."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """How much is read in one job.

    Attributes:
        file_bytes: the largest image file.
        zip_bytes: all that one ZIP extracts to; if `files` is limited, all ZIPs of the job together.
        files: the number of images, None for no limit.
    """

    file_bytes: int
    zip_bytes: int
    files: int | None = None
