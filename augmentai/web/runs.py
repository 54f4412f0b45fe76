"""One job as the page and the API see it: files on disk, a ZIP, small previews, and snapshots while it works."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
from PIL import Image

from augmentai.dataset.read import gather
from augmentai.dataset.write import OutputError
from augmentai.engines.base import Engine
from augmentai.job import Job, limits
from augmentai.keep import keep
from augmentai.recipe import Outcome, Recipe
from augmentai.settings import Settings
from augmentai.web.janitor import JOBS
from augmentai.web.limits import LimitReachedError

PREVIEW_SIDE_PX = 640
_JPEG_MODES = {"RGB", "L"}
_FAILURES_WHILE_WORKING = 50
_LEAST_FREE_BYTES = 500_000_000


@dataclass(frozen=True)
class Snapshot:
    """How a job stands. `report` and `zip_path` are set in the last one only.

    pictures: (path, caption) of every finished variation, full-size files; previews: the same, small. One of them is
    filled. expected is 0 while the files are still being read. failures: the first 50 until the last snapshot.
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
    files: Sequence[str],
    recipe: Recipe,
    settings: Settings,
    engines: Sequence[Engine],
    folder: Path,
    stop: Event,
    keep_full: bool = True,
    admit: Callable[[Job], None] = lambda job: None,
) -> Iterator[Snapshot]:
    """Do a job in a fresh folder below `folder`.

    Yields a snapshot at once, one when the files are read, one after each outcome, and one at the end.

    The ZIP is finished, and told in the last snapshot, also when `stop` ends the job early. keep_full: write each
    variation beside the ZIP too, for `pictures`. A job that nobody waits for any more leaves nothing behind.
    `admit` is asked once the files are read and before anything is made; what it raises ends the job.
    Raises OutputError where the disk is full.
    """
    begun = time.monotonic()
    place = folder / JOBS / uuid.uuid4().hex
    _make_room(folder, place)
    yield Snapshot(0, 0, (), (), (), 0.0)
    try:
        gathered = gather([Path(file) for file in files], limits(settings, settings.max_files), stop=stop)
        stopped_early = stop.is_set()  # some files may not have been read at all
        job = Job(gathered, recipe, settings, engines, stop)
        admit(job)
        zip_path = place / f"augmentai-{datetime.now():%Y%m%d-%H%M%S}.zip"
        pictures: list[tuple[str, str]] = []
        previews: list[tuple[str, str]] = []

        def snapshot(report: dict[str, Any] | None = None) -> Snapshot:
            done = job.report.variations
            passed = time.monotonic() - begun
            finished = str(zip_path) if report else None
            failures = job.report.failures if report else job.report.failures[:_FAILURES_WHILE_WORKING]
            return Snapshot(done, job.expected, pictures, previews, failures, passed, report, finished)

        yield snapshot()
        with closing(keep(job, zip_path)) as outcomes:
            for number, outcome in enumerate(outcomes):
                if outcome.variation is not None:
                    caption = _caption(outcome)
                    holder = place / f"{number:05d}"
                    holder.mkdir()
                    if keep_full:
                        full = holder / Path(outcome.variation.file).name
                        full.write_bytes(outcome.variation.data)
                        pictures.append((str(full), caption))
                    else:
                        previews.append((_preview(outcome.variation.image, holder), caption))
                yield snapshot()
        job.report.stopped = job.report.stopped or stopped_early
        yield snapshot(job.report.as_dict())
    except (GeneratorExit, LimitReachedError):
        shutil.rmtree(place, ignore_errors=True)
        raise
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(f"the server's disk cannot take the result ({error.strerror or error})") from error


def _make_room(folder: Path, place: Path) -> None:
    try:
        place.mkdir(parents=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise OutputError(f"the server cannot write to its folder for results ({error.strerror or error})") from error
    if free < _LEAST_FREE_BYTES:
        raise OutputError("the server's disk is nearly full; try again later, or with fewer files")


def _caption(outcome: Outcome) -> str:
    assert outcome.variation is not None
    return f"{outcome.variation.file} · {outcome.variation.engine}"


def _preview(picture: Image.Image, holder: Path) -> str:
    """A small file that any browser shows, eight bits deep."""
    small = _eight_bits(picture) if picture.mode in {"I;16", "I", "F"} else picture.copy()
    kind = "jpeg" if small.mode in _JPEG_MODES else "png"
    small.thumbnail((PREVIEW_SIDE_PX, PREVIEW_SIDE_PX), Image.Resampling.BILINEAR, reducing_gap=2.0)
    path = holder / f"preview.{kind}"
    small.save(path, kind, **({"quality": 85} if kind == "jpeg" else {"compress_level": 1}))
    return str(path)


def _eight_bits(picture: Image.Image) -> Image.Image:
    """16-bit and 32-bit grey stretched from its darkest to its lightest value."""
    values = np.asarray(picture, np.float64)
    low, high = float(values.min()), float(values.max())
    return Image.fromarray(((values - low) * (255 / max(high - low, 1e-9))).round().astype(np.uint8))
