"""A job written to whatever place is named: a folder or ZIP of this machine, or a URL."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Generator, Iterable
from pathlib import Path

from augmentai.dataset.atomic_files import OutputError
from augmentai.dataset.checkpoint import Checkpoint, PaidFailures, kept_lines
from augmentai.dataset.manifest import is_made
from augmentai.dataset.run_record import differences
from augmentai.dataset.writers.store_run import StoredRun
from augmentai.dataset.writers.store_writer import StoreWriter
from augmentai.engines.run_ledger import RunLedger
from augmentai.pipeline.job import Job
from augmentai.pipeline.paid_folder import PaidFolder, may_charge
from augmentai.pipeline.run import look_ahead, run_record_for, run_to_disk, write_run
from augmentai.storage import Place, Store
from augmentai.types import Outcome


def run_to_place(job: Job, out: Place, inputs: Iterable[Place] = ()) -> Generator[Outcome, None, None]:
    """Run a job into a folder or ZIP, or to a URL, where the same command resumes it too.

    What is paid for on the way to a URL is in the state folder of this machine until the run is complete.

    Args:
        job: the job.
        out: a new or empty folder, that of an interrupted run, or a new ZIP.
        inputs: the files, folders and URLs that were named.

    Yields:
        Each outcome once it is on disk, or on its way to the store.

    Raises:
        OutputError: the output cannot be written, or holds something else.
    """
    if isinstance(out, Path):
        yield from run_to_disk(job, out, inputs)
        return
    _check_no_zip(out)
    record = run_record_for(job, inputs, out)
    paid = _paid_folder(job, out)
    paid.belongs_to(record, out.url)
    answers = paid.ledger().answers.variations()
    writer = StoreWriter(out, record, job.gathered.sources, answers)
    complete = False
    try:
        with writer:
            ledger = RunLedger()
            if may_charge(job.engines, job.recipe) or paid.has_paid:
                ledger = paid.open(record, out.url)
            if not (ledger.is_resumed or ledger.fault):
                ledger.adopt(writer.checkpoint.credits, writer.checkpoint.unsettled_credits)
            job.resume(writer.checkpoint, ledger)
            yield from write_run(job, writer, record, resumable=True, forget=False)
        complete = not (job.report.stopped or job.ledger.cut_short)
    except OutputError as error:
        job.report.recount(_made_at(out))
        if not paid.has_answers:
            raise
        raise OutputError(f"{error}; what was paid for is in {paid.path}, and the same command finds it") from error
    finally:
        if complete or not paid.has_paid:
            paid.remove()


def look_ahead_to(job: Job, out: Place, inputs: Iterable[Place] = ()) -> None:
    """Let a job know what an interrupted run has left at its output, and write nothing: for a dry run.

    Args:
        job: the job.
        out: the folder, ZIP or URL that it would write to.
        inputs: the files, folders and URLs that were named.

    Raises:
        OutputError: the run there cannot be read.
    """
    if isinstance(out, Path):
        look_ahead(job, out, inputs)
        return
    _check_no_zip(out)
    run = StoredRun(out)
    if run.record is None or differences(run.record, run_record_for(job, inputs, out)):
        return
    checkpoint, ledger = Checkpoint(job.plan.sources), _paid_folder(job, out).ledger()
    paid = PaidFailures(run.record.recipe.paid_retries, ledger.answers.variations())
    for _ in kept_lines(run.lines(), checkpoint, paid, run.are_complete):
        continue
    job.resume(checkpoint, ledger)


def _check_no_zip(out: Store) -> None:
    if out.url.lower().endswith(".zip"):
        raise OutputError(f"{out.url}: a ZIP is written on this machine alone; name a folder in the store")


def _paid_folder(job: Job, out: Store) -> PaidFolder:
    name = hashlib.sha256(out.url.encode()).hexdigest()[:20]
    return PaidFolder(job.settings.state.expanduser() / "paid" / name)


def _made_at(out: Store) -> Counter[str]:
    """How many variations each engine made, by the manifest in the store."""
    try:
        entries = [json.loads(line) for line in StoredRun(out).lines()]
        return Counter(str(entry["engine"]) for entry in entries if is_made(entry))
    except (OSError, KeyError, ValueError):
        return Counter()
