"""One job as the page and the API see it: files on disk, a ZIP, small pictures, and snapshots while it works."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

from augmentai.annotations import Labels
from augmentai.dataset.checkpoint import Checkpoint
from augmentai.dataset.readers.gather import Gathered, gather
from augmentai.dataset.writers.base import OutputError
from augmentai.engines.base import Engine
from augmentai.images.photo import ImageError
from augmentai.images.preview import distance, encode_for_web, shrink, thumbnail
from augmentai.operations import warp_from_manifest
from augmentai.pipeline.balance import classes_of
from augmentai.pipeline.job import Job, limits
from augmentai.pipeline.merge import addition, name_by_count, new_zip
from augmentai.pipeline.run import run_to_disk
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.types import Outcome, Source
from augmentai.web.jobs.cleanup import JOBS
from augmentai.web.jobs.heartbeat import beating

PREVIEW_SIDE_PX = 384
_FAILURES_WHILE_WORKING = 50
_LEAST_FREE_BYTES = 500_000_000

_ROWS_AT_MOST = 4000  # of more, the page shows no pictures; the ZIP holds all

Given = Callable[[Path, Event], Gathered]


@dataclass(frozen=True)
class Row:
    """One finished variation as the page shows it. preview, before: small pictures of it and of its source, on disk.

    labels: its class, or the classes of what is labelled in it. changed: how far it is from its source, 0 to 1, by
    `distance` of the small pictures. size_wh: of the variation. geometry: how its pixels were moved, as its manifest
    tells; None where they were not. `before` is moved alike, so that the two compare.
    """

    file: str
    source: str
    sha256: str
    labels: tuple[str, ...]
    index: int
    engine: str
    model: str
    seed: int
    strength: float
    prompt: str
    look: str
    preview: str
    before: str
    changed: float
    size_wh: tuple[int, int]
    geometry: Mapping[str, Any] | None = None


class Doing:
    """What an engine whose pictures take long is at, in words; empty for the others."""

    words = ""

    def tell(self, words: str, share: float) -> None:
        self.words = words


@dataclass(frozen=True)
class Snapshot:
    """How a job stands. `report` and `zip_path` are set in the last one only.

    pictures: (path, caption) of every finished variation, full-size files; rows: the same, small, and what is known of
    each. One of them is filled. expected is 0 while the files are still being read. failures: the first 50 until the
    last snapshot. classes: how many of the pictures given show each class; of those that show none under no name.
    doing: goes on changing while the next snapshot is waited for.
    """

    done: int = 0
    expected: int = 0
    pictures: Sequence[tuple[str, str]] = ()
    rows: Sequence[Row] = ()
    failures: Sequence[dict[str, str]] = ()
    seconds: float = 0.0
    credits: float = 0.0
    report: dict[str, Any] | None = None
    zip_path: str | None = None
    place: str | None = None
    classes: dict[str, int] = field(default_factory=dict)
    doing: Doing = field(default_factory=Doing)


def uploaded(files: Sequence[str], settings: Settings, layout: str = "auto") -> Given:
    """Uploads that keep nothing but their names, as the API takes them. layout: of the set that they are."""
    bounds = limits(settings, settings.max_files)
    return lambda place, stop: gather([Path(file) for file in files], bounds, stop=stop, layout=layout)


def run(
    given: Given,
    recipe: Recipe,
    settings: Settings,
    engines: Sequence[Engine],
    folder: Path,
    stop: Event,
    keep_full: bool = True,
    first_index: int = 1,
    held: Checkpoint | None = None,
    admit: Callable[[Job], None] = lambda job: None,
) -> Generator[Snapshot, None, None]:
    """Do a job in a fresh folder below `folder`, in a thread of its own, with a heartbeat (see `beating`).

    given: gets that fresh folder and reads what is to be varied. keep_full: write each variation beside the ZIP too,
    for `pictures`; else only small pictures are kept, in `rows`. first_index: see `Job`. held: what an earlier job
    has made; the ZIP then is an addition to that job's. `admit` is asked once the files are read and before anything is
    made; what it raises ends the job.

    The ZIP is finished, and told in the last snapshot, also when `stop` ends the job early. A job that nobody waits for
    any more leaves nothing behind. Raises OutputError where the disk is full.
    """
    work = _Work(folder / JOBS / uuid.uuid4().hex, keep_full)
    job = work.run(given, recipe, settings, engines, stop, first_index, held, admit)
    with closing(beating(job, Snapshot(), stop, settings.jobs_at_once)) as snapshots:
        for snapshot in snapshots:
            yield snapshot
            if snapshot.report is not None:  # the last; a heartbeat might repeat it
                return


class _Work:
    """The job's own folder, and what lies in it."""

    def __init__(self, place: Path, keep_full: bool) -> None:
        self.place, self._keep_full, self._begun = place, keep_full, time.monotonic()
        self._pictures: list[tuple[str, str]] = []
        self._rows: list[Row] = []
        self._doing = Doing()
        self._before: tuple[str, Any, str] = ("", None, "")  # of the last source: its hash, small picture and file

    def run(
        self,
        given: Given,
        recipe: Recipe,
        settings: Settings,
        engines: Sequence[Engine],
        stop: Event,
        first_index: int,
        held: Checkpoint | None,
        admit: Callable[[Job], None],
    ) -> Generator[Snapshot, None, None]:
        finished = False
        try:
            _make_room(self.place)
            gathered = given(self.place, stop)
            stopped_early = stop.is_set()  # some files may not have been read at all
            job = Job(gathered, recipe, settings, engines, stop, first_index, on_progress=self._doing.tell)
            job.resume(held or Checkpoint())
            admit(job)
            zip_path = new_zip(self.place)
            zip_path.parent.mkdir()
            yield self._snapshot(job)
            with closing(run_to_disk(job, zip_path) if held is None else addition(job, zip_path)) as outcomes:
                for number, outcome in enumerate(outcomes):
                    if outcome.variation is not None and (self._keep_full or number < _ROWS_AT_MOST):
                        self._keep(outcome, number, settings.max_pixels)
                    yield self._snapshot(job)
            job.report.stopped = job.report.stopped or stopped_early
            finished = True
            yield self._snapshot(job, name_by_count(zip_path, job.report.variations - job.report.held))
        except OSError as error:
            if isinstance(error, OutputError):
                raise
            raise OutputError(f"the server's disk cannot take the result ({error.strerror or error})") from error
        finally:
            if not finished:
                shutil.rmtree(self.place, ignore_errors=True)

    def _snapshot(self, job: Job, zip_path: Path | None = None) -> Snapshot:
        report = job.report.as_dict() if zip_path else None
        return Snapshot(
            job.report.variations - job.report.held,
            job.expected - job.report.held,
            self._pictures,
            self._rows,
            job.report.failures if zip_path else job.report.failures[:_FAILURES_WHILE_WORKING],
            time.monotonic() - self._begun,
            job.report.credits,
            report,
            str(zip_path) if zip_path else None,
            str(self.place),
            _classes(job.gathered.sources) if zip_path else {},
            self._doing,
        )

    def _keep(self, outcome: Outcome, number: int, max_pixels: int) -> None:
        made = outcome.variation
        assert made is not None
        holder = self.place / f"{number:05d}"
        holder.mkdir()
        if self._keep_full:
            full = holder / Path(made.file).name
            full.write_bytes(made.data)
            self._pictures.append((str(full), f"{made.file} · {made.engine}"))
            return
        small = shrink(made.image, PREVIEW_SIDE_PX)
        before, path = self._small_source(outcome.source, holder, max_pixels)
        details = made.details
        geometry = details.get("geometry")
        if before is not None and geometry is not None:
            before, path = _moved_alike(before, geometry, made.image.size, holder)
        self._rows.append(
            Row(
                made.file,
                outcome.source.path,
                outcome.source.sha256,
                _labels(outcome.source.label, made.labels),
                outcome.index,
                made.engine,
                made.model,
                outcome.seed,
                made.strength,
                made.prompt,
                str(details.get("donor", "")),
                _write(small, holder, "after"),
                path,
                distance(before, small) if before is not None else 0.0,
                made.image.size,
                geometry,
            )
        )

    def _small_source(self, source: Source, holder: Path, max_pixels: int) -> tuple[Any, str]:
        """Made once for all variations of a source that come one after the other."""
        if self._before[0] != source.sha256:
            try:
                small = thumbnail(source.read(), source.path, max_pixels, PREVIEW_SIDE_PX)
                self._before = (source.sha256, small, _write(small, holder, "before"))
            except (ImageError, OSError):
                self._before = (source.sha256, None, "")
        return self._before[1:]


