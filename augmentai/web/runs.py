"""One job as the page and the API see it: files on disk, a ZIP, small previews, and snapshots while it works."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Any

from PIL import Image

from augmentai.dataset.read import gather
from augmentai.dataset.write import ZipWriter
from augmentai.engines.base import Engine
from augmentai.job import Job, limits
from augmentai.recipe import Outcome, Recipe
from augmentai.settings import Settings

PREVIEW_SIDE_PX = 640
_JOBS = "augmentai-jobs"
_JPEG_MODES = {"RGB", "L"}


@dataclass(frozen=True)
class Snapshot:
    """How a job stands. `report` and `zip_path` are set in the last one only.

    pictures: (path, caption) of every finished variation, full-size files; previews: the same, small.
    """

    done: int
    expected: int
    pictures: Sequence[tuple[str, str]]
    previews: Sequence[tuple[str, str]]
    failures: Sequence[dict[str, str]]
    seconds: float
    report: dict[str, Any] | None = None
    zip_path: str | None = None


def run(
    files: Sequence[str], recipe: Recipe, settings: Settings, engines: Sequence[Engine], folder: Path, stop: Event
) -> Iterator[Snapshot]:
    """Do a job in a fresh folder below `folder`; yields a snapshot before the first outcome and after each.

    The ZIP is finished, and told in the last snapshot, also when `stop` ends the job early.
    """
    begun = time.monotonic()
    _sweep(folder / _JOBS, settings.keep_hours)
    place = folder / _JOBS / uuid.uuid4().hex
    place.mkdir(parents=True)
    gathered = gather([Path(file) for file in files], limits(settings, settings.max_files))
    job = Job(gathered, recipe, settings, engines, stop)
    zip_path = place / f"augmentai-{datetime.now():%Y%m%d-%H%M%S}.zip"
    pictures: list[tuple[str, str]] = []
    previews: list[tuple[str, str]] = []

    def snapshot(report: dict[str, Any] | None = None) -> Snapshot:
        done = job.report.variations
        passed = time.monotonic() - begun
        finished = str(zip_path) if report else None
        return Snapshot(done, job.expected, pictures, previews, job.report.failures, passed, report, finished)

    yield snapshot()
    with ZipWriter(zip_path) as writer:
        for number, outcome in enumerate(job.run()):
            writer.add(outcome)
            if outcome.variation is not None:
                full, small = _show(outcome, number, place)
                caption = _caption(outcome)
                pictures.append((full, caption))
                previews.append((small, caption))
            yield snapshot()
    yield snapshot(job.report.as_dict())


def _caption(outcome: Outcome) -> str:
    assert outcome.variation is not None
    return f"{outcome.variation.file} · {outcome.variation.engine}"


def _show(outcome: Outcome, number: int, place: Path) -> tuple[str, str]:
    """Write the full file and a preview; flat names with a number, so that no two meet and none leads elsewhere."""
    variation = outcome.variation
    assert variation is not None
    full = place / f"{number:05d}" / Path(variation.file).name
    full.parent.mkdir()
    full.write_bytes(variation.data)
    small = variation.image
    if small.mode in {"I;16", "I", "F"}:  # browsers show eight bits
        with Image.open(full) as opened:
            low, high = (float(v) for v in opened.getextrema())  # type: ignore[arg-type]
            small = opened.convert("F").point(lambda v: (v - low) * (255 / max(high - low, 1.0))).convert("L")
    kind = "jpeg" if small.mode in _JPEG_MODES else "png"
    small = small.copy()
    small.thumbnail((PREVIEW_SIDE_PX, PREVIEW_SIDE_PX), Image.Resampling.BILINEAR, reducing_gap=2.0)
    preview = full.parent / f"preview.{kind}"
    small.save(preview, kind, **({"quality": 85} if kind == "jpeg" else {"compress_level": 1}))
    return str(full), str(preview)


def _sweep(jobs: Path, keep_hours: float) -> None:
    """Remove job folders that nobody can need any more."""
    if not jobs.is_dir():
        return
    oldest = time.time() - keep_hours * 3600
    for place in jobs.iterdir():
        try:
            if place.stat().st_mtime < oldest:
                shutil.rmtree(place, ignore_errors=True)
        except FileNotFoundError:  # another job swept it
            continue
