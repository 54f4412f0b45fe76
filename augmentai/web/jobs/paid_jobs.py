"""What jobs of the page and the API have paid for, in folders that outlive the jobs' own.

A job that is interrupted (its visitor leaves, the disk is full, the server ends) leaves its ledger and its paid answers
here until they expire, and so does a job whose result was announced and not fetched. Only whoever started it finds them
again, by the same request or from the page.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from augmentai.dataset.atomic_files import OutputError, reason_of
from augmentai.dataset.readers.gather import Gathered
from augmentai.dataset.run_record import RunRecord
from augmentai.dataset.writers.earlier_run import read_run
from augmentai.dataset.writers.output_lock import OutputLock
from augmentai.engines.run_ledger import RunLedger
from augmentai.pipeline.paid_folder import PaidFolder
from augmentai.recipe import Recipe
from augmentai.types import SourceKey
from augmentai.web.jobs.cleanup import PAID_JOBS

_REQUEST = "request.json"  # what was asked for; there until its result was handed over
_RESULT = "result"  # in it: the folder of the job whose result was announced
_SERVER = "server"  # likewise: the server that announced it
_THIS_SERVER = secrets.token_hex(8)
_DONE = "request-done.json"
_LOCK = "lock"
_WAIT_SECONDS = 10.0  # a job that has just handed over its result is tidied
_SHORT_WAIT_SECONDS = 0.5  # likewise, if it may as well be at work


class PaidJob:
    """The folder of one job, locked while it works.

    Attributes:
        folder: its record, ledger and answers.

    Args:
        path: the folder, which exists.
        wait_seconds: for it to end its work.

    Raises:
        OutputError: the job is at work.
    """

    def __init__(self, path: Path, wait_seconds: float = 0.0) -> None:
        self.folder = PaidFolder(path)
        self._lock = OutputLock(path / _LOCK, Path("this result"), wait_seconds)

    @classmethod
    def begin(cls, root: Path, visitor: str, asked: str, job_folder: Path | None) -> PaidJob:
        """The visitor's interrupted job that asked for the same, or a new one.

        Args:
            root: the folder for uploads and results.
            visitor: who asks; see `visitor_folder`.
            asked: see `request_digest`.
            job_folder: where the inputs are, if the job can be resumed from them.

        Raises:
            OutputError: the folder cannot be written.
        """
        for path in _jobs_of(root, visitor):
            if _request(path).get("asked") == asked:
                with suppress(OutputError, OSError):  # it is at work in another tab
                    job = cls(path, _SHORT_WAIT_SECONDS)
                    if _request(path).get("asked") == asked:
                        return job
                    job._lock.release()  # it has handed over its result meanwhile
        return cls.new(root, visitor, asked, job_folder)

    @classmethod
    def new(cls, root: Path, visitor: str, asked: str, job_folder: Path | None) -> PaidJob:
        """A new job; see `begin`."""
        path = visitor_folder(root, visitor) / secrets.token_hex(16)
        try:
            path.mkdir(mode=0o700, parents=True)
            request = {"asked": asked, "inputs": job_folder.name if job_folder else ""}
            (path / _REQUEST).write_text(json.dumps(request))
            return cls(path)
        except OutputError:
            raise
        except OSError as error:
            raise OutputError(f"the server cannot write to its results folder ({reason_of(error)})") from error

    @classmethod
    def again(cls, path: Path) -> PaidJob:
        """The job of a result that is to be completed. Raises OutputError if it is at work or has expired."""
        try:
            job = cls(path, _WAIT_SECONDS)
            with suppress(FileNotFoundError):
                (path / _DONE).rename(path / _REQUEST)
        except OutputError:
            raise
        except OSError as error:
            raise OutputError("this result has expired; make it again") from error
        return job

    def recipe_or(self, recipe: Recipe) -> Recipe:
        """The recipe of the interrupted job, with its seed; else the one that is asked for."""
        with suppress(OutputError):
            if self.folder.has_paid and (before := read_run(self.folder.path)) is not None:
                return before.recipe
        return recipe.with_seed()

    def open(self, record: RunRecord, out: Path) -> RunLedger:
        """See `PaidFolder.open`; the request stays."""
        if not self.folder.belongs_to(record, out):
            self.folder.write_record(record)
        return self.folder.ledger()

    def announced(self, jobs: Path) -> Path | None:
        """The folder of the job whose result was announced and not fetched; None if there is none.

        Args:
            jobs: the folder of all jobs.
        """
        name = str(_request(self.folder.path).get(_RESULT, ""))
        return jobs / name if name.isalnum() and (jobs / name).is_dir() else None

    def announce(self, job_folder: Path | None) -> None:
        """A result is complete: the same request gets it until it is handed over. None: it no longer is.

        Raises:
            OSError: the disk is full.
        """
        name = job_folder.name if job_folder else ""
        request = _request(self.folder.path) | {_RESULT: name, _SERVER: _THIS_SERVER if name else ""}
        part = self.folder.path / f"{_REQUEST}.part"
        part.write_text(json.dumps(request))
        os.replace(part, self.folder.path / _REQUEST)

    def close(self) -> None:
        """The job has ended. What it paid for stays if it has not reached a result, or if the result may be resumed;
        so does what it was charged for nothing, which counts when the same is asked for again."""
        keeps = self.folder.has_answers or self.folder.ledger().charged > 0
        keeps = keeps or (self.folder.has_paid and (self.folder.path / _DONE).exists())
        self._lock.release()
        if not keeps:
            self.folder.remove()
            with suppress(OSError):
                self.folder.path.parent.rmdir()  # refused as long as the visitor has other jobs


def hand_over(path: Path, settled: Iterable[tuple[SourceKey, int]]) -> None:
    """A result was fetched: a new request is a new job, and only the result itself leads to what it paid for.

    Args:
        path: the folder of the job.
        settled: the variations of the result; their answers are of no use any more.
    """
    with suppress(OSError):  # it has expired, or it is at work for the same request
        job = PaidJob(path)
        job.folder.ledger().answers.tidy(settled)
        with suppress(OSError):
            (path / _REQUEST).rename(path / _DONE)
        job.close()


def request_digest(recipe: Recipe, gathered: Gathered, first_index: int) -> str:
    """What a job asks for, its seed included if one is asked for: two requests that differ are two jobs."""
    sources = [(source.path, source.sha256) for source in gathered.sources]
    return hashlib.sha256(json.dumps([asdict(recipe), sources, first_index], default=str).encode()).hexdigest()


def visitor_folder(root: Path, visitor: str) -> Path:
    """The folder of one visitor's jobs.

    Args:
        root: the folder for uploads and results.
        visitor: what nobody else knows or has; without it, no other request leads to the folder.
    """
    return root / PAID_JOBS / hashlib.sha256((visitor or secrets.token_hex(16)).encode()).hexdigest()[:32]


class InterruptedJob:
    """A job of the page that its visitor may resume.

    Attributes:
        path: the folder of what it paid for.
        inputs: the folder that its inputs are in.
        answers: how many images are paid for and in no result.
    """

    def __init__(self, path: Path, inputs: Path) -> None:
        self.path, self.inputs = path, inputs
        self.answers = len(PaidFolder(path).ledger().answers.variations())

    def recipe(self) -> Recipe | None:
        """Its recipe, None if it cannot be read."""
        with suppress(OutputError):
            before = read_run(self.path)
            return before.recipe if before else None
        return None

    def images(self) -> Iterator[tuple[str, int, bytes]]:
        """What it paid for, as it came; see `PaidAnswers.images`."""
        return PaidFolder(self.path).ledger().answers.images()


def interrupted_job(root: Path, jobs: Path, visitor: str) -> InterruptedJob | None:
    """The visitor's latest interrupted job, or one whose result was announced by a server that has ended since.

    Args:
        root: the folder for uploads and results.
        jobs: the folder of all jobs, where inputs are.
        visitor: see `visitor_folder`.
    """
    for path in _jobs_of(root, visitor):
        name = str(_request(path).get("inputs", ""))
        inputs = jobs / name
        if not name.isalnum() or not inputs.is_dir() or _request(path).get(_SERVER) == _THIS_SERVER:
            continue
        with suppress(OutputError, OSError):
            OutputLock(path / _LOCK, path, _SHORT_WAIT_SECONDS).release()  # refused while it is at work
            found = InterruptedJob(path, inputs)
            if found.answers and found.recipe() is not None:
                return found
    return None


def _jobs_of(root: Path, visitor: str) -> list[Path]:
    """The visitor's jobs, the latest first."""
    if not visitor:
        return []
    with suppress(OSError):
        found = [path for path in visitor_folder(root, visitor).iterdir() if (path / _REQUEST).is_file()]
        return sorted(found, key=lambda path: (path / _REQUEST).stat().st_mtime, reverse=True)
    return []


def _request(path: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        found = json.loads((path / _REQUEST).read_text())
        if isinstance(found, dict):
            return found
    return {}