def _moved_alike(before: Any, geometry: Mapping[str, Any], full_wh: tuple[int, int], holder: Path) -> tuple[Any, str]:
    """The small source as its variation lies, and its file; none where that fails, which must not cost the job."""
    try:
        moved = warp_from_manifest(geometry, full_wh, before.size).image(before)
    except (RuntimeError, ValueError, MemoryError):
        return None, ""
    return moved, _write(moved, holder, "before-moved")


def _write(picture: Any, holder: Path, stem: str) -> str:
    data, ending = encode_for_web(picture)
    path = holder / f"{stem}.{ending}"
    path.write_bytes(data)
    return str(path)


def _classes(sources: Sequence[Source]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for source in sources:
        for name in classes_of(source) or {""}:
            counts[name] = counts.get(name, 0) + 1
    return counts


def _labels(label: str | None, labels: Labels | None) -> tuple[str, ...]:
    if label is not None or labels is None:
        return (label,) if label else ()
    return tuple(sorted({shape.category for shape in labels.shapes}))


def _make_room(place: Path) -> None:
    try:
        place.mkdir(parents=True)
        free = shutil.disk_usage(place).free
    except OSError as error:
        raise OutputError(f"the server cannot write to its folder for results ({error.strerror or error})") from error
    if free < _LEAST_FREE_BYTES:
        raise OutputError("the server's disk is nearly full; try again later, or with fewer files")
