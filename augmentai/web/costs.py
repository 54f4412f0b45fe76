"""What a job would cost, told before the click, and a visitor's own key for their own job."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path, PurePosixPath

from augmentai.dataset.archive import ArchiveError, open_archive
from augmentai.dataset.read import PICTURE_SUFFIXES
from augmentai.engines import with_settings
from augmentai.engines.base import Engine
from augmentai.engines.stability import estimate, visitor_settings
from augmentai.recipe import Recipe
from augmentai.settings import Settings


def own_key(settings: Settings, engines: Sequence[Engine], key: str) -> tuple[Settings, Sequence[Engine]]:
    """Settings and engines for one job with a visitor's own key; no key, and all stays as it was.

    The key lives in these objects and goes with them. The owner's daily limit of credits is not the visitor's.
    """
    changed = visitor_settings(settings, key or "")
    return changed, engines if changed is settings else with_settings(engines, changed)


def count_pictures(files: Sequence[str]) -> int:
    """How many pictures these uploads hold, by their names: quick, and about what a job will find."""
    total = 0
    for file in files:
        if PurePosixPath(file).suffix.lower() != ".zip":
            total += 1
            continue
        try:
            with open_archive(Path(file)) as archive:
                names = [PurePosixPath(entry.filename) for entry in archive.infolist()]
        except ArchiveError:
            continue
        total += sum(name.suffix.lower() in PICTURE_SUFFIXES and "__MACOSX" not in name.parts for name in names)
    return total


def cost_line(settings: Settings, recipe: Recipe, pictures: int) -> str:
    """One line of HTML: the most that this job can cost; empty where it costs nothing."""
    cost = estimate(settings, recipe, pictures)
    return f'<p class="aug-line"><b>Cost:</b> {escape(str(cost))}.</p>' if cost is not None and cost.pictures else ""
