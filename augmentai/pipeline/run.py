"""A job kept in a folder or a ZIP: its recipe, its pictures as they finish, the manifest, and what closes the set."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import closing
from pathlib import Path

from augmentai.annotations import LabelError
from augmentai.dataset.contact_sheet import draw_contact_sheet
from augmentai.dataset.dataset_card import count_dataset, dataset_title, render_card
from augmentai.dataset.manifest import CARD, SHEET
from augmentai.dataset.run_record import RunRecord, build_record
from augmentai.dataset.writers.base import Writer, writer_for
from augmentai.images import ImageError
from augmentai.pipeline.job import Job
from augmentai.system.memory import release_freed_memory, use_one_arena
from augmentai.system.versions import models
from augmentai.types import Outcome

_PICTURES_BETWEEN_TIDYING = 8


def run_record_for(job: Job, inputs: Iterable[Path], out: Path) -> RunRecord:
    """What `recipe.yaml` will say of a job. inputs: as they were given; out: the folder or ZIP that it goes to."""
    used = models(job.recipe.engine, job.engines)
    given = job.gathered
    labels, geometry = given.labels_sha256, str(job.geometry)
    return build_record(job.recipe, given.sources, used, inputs, out, given.holdout, labels, job.rounds, geometry)


def run_to_disk(job: Job, out: Path, inputs: Iterable[Path] = ()) -> Generator[Outcome, None, None]:
    """Do a job into a new, empty or broken-off folder, or a new ZIP. Yields each outcome when it is kept.

    A folder that holds the beginning of the same run is gone on with: what it holds is not made again, and counts in
    the report. The set is closed with its card when the job has ended; a ZIP also where it was stopped.
    Raises OutputError where the output cannot be written, or holds something else.
    """
    use_one_arena()
    record = run_record_for(job, inputs, out)
    with writer_for(out, record, job.gathered.sources) as writer:
        job.resume(writer.checkpoint)
        is_open = False
        with closing(job.run()) as outcomes:
            for number, outcome in enumerate(outcomes, 1):
                if not is_open and (outcome.ok or job.report.held):  # a run that makes nothing leaves nothing
                    open_set(writer, job)
                    is_open = True
                writer.add(outcome)
                yield outcome
                if not number % _PICTURES_BETWEEN_TIDYING:
                    release_freed_memory()
        if job.report.variations:
            if not is_open:
                open_set(writer, job)
            for file, pieces in job.output.files_after(writer.entries()):
                writer.write(file, pieces)
        if not job.report.stopped or out.suffix.lower() == ".zip":
            close(writer, job, record)


def open_set(writer: Writer, job: Job) -> None:
    """Put the originals and what else of the set hangs on no variation. What is gone by now is told and left out."""
    for file in job.output.files_before():
        if writer.has(file.path, file.size_bytes):
            continue
        try:
            data = file.read()
        except (LabelError, ImageError, OSError) as error:
            job.output.skip(file, error)
            continue
        if file.link is not None:
            writer.link(file.path, file.link)
        else:
            writer.write(file.path, data)


def close(writer: Writer, job: Job, record: RunRecord) -> None:
    """Add what can only be told at the end: the card and the contact sheet."""
    sources = job.output.sources
    counts = count_dataset(writer.entries(), sources, job.output.original)
    drawn = draw_contact_sheet(writer.entries(), sources, writer.read, dataset_title(record), job.settings.max_pixels)
    if drawn is not None:
        writer.write(SHEET, drawn)
    writer.write(CARD, render_card(record, counts, has_sheet=drawn is not None))
