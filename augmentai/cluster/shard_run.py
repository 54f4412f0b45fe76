"""Making one shard: what a worker does. It knows the plan, and of the set no more than it needs."""

from __future__ import annotations

import os
import socket
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from threading import Event

from augmentai.cluster.errors import ClusterError
from augmentai.cluster.heartbeat import Heartbeat
from augmentai.cluster.packed_labels import LabelUnpacker, unpacker_of
from augmentai.cluster.plan_folder import MADE, PAID, PlanFolder
from augmentai.cluster.plan_rows import PlannedImage, digest_of
from augmentai.cluster.planned_set import planned_set
from augmentai.cluster.shard_files import ShardStats, ShardWriter, read_stats, sha256_of_file, stats_name
from augmentai.cluster.unread import UnreadFiles
from augmentai.cluster.variation_files import PlannedNames, WithoutLabels
from augmentai.cluster.whole_set import SetOfPlan
from augmentai.dataset.manifest import PAID_ANSWERS, RUN_LEDGER
from augmentai.dataset.readers.gather import Gathered
from augmentai.dataset.writers.folder import LOCK
from augmentai.dataset.writers.output_lock import OutputLock
from augmentai.dataset.writers.output_set import OutputSet, VariationFiles
from augmentai.engines import available, model_versions
from augmentai.engines.base import Engine
from augmentai.engines.image_memory import ImageMemory
from augmentai.engines.run_ledger import RunLedger
from augmentai.operations.auto_geometry import ResolvedGeometry
from augmentai.pipeline.balance import Quotas
from augmentai.pipeline.paid_folder import may_charge
from augmentai.pipeline.plan import RunPlan
from augmentai.pipeline.run_state import RunState
from augmentai.pipeline.stages import run_stages
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.storage import StorageError
from augmentai.types import Source, SourceKey


