"""Small copies of what was uploaded, made in a process of its own, which loads no Gradio: calls would wait for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from augmentai.dataset.readers.gather import gather
from augmentai.inspection.reduced_set import ReducedSet, reduce_set
from augmentai.pipeline.job import limits
from augmentai.settings import Settings


def small_copies(files: Sequence[Path], settings: Settings, layout: str) -> ReducedSet:
    """Read a set and copy a few of its images.

    Args:
        files: files, folders and archives.
        settings: limits on size and number.
        layout: as for `gather`.
    """
    return reduce_set(gather(files, limits(settings, settings.max_files), layout=layout), settings.max_pixels)
