"""One job as the page and the API run it: inputs on disk, a ZIP, previews, and snapshots while it works."""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from zipfile import ZipFile

from augmentai.dataset.checkpoint import Checkpoint
from augmentai.dataset.lift_file import LiftFile
from augmentai.dataset.readers.gather import Gathered, gather
from augmentai.dataset.writers.base import OutputError
from augmentai.engines.base import Engine
from augmentai.pipeline.job import Job, limits
from augmentai.pipeline.merge import run_part
from augmentai.pipeline.paid_folder import may_charge
from augmentai.pipeline.run import made_in, receive_rest, run_record_for, run_to_disk
from augmentai.recipe import Recipe, RecipeError
from augmentai.settings import Settings
from augmentai.types import Outcome, SourceKey, Variation
from augmentai.web.jobs.cleanup import JOBS_FOLDER, Lease, create_job_folder
from augmentai.web.jobs.heartbeat import run_with_heartbeat
from augmentai.web.jobs.job_classes import class_names_of, images_per_class
from augmentai.web.jobs.paid_jobs import PaidJob, request_digest
from augmentai.web.jobs.previews import PreviewWriter
from augmentai.web.jobs.snapshot import JobProgress, JobResult, ResultRow, Snapshot
from augmentai.web.jobs.stored_result import read_result, write_result
from augmentai.web.jobs.uploads import INPUT_FOLDERS
from augmentai.web.jobs.zip_packing import name_by_count, new_zip

_FAILURES_WHILE_WORKING = 50
_LONGEST_WAIT_SECONDS = 60.0  # for the reader of a result
_MAX_PREVIEWS = 20_000  # more variations have no small images: the page shows their names, and one when it is opened

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
        ended: called when the job is over, after the last of its requests was answered or given up.
        visitor: who finds again what an interrupted job has paid for, see `paid_jobs.visitor_folder`.
        paid: the folder of what the job has paid for already, if it completes an earlier one.
        has_inputs: the inputs are in the job's folder, from which it can be resumed.
        needed: uploads and earlier results that it reads; they do not expire meanwhile.
        lift: what was measured on the inputs with this recipe, for the card; None if nothing was.
        refuse_nothing: the reason why a job is not run whose plan has no variation; "": it is run.
        ending: set when the server is to end. Nobody may come to fetch the result, so the same request gets all of it.
    """

    read_inputs: ReadInputs
    recipe: Recipe
    keep_full: bool = True
    first_index: int = 1
    checkpoint: Checkpoint | None = None
    admit: Callable[[Job], None] = lambda job: None
    ended: Callable[[], None] = lambda: None
    visitor: str = ""
    paid: Path | None = None
    has_inputs: bool = False
    needed: Sequence[str | Path] = ()
    lift: LiftFile | None = None
    refuse_nothing: str = ""
    ending: Event = field(default_factory=Event)


def read_uploads(files: Sequence[str], settings: Settings, layout: str = "auto") -> ReadInputs:
    """Inputs of an API call: paths on the server, of which only the names are known. layout: as for `gather`."""
    bounds = limits(settings, settings.max_files)
    return lambda folder, stop: gather([Path(file) for file in files], bounds, stop=stop, layout=layout)


def run_job(
    request: JobRequest, settings: Settings, engines: Sequence[Engine], folder: Path, stop: Event
) -> Generator[Snapshot, None, None]:
    """Run a job in a new folder, in its own thread, with a heartbeat (see `run_with_heartbeat`).

    The ZIP is finished, and named in the last snapshot, even if `stop` or a full disk ends the job early. If the
    generator is closed before its end, what the job wrote is deleted, but not what it has paid for (see `paid_jobs`):
    what is in flight then is waited for and kept too. A paid result that was announced and never fetched is the answer
    to the same request.

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
    lease = Lease(folder, settings.keep_hours, [*request.needed, work.folder])
    with closing(run_with_heartbeat(work.run(), Snapshot(), stop, settings.jobs_at_once)) as snapshots:
        try:
            for snapshot in snapshots:
                lease.renew(*work.paid_folders)
                if snapshot.result is not None:  # the last; a heartbeat might repeat it
                    work.is_read = True
                    work.reader_is_done.set()
                    yield snapshot
                    return
                yield snapshot
        finally:
            work.reader_is_done.set()  # before the job is stopped: so it knows that nobody asked for only a part


