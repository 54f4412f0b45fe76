"""What the tests of the readers ask about a gathered dataset."""

from __future__ import annotations

from augmentai.dataset.readers.gather import Gathered, Limits

LIMITS = Limits(file_bytes=1_000_000, zip_bytes=4_000_000)


def paths(gathered: Gathered) -> list[str]:
    """The paths of the sources."""
    return [source.path for source in gathered.sources]


def reasons(gathered: Gathered) -> dict[str, str]:
    """Why each file failed, by its name."""
    return {failure.file: failure.reason for failure in gathered.failures}
