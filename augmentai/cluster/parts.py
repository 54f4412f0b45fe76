"""The complete shards of a plan, and the run that they are parts of."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from augmentai.cluster.errors import ClusterError, check_installed
from augmentai.cluster.plan_folder import PlanFolder, remove_left_parts
from augmentai.cluster.planned_set import check_planned, place_of, planned_inputs, planned_set, streamed_set
from augmentai.cluster.progress import status_of
from augmentai.cluster.shard_files import fetch_shard, read_stats
from augmentai.cluster.streamed_output import StreamedOutput
from augmentai.cluster.streamed_run import StreamedRun
from augmentai.cluster.unread import UnreadFiles
from augmentai.dataset.readers.streamed_set import StreamedSet
from augmentai.dataset.run_record import RunRecord
from augmentai.dataset.writers.output_set import SetAround
from augmentai.engines import available
from augmentai.pipeline.job import Job
from augmentai.pipeline.run import run_record_for
from augmentai.settings import Settings
from augmentai.storage import Place, open_store
from augmentai.types import Failure

Entry = tuple[dict[str, Any], list[tuple[str, bytes]]]  # a line of the manifest, and its files


@dataclass(frozen=True)
class Merged:
    """Progress of a merge.

    Attributes:
        done: variations in the new set so far.
        total: that all shards hold.
        failed: lines so far that say why something was not made.
    """

    done: int
    total: int
    failed: int


@dataclass(frozen=True)
class Parts:
    """The complete shards of a plan, and the run that they are parts of.

    Attributes:
        folder: the plan.
        output: the set around the variations.
        failures: files that could not be used.
        record_for: what `recipe.yaml` will say in a place.
        max_pixels: larger images are not decoded.
        total: variations that there are.
        credits: what they cost.
        unread: originals that could not be read.
    """

    folder: PlanFolder
    output: SetAround
    failures: Sequence[Failure]
    record_for: Callable[[Place], RunRecord]
    max_pixels: int
    total: int
    credits: float
    unread: UnreadFiles

    def check_originals(self) -> None:
        """Raise ClusterError if an original could not be read: it would be missing."""
        if words := self.unread.words:
            raise ClusterError(f"{words}; run the same command again")

    def entries(self) -> Iterator[Entry]:
        """Every line of every shard with its files, one shard on this disk at a time."""
        for shard in range(len(self.folder.list.shards)):
            with tempfile.TemporaryDirectory(prefix="augmentai-merge-") as name:
                yield from fetch_shard(self.folder.store, shard, Path(name)).entries()


@contextmanager
def open_parts(url: str, settings: Settings) -> Iterator[Parts]:
    """The shards of a plan, if all of them are complete.

    Args:
        url: the plan's folder.
        settings: limits and engines.

    Raises:
        ClusterError: some are not, or the plan or its set was changed.
    """
    check_installed()
    folder = PlanFolder(open_store(url))
    folder.check()
    status = status_of(folder)
    if not status.is_complete:
        why = f" ({next(iter(status.failed.values()))})" if status.failed else ""
        raise ClusterError(f"{status.words}{why}; run: augmentai run-shards {url}")
    remove_left_parts(folder)
    unread = UnreadFiles()
    found = streamed_set(folder, settings)
    with found.table if found is not None else nullcontext():
        around = _in_memory(folder, settings, unread) if found is None else _streamed(folder, settings, unread, found)
        for shard in range(status.shards):
            stats = read_stats(folder.store, shard)
            for words in stats.losses if stats is not None else ():
                around[0].losses.setdefault(words)
        yield Parts(folder, *around, settings.max_pixels, status.variations, status.credits, unread)


_Around = tuple[SetAround, Sequence[Failure], Callable[[Place], RunRecord]]


def _in_memory(folder: PlanFolder, settings: Settings, unread: UnreadFiles) -> _Around:
    job = Job(planned_set(folder, settings, unread), folder.record.recipe, settings, available(settings))
    return job.output, job.gathered.failures, partial(run_record_for, job, planned_inputs(folder))


def _streamed(folder: PlanFolder, settings: Settings, unread: UnreadFiles, found: StreamedSet) -> _Around:
    recipe, inputs, place = folder.record.recipe, planned_inputs(folder), place_of(folder.store)
    run = StreamedRun(found, recipe, available(settings), settings.max_pixels, inputs, place, unread)
    check_planned(folder.record, run.record)
    return StreamedOutput(found, recipe, unread.watched), found.gathered.failures, run.record_for