class _Work:
    """A job at work in its own folder.

    Attributes:
        folder: its own.
        is_read: its result has reached a reader.
        reader_is_done: the reader has the result, or has left without it.
    """

    def __init__(
        self, request: JobRequest, settings: Settings, engines: Sequence[Engine], folder: Path, stop: Event
    ) -> None:
        self._request, self._settings, self._engines = request, settings, engines
        self.folder, self._stop = folder, stop
        self._start_time = time.monotonic()
        self._images: list[tuple[str, str]] = []
        self._rows: list[ResultRow] = []
        self._previews: PreviewWriter | None = None
        self._progress = JobProgress()
        self._finished = self._is_partial = False  # partial: the same request continues it
        self._is_announced = self._is_repeated = False  # repeated: an earlier job has made the result
        self._paid: PaidJob | None = None
        self._settled: list[tuple[SourceKey, int]] = []  # in the ZIP, or rejected for good
        self.is_read = False
        self.reader_is_done = Event()

    @property
    def paid_folders(self) -> list[Path]:
        """The folder of what it pays for, if it may cost anything."""
        return [self._paid.folder.path] if self._paid is not None else []

    def run(self) -> Generator[Snapshot, None, None]:
        try:
            create_job_folder(self.folder)
            yield from self._make(self._request.read_inputs(self.folder, self._stop))
        except OSError as error:
            if isinstance(error, OutputError):
                raise
            raise OutputError(f"the result could not be saved on the server ({error.strerror or error})") from error
        finally:
            self._close()
            self._request.ended()

    def _close(self) -> None:
        """Delete what nobody will ask for: all that an abandoned job wrote, but not what it has paid for."""
        if self._finished and not self._is_announced:
            self.reader_is_done.wait(_LONGEST_WAIT_SECONDS)
            self._finished = self.is_read
        keeps_inputs = False
        if self._paid is not None:
            if not self._finished:
                keeps_inputs = self._request.has_inputs and self._paid.folder.has_answers and not self._is_repeated
            self._paid.close()
        if self._finished:
            return
        for path in list(self.folder.iterdir()) if keeps_inputs else []:
            if path.name not in INPUT_FOLDERS:
                shutil.rmtree(path, ignore_errors=True)
        if not keeps_inputs:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _make(self, gathered: Gathered) -> Generator[Snapshot, None, None]:
        request, stopped_early = self._request, self._stop.is_set()  # then some files may not have been read
        zip_path = new_zip(self.folder)
        job = self._paid_job(gathered, zip_path)
        if request.refuse_nothing and gathered.sources and not job.plan.total:
            raise RecipeError(request.refuse_nothing)
        if (earlier := self._announced_before(job)) is not None:
            yield earlier
            return
        credits_before = job.ledger.charged
        request.admit(job)
        zip_path.parent.mkdir()
        classes = images_per_class(job.plan.sources)
        self._previews = PreviewWriter(self._settings.max_pixels, class_names_of(gathered, classes))
        yield self._snapshot(job)
        outcomes = (
            run_to_disk(job, zip_path, ledger=job.ledger) if request.checkpoint is None else run_part(job, zip_path)
        )
        try:
            yield from self._work(job, outcomes)
        except OSError as error:
            self._keep_what_fits(job, zip_path, error)
        missing = job.report.variations < job.plan.total
        self._is_partial = self._is_partial or (missing and job.ledger.cut_short)
        disk_was_full = job.report.stopped or (missing and job.ledger.disk_is_full)
        job.report.stopped = disk_was_full or stopped_early
        self._finished = True
        zip_path = name_by_count(zip_path, job.report.variations - job.report.resumed)
        paid = self._paid.folder.path if self._paid is not None else None
        report = job.report.as_dict()
        result = JobResult(job.plan, report, zip_path, self.folder, classes, paid, credits_before, self._settled)
        yield self._announce(replace(self._snapshot(job), failures=job.report.failures, result=result))

    def _announce(self, last: Snapshot) -> Snapshot:
        """From now on the same request gets this result, until it was fetched."""
        assert last.result is not None
        request = self._request
        was_left = last.result.report["stopped"] and self.reader_is_done.is_set()
        is_complete = not (self._is_partial or was_left or request.ending.is_set())
        if self._paid is not None and last.credits and is_complete and request.checkpoint is None:
            with suppress(OSError):  # the disk is full: the same request makes the result again, from the paid answers
                write_result(last)
                self._paid.announce(self.folder)
                self._is_announced = True
        return replace(last, result=replace(last.result, is_complete=is_complete and not self._has_own_seed))

    def _announced_before(self, job: Job) -> Snapshot | None:
        """A result of the same request that was announced and not fetched."""
        if self._paid is None:
            return None
        if self._request.checkpoint is not None:  # what is added to it makes it another result
            self._paid.announce(None)
            return None
        folder = self._paid.announced(self.folder.parent)
        found = read_result(folder, job.plan, self._paid.folder.path) if folder is not None else None
        if found is None or found.result is None:
            return None
        self._is_repeated = True
        return replace(found, result=replace(found.result, is_complete=not self._has_own_seed))

    @property
    def _has_own_seed(self) -> bool:
        """Whether the visitor asked for a seed, and so for the same images each time."""
        return self._request.recipe.seed != 0 and self._request.paid is None

    def _paid_job(self, gathered: Gathered, zip_path: Path) -> Job:
        """The job, with the ledger and the answers of the interrupted one that it continues, if there is one."""
        request = self._request
        if not may_charge(self._engines, request.recipe):
            return self._job(gathered, request.recipe)
        root, inputs = self.folder.parent.parent, self.folder if request.has_inputs else None
        asked = request_digest(request.recipe, gathered, request.first_index)
        if request.paid is not None and request.paid.is_dir():
            self._paid = PaidJob.again(request.paid)
        else:
            self._paid = PaidJob.begin(root, request.visitor, asked, inputs)
        job = self._job(gathered, self._paid.recipe_or(request.recipe) if request.paid is None else request.recipe)
        try:
            ledger = self._paid.open(run_record_for(job, (), zip_path), zip_path)
        except OutputError:  # its model or its labels are others now: what it paid for is of no use here
            self._paid.close()
            self._paid = PaidJob.new(root, request.visitor, asked, inputs)
            job = self._job(gathered, request.recipe)
            ledger = self._paid.open(run_record_for(job, (), zip_path), zip_path)
        job.resume(request.checkpoint or Checkpoint(), ledger)
        self._settled += [(s.key, i) for s in job.plan.sources for i in job.plan.indices(s.key) if job.has(s, i)]
        return job

    def _job(self, gathered: Gathered, recipe: Recipe) -> Job:
        request = self._request
        job = Job(
            gathered,
            recipe,
            self._settings,
            self._engines,
            self._stop,
            request.first_index,
            on_progress=self._progress.update,
            lift=request.lift,
        )
        job.resume(request.checkpoint or Checkpoint())
        return job

    def _work(self, job: Job, outcomes: Generator[Outcome, None, None]) -> Generator[Snapshot, None, None]:
        with closing(outcomes):
            try:
                for number, outcome in enumerate(outcomes):
                    if outcome.variation is not None:
                        self._keep(outcome, outcome.variation, number)
                    if outcome.ok or outcome.rejections:
                        self._settled.append((outcome.source.key, outcome.index))
                    del outcome
                    yield self._snapshot(job)
            except (GeneratorExit, OSError):  # the visitor has left, or the disk is full
                receive_rest(job, outcomes)
                raise

    def _keep_what_fits(self, job: Job, zip_path: Path, error: OSError) -> None:
        """The disk is full: the result is what the ZIP holds. Raises the error if it holds nothing."""
        earlier = self._request.checkpoint.engines if self._request.checkpoint is not None else Counter[str]()
        made = made_in(zip_path)
        if not made:
            raise error
        job.report.recount(made + earlier)
        job.report.stopped = self._is_partial = True
        words = str(error) if isinstance(error, OutputError) else f"{error.strerror or error}"
        place = f"{zip_path.parent}{os.sep}"
        job.report.notice(f"Stopped, since the result could not be saved: {words.replace(place, '')}")
        with ZipFile(zip_path) as archive:
            kept = set(archive.namelist())
        self._rows = [row for row in self._rows if row.file in kept]
        self._images = [(path, caption) for path, caption in self._images if caption.rsplit(" · ", 1)[0] in kept]

    def _keep(self, outcome: Outcome, variation: Variation, number: int) -> None:
        """Write what the page or the API shows of a variation, beside the ZIP."""
        if not self._request.keep_full and number >= _MAX_PREVIEWS:
            assert self._previews is not None
            self._rows.append(self._previews.count(outcome, variation))
            return
        folder = self.folder / f"{number:05d}"
        folder.mkdir()
        if self._request.keep_full:
            path = folder / Path(variation.file).name
            path.write_bytes(variation.data)
            self._images.append((str(path), f"{variation.file} · {variation.engine}"))
        else:
            assert self._previews is not None
            self._rows.append(self._previews.write(outcome, variation, folder))

    def _snapshot(self, job: Job) -> Snapshot:
        report = job.report
        return Snapshot(
            done=report.variations - report.resumed,
            expected=job.left_to_make,
            images=self._images,
            rows=self._rows,
            failures=report.first_failures(_FAILURES_WHILE_WORKING),
            seconds=time.monotonic() - self._start_time,
            credits=report.credits,
            progress=self._progress,
        )
