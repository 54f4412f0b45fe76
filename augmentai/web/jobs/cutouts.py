"""Finds what the operation `background` would cut out of a visitor's images; loaded without Gradio, for `parsing`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from augmentai.dataset.readers.gather import gather
from augmentai.inspection.cutouts import Cutouts, find_cutouts
from augmentai.pipeline.job import limits
from augmentai.recipe import Recipe
from augmentai.settings import Settings


def cut_out(files: Sequence[Path], settings: Settings, recipe: Recipe) -> Cutouts:
    """Read a set and find the masks of a few of its images, in a process that may be ended."""
    gathered = gather(files, limits(settings, settings.max_files), layout=recipe.layout)
    return find_cutouts(gathered.sources, recipe, settings.max_pixels)
