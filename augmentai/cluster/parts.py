"""The complete shards of a plan, and the run that they are parts of."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from augmentai.cluster.errors import ClusterError, check_installed
from augmentai.cluster.plan_folder import PlanFolder, remove_left_parts
from augmentai.cluster.planned_set import planned_set
from augmentai.cluster.progress import status_of
from augmentai.cluster.shard_files import fetch_shard, read_stats
from augmentai.cluster.unread import UnreadFiles
from augmentai.engines import available
from augmentai.pipeline.job import Job
from augmentai.settings import Settings
from augmentai.storage import open_store

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
        job: the run over the whole set.
        total: variations that there are.
        credits: what they cost.
        unread: originals that could not be read.
    """

    folder: PlanFolder
    job: Job
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


def open_parts(url: str, settings: Settings) -> Parts:
    """The shards of a plan, if all of them are complete.

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
    job = Job(planned_set(folder, settings, unread), folder.record.recipe, settings, available(settings))
    for shard in range(status.shards):
        stats = read_stats(folder.store, shard)
        for words in stats.losses if stats is not None else ():
            job.output.losses.setdefault(words, None)  # type: ignore[attr-defined]
    return Parts(folder, job, status.variations, status.credits, unread)
