"""One measurement as the page and the API run it: in its own thread with a heartbeat; it ends if its visitor leaves."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event

from augmentai.dataset.readers.gather import Gathered
from augmentai.lift import LiftReport
from augmentai.plurals import counted
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.types import Source
from augmentai.web.jobs.cleanup import JOBS_FOLDER, Lease, create_job_folder
from augmentai.web.jobs.heartbeat import run_with_heartbeat

ReadInputs = Callable[[Path, Event], Gathered]


@dataclass(frozen=True)
class LiftRequest:
    """What is to be measured.

    Attributes:
        read: called with the measurement's own folder and the stop event; returns the set.
        recipes: by name.
        name: of the set, for the report.
        read_test: likewise, images to test on in place of those of the set.
        seed: of everything that is drawn.
        needed: uploads, which do not expire meanwhile.
        admit: called with the most variations that will be made, before anything is measured; an exception that it
            raises ends it.
    """

    read: ReadInputs
    recipes: Mapping[str, Recipe]
    name: str
    read_test: ReadInputs | None = None
    seed: int = 1
    needed: Sequence[str | Path] = ()
    admit: Callable[[int], None] = lambda variations: None


@dataclass
class LiftProgress:
    """How far a measurement is. Written by its thread.

    Attributes:
        words: what is being done.
        share: of the work that is done, 0 to 1.
    """

    words: str = "reading the files"
    share: float = 0.0

    def update(self, words: str, share: float) -> None:
        """Take what `measure` reports."""
        self.words, self.share = words, share


@dataclass(frozen=True)
class LiftSnapshot:
    """A measurement at one moment; the last one has the report."""

    progress: LiftProgress = field(default_factory=LiftProgress)
    report: LiftReport | None = None


def run_lift(
    request: LiftRequest, settings: Settings, folder: Path, stop: Event
) -> Generator[LiftSnapshot, None, None]:
    """Measure, in an own thread with a heartbeat (see `run_with_heartbeat`). Credits are never spent.

    Args:
        request: what to measure.
        settings: limits.
        folder: a new folder is created below it, and deleted at the end.
        stop: set it to end the measurement.

    Yields:
        A snapshot at least every 0.4 s; the last one has the report.

    Raises:
        LiftError: nothing can be measured, or it was stopped.
        OutputError: the disk is full or cannot be written to.
    """
    own, progress = folder / JOBS_FOLDER / uuid.uuid4().hex, LiftProgress()
    lease = Lease(folder, settings.keep_hours, [*request.needed, own])
    work = _work(request, settings, own, progress, stop)
    with closing(run_with_heartbeat(work, LiftSnapshot(progress), stop, settings.jobs_at_once)) as snapshots:
        for snapshot in snapshots:
            lease.renew()
            yield snapshot
            if snapshot.report is not None:  # a heartbeat might repeat it
                return


def _work(
    request: LiftRequest, settings: Settings, own: Path, progress: LiftProgress, stop: Event
) -> Generator[LiftSnapshot, None, None]:
    from augmentai.lift import measure  # loads what only a measurement needs
    from augmentai.lift.plan import most_variations

    create_job_folder(own)
    try:
        gathered = request.read(own, stop)
        test = request.read_test(own / "test", stop) if request.read_test is not None else None
        counts = [recipe.variations for recipe in request.recipes.values()]
        request.admit(most_variations(len(gathered.sources), counts, folds=not (gathered.holdout or test)))
        report = measure(
            _all(gathered),
            request.recipes,
            test=_all(test) if test is not None else None,
            seed=request.seed,
            settings=settings,
            on_progress=progress.update,
            should_stop=stop.is_set,
        )
        yield LiftSnapshot(progress, replace(report, set=request.name, notes=(*_unread(gathered), *report.notes)))
    finally:
        shutil.rmtree(own, ignore_errors=True)


def _all(gathered: Gathered) -> list[Source]:
    return [*gathered.sources, *gathered.holdout]


def _unread(gathered: Gathered) -> list[str]:
    if not gathered.failures:
        return []
    first = gathered.failures[0]
    return [f"left out: {counted(len(gathered.failures), 'file')} that cannot be used ({first.file}: {first.reason})"]
