"""What a job reads besides pixels, read once in another process: if that comes to its end, so does the job."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from augmentai.annotations import LabelError
from augmentai.dataset.formats.detect import is_label_file
from augmentai.dataset.readers.file_kinds import ARCHIVE_SUFFIXES
from augmentai.dataset.readers.gather import gather
from augmentai.dataset.readers.limits import Limits


def may_have_labels(files: Sequence[Path]) -> bool:
    """Whether files, folders or archives may hold anything but images."""
    return any(
        path.is_dir() or path.name.lower().endswith(ARCHIVE_SUFFIXES) or is_label_file(path.name) for path in files
    )


def read_labels(files: Sequence[Path], bounds: Limits, layout: str) -> None:
    """Read everything that a job over these files will read, except pixels. Nothing is raised for bad files."""
    gathered = gather(files, bounds, layout=layout)
    for source in (*gathered.sources, *gathered.holdout):
        if source.labels is not None:
            with suppress(LabelError):
                source.labels.load()
