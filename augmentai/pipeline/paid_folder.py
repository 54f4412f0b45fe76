"""A folder for what a run has paid for, apart from its result: a ZIP cannot hold it, and a page's job may go."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from augmentai.dataset.atomic_files import OutputError, encode_text, reason_of
from augmentai.dataset.manifest import PAID_ANSWERS, RECIPE_FILE, RUN_LEDGER
from augmentai.dataset.run_record import RunRecord, differences
from augmentai.dataset.writers.earlier_run import read_run
from augmentai.dataset.writers.folder import different_zip_run
from augmentai.engines.base import Engine
from augmentai.engines.run_ledger import RunLedger
from augmentai.recipe import Recipe


class PaidFolder:
    """The record of a run, its ledger and its paid answers, there from before the first request.

    It stays until the result is complete: a run that is killed or stopped finds its answers here and does not buy them
    again.

    Args:
        path: the folder; created by `open`.

    Attributes:
        path: the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def open(self, record: RunRecord, out: Path | str) -> RunLedger:
        """Create the folder for a run, or continue that of the same run.

        Args:
            record: the run.
            out: what it writes to, for the message.

        Returns:
            The run's ledger, with its answers.

        Raises:
            OutputError: it holds what another run has paid for, or cannot be written.
        """
        if not self.belongs_to(record, out):
            self.remove()
            self.write_record(record)
        return self.ledger()

    def write_record(self, record: RunRecord) -> None:
        """Write down the run that this folder belongs to. Raises OutputError."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            (self.path / RECIPE_FILE).write_bytes(encode_text(record.to_yaml()))
        except OSError as error:
            raise OutputError(
                f"{self.path}, where paid answers are kept, cannot be written ({reason_of(error)}); make room"
            ) from error

    def belongs_to(self, record: RunRecord, out: Path | str) -> bool:
        """Whether the folder is that of this run already.

        Raises:
            OutputError: it holds what another run has paid for.
        """
        before = read_run(self.path)
        found = differences(before, record) if before is not None else []
        if found and self.has_paid:
            raise different_zip_run(out, self.path, found)
        return before is not None and not found

    def ledger(self) -> RunLedger:
        """The run's ledger as it is on disk."""
        return RunLedger(self.path / RUN_LEDGER, self.path / PAID_ANSWERS)

    @property
    def has_paid(self) -> bool:
        """Whether a request was made."""
        return (self.path / RUN_LEDGER).exists()

    @property
    def has_answers(self) -> bool:
        """Whether it holds answers that have not reached a result."""
        return bool(self.ledger().answers.variations())

    def remove(self) -> None:
        """Delete it; to be called once the result is complete."""
        shutil.rmtree(self.path, ignore_errors=True)


def may_charge(engines: Sequence[Engine], recipe: Recipe) -> bool:
    """Whether a job may cost credits.

    Args:
        engines: those of the job.
        recipe: what to make.
    """
    return any(engine.paid and engine.serves(recipe.engine) and engine.readiness().configured for engine in engines)
