"""One job as the page and the API run it: inputs on disk, a ZIP, previews, and snapshots while it works."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event

from augmentai.dataset.checkpoint import Checkpoint
from augmentai.dataset.readers.gather import Gathered, gather
from augmentai.dataset.writers.base import OutputError
from augmentai.engines.base import Engine
from augmentai.pipeline.balance import classes_of
from augmentai.pipeline.job import Job, limits
from augmentai.pipeline.merge import run_part
from augmentai.pipeline.run import run_to_disk
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.types import Outcome, Source, Variation
from augmentai.web.jobs.cleanup import JOBS_FOLDER
from augmentai.web.jobs.heartbeat import run_with_heartbeat
from augmentai.web.jobs.previews import PreviewWriter
from augmentai.web.jobs.snapshot import JobProgress, JobResult, ResultRow, Snapshot
from augmentai.web.jobs.zip_packing import name_by_count, new_zip

_FAILURES_WHILE_WORKING = 50
_MIN_FREE_BYTES = 500_000_000
_MAX_ROWS = 4000  # with more variations the page shows no previews of the rest; the ZIP holds all

ReadInputs = Callable[[Path, Event], Gathered]


@dataclass(frozen=True)
class JobRequest:
    """What one job is to make.

    Attributes:
        read_inputs: called with the job's own folder and the stop event; returns the sources.
        keep_full: also write each variation at full size beside the ZIP, for `Snapshot.images`; otherwise only previews
            are written, for `Snapshot.rows`.
        first_index: number of the first variation of each source.
        checkpoint: variations of an earlier job; the ZIP is then an addition to that job's.
        admit: called once the inputs are read and before anything is made; an exception that it raises ends the job.
    """

    read_inputs: ReadInputs
    recipe: Recipe
    keep_full: bool = True
    first_index: int = 1
    checkpoint: Checkpoint | None = None
    admit: Callable[[Job], None] = lambda job: None


def read_uploads(files: Sequence[str], settings: Settings, layout: str = "auto") -> ReadInputs:
    """Inputs of an API call: uploaded files, of which only the names are known.

    Args:
        files: paths on the server.
        settings: limits on size and number.
        layout: dataset format of the upload, one of `recipe.LAYOUTS`.
    """
    bounds = limits(settings, settings.max_files)
    return lambda folder, stop: gather([Path(file) for file in files], bounds, stop=stop, layout=layout)


def run_job(
    request: JobRequest, settings: Settings, engines: Sequence[Engine], folder: Path, stop: Event
) -> Generator[Snapshot, None, None]:
    """Run a job in a new folder, in its own thread, with a heartbeat (see `run_with_heartbeat`).

    The ZIP is finished, and named in the last snapshot, even if `stop` ends the job early. If the generator is closed
    before its end, everything that the job wrote is deleted.

    Args:
        request: what to make.
        settings: limits and engine settings.
        engines: in order of preference.
        folder: the new folder is created below it.
        stop: set it to end the job after the current image.

    Yields:
        A snapshot at least every 0.4 s; the last one has the result.

    Raises:
        OutputError: the disk is full or cannot be written to.
    """
    work = _Work(request, settings, engines, folder / JOBS_FOLDER / uuid.uuid4().hex, stop)
    with closing(run_with_heartbeat(work.run(), Snapshot(), stop, settings.jobs_at_once)) as snapshots:
        for snapshot in snapshots:
            yield snapshot
            if snapshot.result is not None:  # the last; a heartbeat might repeat it
                return


class _Work:
    """A job at work in its own folder."""

    def __init__(
        self, request: JobRequest, settings: Settings, engines: Sequence[Engine], folder: Path, stop: Event
    ) -> None:
        self._request, self._settings, self._engines = request, settings, engines
        self._folder, self._stop = folder, stop
        self._start_time = time.monotonic()
        self._images: list[tuple[str, str]] = []
        self._rows: list[ResultRow] = []
        self._previews = PreviewWriter(settings.max_pixels)
        self._progress = JobProgress()
        self._finished = False

    def run(self) -> Generator[Snapshot, None, None]:
        try:
            _create_folder(self._folder)
            yield from self._make(self._request.read_inputs(self._folder, self._stop))
        except OSError as error:
            if isinstance(error, OutputError):
                raise
            raise OutputError(f"the result could not be saved on the server ({error.strerror or error})") from error
        finally:
            if not self._finished:
                shutil.rmtree(self._folder, ignore_errors=True)

    def _make(self, gathered: Gathered) -> Generator[Snapshot, None, None]:
        request, stopped_early = self._request, self._stop.is_set()  # then some files may not have been read
        job = Job(
            gathered,
            request.recipe,
            self._settings,
            self._engines,
            self._stop,
            request.first_index,
            on_progress=self._progress.update,
        )
        job.resume(request.checkpoint or Checkpoint())
        request.admit(job)
        zip_path = new_zip(self._folder)
        zip_path.parent.mkdir()
        yield self._snapshot(job)
        outcomes = run_to_disk(job, zip_path) if request.checkpoint is None else run_part(job, zip_path)
        with closing(outcomes):
            for number, outcome in enumerate(outcomes):
                if outcome.variation is not None:
                    self._keep(outcome, outcome.variation, number)
                yield self._snapshot(job)
        job.report.stopped = job.report.stopped or stopped_early
        self._finished = True
        zip_path = name_by_count(zip_path, job.report.variations - job.report.resumed)
        classes = _images_per_class(job.plan.sources)
        result = JobResult(job.plan, job.report.as_dict(), zip_path, self._folder, classes)
        yield replace(self._snapshot(job), failures=job.report.failures, result=result)

    def _keep(self, outcome: Outcome, variation: Variation, number: int) -> None:
        """Write what the page or the API shows of a variation, beside the ZIP."""
        if not self._request.keep_full and number >= _MAX_ROWS:
            return
        folder = self._folder / f"{number:05d}"
        folder.mkdir()
        if self._request.keep_full:
            path = folder / Path(variation.file).name
            path.write_bytes(variation.data)
            self._images.append((str(path), f"{variation.file} · {variation.engine}"))
        else:
            self._rows.append(self._previews.write(outcome, variation, folder))

    def _snapshot(self, job: Job) -> Snapshot:
        report = job.report
        return Snapshot(
            done=report.variations - report.resumed,
            expected=job.plan.total - report.resumed,
            images=self._images,
            rows=self._rows,
            failures=report.failures[:_FAILURES_WHILE_WORKING],
            seconds=time.monotonic() - self._start_time,
            credits=report.credits,
            progress=self._progress,
        )


def _images_per_class(sources: Sequence[Source]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for source in sources:
        for name in classes_of(source) or {""}:
            counts[name] = counts.get(name, 0) + 1
    return counts


def _create_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise OutputError(f"the server cannot write to its results folder ({error.strerror or error})") from error
    if free < _MIN_FREE_BYTES:
        raise OutputError("the server's disk is nearly full; try again later or with fewer files")
