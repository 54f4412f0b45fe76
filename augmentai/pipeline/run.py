"""A job written to disk: a folder or a ZIP with its recipe, its images as they finish, the manifest, and the card."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from threading import Event
from typing import IO
from zipfile import BadZipFile, ZipFile

from augmentai.annotations import LabelError
from augmentai.backbone import BackboneError
from augmentai.dataset.atomic_files import OutputError
from augmentai.dataset.checkpoint import Checkpoint, PaidFailures, read_checkpoint
from augmentai.dataset.contact_sheet import draw_contact_sheet
from augmentai.dataset.dataset_card import count_dataset, dataset_title, render_card
from augmentai.dataset.diversity import Diversity, measure_diversity
from augmentai.dataset.lift_file import LIFT_FILE, LiftFile, LiftFileError
from augmentai.dataset.manifest import CARD, MANIFEST, PAID_ANSWERS, RUN_LEDGER, SHEET, is_made
from augmentai.dataset.run_record import RunRecord, SetDigests, differences
from augmentai.dataset.writers.base import Writer, writer_for
from augmentai.dataset.writers.earlier_run import read_run
from augmentai.dataset.writers.output_set import SetAround
from augmentai.dataset.writers.zip_sidecar import paid_folder_of
from augmentai.engines.run_ledger import RunLedger
from augmentai.images import ImageError
from augmentai.pipeline.job import Job
from augmentai.pipeline.paid_folder import PaidFolder, may_charge
from augmentai.pipeline.plan_record import record_of_plan
from augmentai.pipeline.recorded_labels import RecordedLabels
from augmentai.storage import Place
from augmentai.system.memory import Tidying, use_one_arena
from augmentai.system.regular_files import open_regular
from augmentai.types import Outcome, SourceKey


def run_record_for(job: Job, inputs: Iterable[Place], out: Place) -> RunRecord:
    """What `recipe.yaml` will say of a job.

    Args:
        job: the job.
        inputs: the files and folders that were named.
        out: the folder or ZIP it is written to.
    """
    gathered = job.gathered
    digests = SetDigests.of(gathered.sources, gathered.holdout, gathered.labels_sha256)
    return record_of_plan(job.plan, digests, job.engines, inputs, out)


def run_to_disk(
    job: Job, out: Path, inputs: Iterable[Place] = (), ledger: RunLedger | None = None
) -> Generator[Outcome, None, None]:
    """Run a job into a new or empty folder, the folder of an interrupted run, or a new ZIP.

    A folder that holds the beginning of the same run is resumed: finished variations are not made again, and count in
    the report. The card and the contact sheet are added when the job has ended; a ZIP gets them even if it was stopped.
    What is paid for on the way to a ZIP is in a folder beside it until the ZIP is complete.

    Args:
        job: the job.
        out: a folder, or a ZIP.
        inputs: the files and folders that were named.
        ledger: of a run into a ZIP, if the caller keeps one; its answers are the caller's to remove.

    Yields:
        Each outcome once it is on disk.

    Raises:
        OutputError: the output cannot be written, or holds something else.
    """
    use_one_arena()
    record = run_record_for(job, inputs, out)
    is_zip = out.suffix.lower() == ".zip"
    beside = PaidFolder(paid_folder_of(out)) if is_zip and ledger is None else None
    is_open = False
    try:
        if beside is not None:
            beside.belongs_to(record, out)
        with writer_for(out, record, job.gathered.sources) as writer:
            is_open = True
            if beside is not None and (may_charge(job.engines, job.recipe) or beside.has_paid):
                ledger = beside.open(record, out)
            elif not is_zip:
                ledger = _ledger_in(out, writer.checkpoint)
            job.resume(writer.checkpoint, ledger)
            if beside is not None and (stored := job.left_to_make - job.left_to_buy):
                its = "its image is" if stored == 1 else f"its {stored:,} images are"
                job.report.notice(f"an interrupted run had paid already: {its} used and not bought again")
            yield from write_run(job, writer, record, resumable=not is_zip, forget=not is_zip)
    except OutputError as error:
        if not is_open:
            raise
        job.report.recount(made_in(error.result or out))
        if beside is None or not beside.has_answers:
            raise
        raise OutputError(f"{error}; {_answers_in(beside)}") from error
    finally:
        if beside is not None and is_open and not beside.has_paid:
            beside.remove()
    if beside is not None and beside.has_paid:
        _close(beside, job, out)


def _close(beside: PaidFolder, job: Job, out: Path) -> None:
    """Remove what was paid for once the ZIP is complete; else say where it is."""
    missing = job.ledger.cut_short and job.report.variations < job.plan.total
    if job.report.stopped or missing:
        job.report.notice(f"{_answers_in(beside)}, once {out} is moved away")
    else:
        beside.remove()


def look_ahead(job: Job, out: Path, inputs: Iterable[Place] = ()) -> None:
    """Let a job know what an interrupted run has left at its output, and write nothing: for a dry run.

    Args:
        job: the job; `Job.left_to_buy` and `Job.estimate_of_rest` then say what is left.
        out: the folder or ZIP that it would write to.
        inputs: the files and folders that were named.

    Raises:
        OutputError: the run there cannot be read.
    """
    is_zip = out.suffix.lower() == ".zip"
    folder = paid_folder_of(out) if is_zip else out
    before = read_run(folder)
    if before is None or differences(before, run_record_for(job, inputs, out)):
        return  # a new run, or one that will be refused with the difference
    ledger = RunLedger(folder / RUN_LEDGER, folder / PAID_ANSWERS)
    paid = PaidFailures(before.recipe.paid_retries, ledger.answers.variations())
    job.resume(Checkpoint() if is_zip else read_checkpoint(folder, job.plan.sources, paid), ledger)


def write_run(
    job: Job, writer: Writer, record: RunRecord, resumable: bool, forget: bool
) -> Generator[Outcome, None, None]:
    """Write a whole run by an open writer.

    Args:
        job: the job, which knows what was made before.
        writer: of its output.
        record: what the run was asked to do.
        resumable: a stop leaves the rest to the run that resumes this one.
        forget: a paid answer may go as soon as the writer has its variation; a ZIP is only there at its end.

    Yields:
        Each outcome once the writer has it.

    Raises:
        OutputError: the output cannot be written.
    """
    answers = job.ledger.answers
    if resumable:
        answers.tidy(_finished(job, writer.checkpoint))
    is_open = False
    tidying = Tidying()
    with closing(job.run()) as outcomes:
        for outcome in outcomes:
            if not is_open and (outcome.ok or job.report.resumed):  # a run that makes nothing leaves nothing
                copy_originals(writer, job.output, job.stop if resumable else None)
                is_open = True
            try:
                writer.add(outcome)
            except OutputError:
                receive_rest(job, outcomes)
                raise
            if forget and (outcome.ok or outcome.rejections):  # else its answer can still become an image
                answers.forget(outcome.source.key, outcome.index)
            yield outcome
            pixels = outcome.pixels
            del outcome
            tidying.made(pixels)
    if job.report.variations:
        if not is_open:
            copy_originals(writer, job.output)
        write_label_lists(writer, job.output)
    if not job.report.stopped or not resumable:
        report = job.report
        if job.lift is not None:
            writer.write(LIFT_FILE, job.lift.data)
        report.lift = measured_in(writer)
        notices = report.money_notices()
        report.diversity = describe_set(writer, job.output, record, job.settings.max_pixels, report.credits, *notices)


def receive_rest(job: Job, outcomes: Iterator[Outcome]) -> None:
    """Stop a job whose outcomes nobody can take any more. Requests in flight are paid for, so that their answers are
    waited for and stored; see `PaidAnswers`.

    Args:
        job: the job.
        outcomes: what `Job.run` returned.
    """
    job.stop.set()
    if job.ledger.committed():
        deque(outcomes, 0)


def _answers_in(paid: PaidFolder) -> str:
    return f"what was paid for is in {paid.path}, and the same command finds it there and does not buy it again"


def made_in(out: Path) -> Counter[str]:
    """How many variations each engine made, by the manifest of a run that could not be written to its end.

    Args:
        out: its folder or ZIP, however that is called; it need not exist.
    """
    try:
        with ExitStack() as stack:
            if not out.is_dir():
                lines: IO[bytes] = stack.enter_context(
                    stack.enter_context(ZipFile(stack.enter_context(open_regular(out)))).open(MANIFEST)
                )
            else:
                lines = stack.enter_context(open_regular(out / MANIFEST))
            entries = [json.loads(line) for line in lines]
        return Counter(str(entry["engine"]) for entry in entries if is_made(entry))
    except (OSError, BadZipFile, KeyError, ValueError):
        return Counter()


def _finished(job: Job, checkpoint: Checkpoint) -> Iterator[tuple[SourceKey, int]]:
    """The variations that an earlier run has made."""
    for source in job.plan.sources:
        for index in job.plan.indices(source.key):
            if (source, index) in checkpoint:
                yield source.key, index


def _ledger_in(out: Path, checkpoint: Checkpoint) -> RunLedger:
    """The ledger of the run in a folder, which its writer has locked."""
    ledger = RunLedger(out / RUN_LEDGER, out / PAID_ANSWERS)
    if not (ledger.is_resumed or ledger.fault):
        ledger.adopt(checkpoint.credits, checkpoint.unsettled_credits)
    return ledger


def copy_originals(writer: Writer, output: SetAround, stop: Event | None = None) -> None:
    """Add originals and all other files that do not depend on variations; missing ones are reported and skipped.

    Args:
        writer: of the output.
        output: names the files and reads them.
        stop: set to leave the rest to the run that resumes this one; a ZIP cannot be resumed.
    """
    for copied in output.files_before():
        if stop is not None and stop.is_set():
            return
        if writer.has(copied.path, copied.size_bytes):
            continue
        try:
            data = copied.read()
        except (LabelError, ImageError, OSError) as error:
            output.skip(copied, error)
            continue
        if copied.link is not None:
            writer.link(copied.path, copied.link)
        else:
            writer.write(copied.path, data)


def write_label_lists(writer: Writer, output: SetAround) -> None:
    """Add the files that list all images of the set, such as COCO's JSON.

    Args:
        writer: of the output, with all variations.
        output: makes the lists.
    """
    for file, pieces in output.files_after(writer.entries()):
        writer.write(file, pieces)


def describe_set(
    writer: Writer, output: SetAround, record: RunRecord, max_pixels: int, credits: float = 0.0, *notices: str
) -> Diversity | None:
    """Add what is only known at the end: the card and the contact sheet.

    Args:
        writer: of the output, with all variations.
        output: the set around the variations.
        record: what the run was asked to do.
        max_pixels: larger images are not decoded for the contact sheet.
        credits: what it cost by the run's ledger; the manifest may say less.
        notices: what the ledger does not know for certain.

    Returns:
        How much the variations differ, as the card says it; None if that could not be measured.
    """
    counts = count_dataset(writer.entries(), output.sources, output.original)
    counts.credits, counts.money_notices = max(credits, counts.credits), notices
    labels = RecordedLabels(output.sources, record.recipe, max_pixels)
    drawn = draw_contact_sheet(
        writer.entries(),
        output.sources,
        writer.read,
        dataset_title(record),
        max_pixels,
        labels.of,
        output.class_names,
    )
    if drawn is not None:
        writer.write(SHEET, drawn)
    try:
        diversity = measure_diversity(writer.entries(), output.sources, writer.read, max_pixels)
    except BackboneError:
        diversity = None  # an installation without its weights still makes datasets
    writer.write(CARD, render_card(record, counts, drawn is not None, measured_in(writer), diversity))
    return diversity


def measured_in(writer: Writer) -> LiftFile | None:
    """What an output says was measured on its set; None if nothing, or if the file was damaged since."""
    try:
        return LiftFile.parse(writer.read(LIFT_FILE))
    except (LiftFileError, OSError, KeyError):
        return None
