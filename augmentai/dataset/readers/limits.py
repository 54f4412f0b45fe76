"""How much is read in one job."""

from __future__ import annotations

from dataclasses import dataclass

from augmentai.dataset.bounds import MOST_FILES, MOST_OBJECTS


@dataclass(frozen=True)
class Limits:
    """How much is read in one job.

    Attributes:
        file_bytes: the largest image file.
        zip_bytes: all that one ZIP extracts to; if `files` is limited, all ZIPs of the job together.
        files: the number of images, None for no limit.
        archive_files: the number of files in one archive, and of folders; if `files` is limited, in all of the job.
        label_bytes: all label files together, see `label_budget`; None for no limit.
        objects: in one image; what else an image may have follows from it, see `bounds.ImageBounds`.
        points: of all outlines in one image; None: ten times as many.
    """

    file_bytes: int
    zip_bytes: int
    files: int | None = None
    archive_files: int = MOST_FILES
    label_bytes: int | None = None
    objects: int = MOST_OBJECTS
    points: int | None = None