@dataclass
class ShardMaker:
    """Makes the shards of one plan, one after another; models are loaded once.

    Args:
        folder: the plan.
        settings: keys, models and limits of this worker.
        stop: once set, the shard in hand is given up.
        unread: images that cannot be read, those included that are only borrowed from.
    """

    folder: PlanFolder
    settings: Settings
    stop: Event = field(default_factory=Event)
    unread: UnreadFiles = field(default_factory=UnreadFiles)

    def make(self, shard: int) -> ShardStats | None:
        """Make a shard, unless it is complete.

        Returns:
            Its stats; None if it was stopped.

        Raises:
            ClusterError: the plan was changed, or this worker cannot do as it says.
            OSError: a file cannot be read or written; the shard is not complete, and can be made again.
        """
        if (done := read_stats(self.folder.store, shard)) is not None:
            return done
        self._check()
        self.unread.clear()
        listed = self.folder.list.shards[shard]
        rows = self._rows(shard)
        with Heartbeat(self.folder.store, shard, listed.variations) as heartbeat, tempfile.TemporaryDirectory() as name:
            started, counts, failed, left, credits = time.time(), Counter[str](), 0, 0, 0.0
            output = self._output(rows)
            sources = self._sources(rows, output)
            state = self._state(rows, sources, output)
            with ShardWriter(Path(name), shard) as writer, closing(run_stages(sources, state)) as outcomes:
                for outcome in outcomes:
                    writer.add(outcome)
                    credits += outcome.credits
                    if outcome.variation is not None:
                        counts[outcome.variation.engine] += 1
                    else:
                        failed += 1
                        left += bool(outcome.index and not outcome.rejections)
                    heartbeat.made = counts.total()
                    del outcome
            state.close()
            if self.stop.is_set():
                return None
            self._check_read(state)
            if left and state.outages:
                why = "; ".join(f"{engine}: {reason}" for engine, reason in state.outages.items())
                raise ClusterError(f"{left:,} of {listed.variations:,} variations were left: {why}")
            if (done := read_stats(self.folder.store, shard)) is not None:
                return done  # another driver's worker was quicker, and its files stay
            files = {path.name: sha256_of_file(path) for path in (writer.tar, writer.rows)}
            times = started, time.time(), f"{socket.gethostname()}:{os.getpid()}"
            totals = counts.total(), failed, dict(counts), credits, *times
            stats = ShardStats(self.folder.list.sha256, listed.sha256, files, *totals, tuple(self._losses(output)))
            content: dict[str, bytes | Path] = {f"{MADE}/{path.name}": path for path in (writer.tar, writer.rows)}
            self.folder.store.put_files({**content, stats_name(shard): stats.to_json()})
        self._forget(rows)
        return stats

    def _check(self) -> None:
        """Whether this worker has what the plan was made for."""
        record = self.folder.record
        here = model_versions(record.recipe.engine, self.engines)
        if here != dict(record.models):
            raise ClusterError(
                f"planned with {_named(record.models)}, and this worker has {_named(here)}; "
                "give all workers the same engines, keys and models, or plan again in a new folder"
            )

    def _check_read(self, state: RunState) -> None:
        """Whether everything could be read that was planned."""
        if words := self.unread.words or state.store_fault:
            self.__dict__.pop("_whole_set", None)  # its donors remember who could not lend
            raise ClusterError(f"{words}; make it readable for this worker and run again, or plan the set as it is now")

    def _rows(self, shard: int) -> list[PlannedImage]:
        opened = self.folder.rows()
        try:
            rows = opened.group(shard)
        finally:
            opened.close()
        if digest_of(rows) != self.folder.list.shards[shard].sha256:
            raise ClusterError(f"the rows of shard {shard} were changed after the plan was made; restore plan.parquet")
        return rows

    @cached_property
    def engines(self) -> list[Engine]:
        """Built once, so that a model is loaded once."""
        return available(self.settings)

    @property
    def recipe(self) -> Recipe:
        """What is asked for."""
        return self.folder.record.recipe

    @cached_property
    def _gathered(self) -> Gathered | None:
        """The whole set, if its labels are needed."""
        return None if self.folder.list.in_rows else planned_set(self.folder, self.settings, self.unread)

    @cached_property
    def _output_set(self) -> OutputSet | None:
        return None if self._gathered is None else OutputSet(self._gathered, self.recipe)

    def _output(self, rows: Sequence[PlannedImage]) -> VariationFiles:
        names = PlannedNames({(row.path, row.sha256): row.stem for row in rows})
        return unpacker_of(self.folder, names) or self._output_set or WithoutLabels(names)

    def _losses(self, output: VariationFiles) -> Sequence[str]:
        if isinstance(output, LabelUnpacker):
            return list(output.layout.losses)
        return list(output.losses) if isinstance(output, OutputSet) else ()

    @cached_property
    def _whole_set(self) -> SetOfPlan:
        plan = self._plan(self._gathered or Gathered((), (), ()), ())
        return SetOfPlan(self.folder, plan, self.stop, self.unread)

    def _plan(self, gathered: Gathered, rows: Sequence[PlannedImage]) -> RunPlan:
        counts = {(row.path, row.sha256): row.variations for row in rows}
        geometry = ResolvedGeometry(**self.folder.facts["geometry"])
        quotas = Quotas(sum(counts.values()), counts=counts)
        return RunPlan(gathered, self.recipe, quotas, geometry, max_pixels=int(self.folder.facts["max_pixels"]))

    def _state(self, rows: Sequence[PlannedImage], sources: Sequence[Source], output: VariationFiles) -> RunState:
        gathered = replace(self._gathered or Gathered((), (), ()), sources=tuple(sources), holdout=())
        plan = self._plan(gathered, rows)
        state = RunState(plan, output, self.engines, plan.max_pixels, self.stop, given_set=self._whole_set)
        state.memory = ImageMemory(self.settings.images_mb)
        state.ledger = self.ledger
        return state

    def _sources(self, rows: Sequence[PlannedImage], output: VariationFiles) -> list[Source]:
        if isinstance(output, LabelUnpacker):
            try:
                return [self.unread.watched(output.source(row)) for row in rows]
            except StorageError as error:
                raise ClusterError(str(error)) from error
        if self._gathered is None:
            return [self.unread.watched(row.to_source()) for row in rows]
        every = self._by_key
        return [every[row.path, row.sha256] for row in rows]

    @cached_property
    def _by_key(self) -> Mapping[SourceKey, Source]:
        assert self._gathered is not None
        return {source.key: source for source in self._gathered.sources}

    @cached_property
    def ledger(self) -> RunLedger:
        """One for the whole run, in the plan's folder, if engines may charge."""
        if not may_charge(self.engines, self.recipe):
            return RunLedger()
        place = Path(self.folder.store.root) / PAID
        place.mkdir(exist_ok=True)
        self._lock = OutputLock(place / LOCK, place)  # until this process ends
        ledger = RunLedger(place / RUN_LEDGER, place / PAID_ANSWERS)
        ledger.answers.tidy(())  # half-written ones of a worker that was killed
        return ledger

    def _forget(self, rows: Sequence[PlannedImage]) -> None:
        """The answers of a shard that is complete may go."""
        for row in rows if self.ledger.answers.are_stored else ():
            for index in range(1, row.variations + 1):
                self.ledger.answers.forget((row.path, row.sha256), index)


def _named(models: Mapping[str, str]) -> str:
    return ", ".join(f"{name} ({version})" for name, version in models.items()) or "no engine that is ready"
