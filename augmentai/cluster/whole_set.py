"""What single variations depend on in the whole set: measured once for a plan, and read by its workers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import Event
from typing import Any, overload

import numpy as np

from augmentai.cluster.plan_folder import DONORS, HOLDOUT, LENDERS, PlanFolder
from augmentai.cluster.plan_rows import Rows
from augmentai.engines.base import JobView
from augmentai.filters import HoldoutIndex, SemanticFilter
from augmentai.operations import Donor, DonorPool
from augmentai.pipeline.job import Job
from augmentai.pipeline.plan import RunPlan
from augmentai.pipeline.whole_set import WholeSet
from augmentai.types import Source, SourceKey

_LENT = 4096  # sources, without their pixels


@dataclass(frozen=True)
class MeasuredSet:
    """What was found out about a set.

    Attributes:
        lenders: the images that engines may borrow from.
        engine_state: what engines worked out from them.
        semantic: the threshold of the semantic filter; None if no engine would need it.
        locates_objects: whether the set says of any image where its objects are.
        holdout: the hashes of the validation and test images; None if nothing is compared with them.
    """

    lenders: Sequence[Source]
    engine_state: Mapping[str, Any]
    semantic: float | None
    locates_objects: bool
    holdout: HoldoutIndex | None


def measured_set(job: Job) -> MeasuredSet:
    """Find out about a set what its variations depend on. Some images are decoded, and all for validation and tests.

    Args:
        job: the run over the whole set.
    """
    whole = WholeSet(job.plan, job.settings.max_pixels, Event())
    engines = [one for one in job.engines if one.serves(job.recipe.engine) and one.readiness().configured]
    lenders = {source.key: source for engine in engines for source in engine.lenders(whole.by_hash)}
    by_hash = sorted(lenders.values(), key=lambda source: (source.sha256, source.path))
    view = JobView(by_hash, job.recipe, job.settings.max_pixels)
    state: dict[str, Any] = {}
    for engine in engines:
        state |= engine.measure_set(view)
    repaints = any(engine.repaints for engine in engines)
    semantic = whole.semantic.least if repaints and whole.semantic is not None else None
    return MeasuredSet(by_hash, state, semantic, whole.locates_objects, whole.holdout)


class SetOfPlan(WholeSet):
    """The whole set as a plan describes it.

    Args:
        folder: the plan.
        plan: of the whole set if labels are needed, else of a part of it.
        stop: once set, no more images are read for it.
    """

    def __init__(self, folder: PlanFolder, plan: RunPlan, stop: Event) -> None:
        super().__init__(plan, int(folder.facts["max_pixels"]), stop)
        self._folder = folder
        self.engine_state |= folder.facts["engine_state"]

    @cached_property
    def by_hash(self) -> Sequence[Source]:
        rows = self._folder.rows(LENDERS)
        try:
            return [row.to_source() for row in rows] if self._folder.list.in_rows else self._known(rows)
        finally:
            rows.close()

    @cached_property
    def donors(self) -> DonorPool:
        if DONORS not in self._folder.list.files:
            return DonorPool(self.plan.sources, self.load_donor)
        return PlannedDonors(self._folder.rows(DONORS), self.load_donor)

    @cached_property
    def locates_objects(self) -> bool:
        return bool(self._folder.facts["locates_objects"])

    @cached_property
    def holdout(self) -> HoldoutIndex | None:
        rows = self._folder.rows(HOLDOUT)
        if not (len(rows) and self.compares_with_holdout):
            return None
        hashes = np.asarray(rows.column("holdout_hash").to_numpy(), np.uint64)
        sources = PlannedSources(rows) if self._folder.list.in_rows else self._known(rows)
        return HoldoutIndex(sources, hashes, self.max_pixels, self.stop)

    @cached_property
    def semantic(self) -> SemanticFilter | None:
        recipe, least = self.plan.recipe, self._folder.facts["semantic"]
        if not (recipe.filters and recipe.thresholds.semantic):
            return None
        return SemanticFilter((), self.max_pixels, recipe.thresholds.semantic, least=least)

    def _known(self, rows: Rows) -> list[Source]:
        """The sources of some rows, as the set that was listed has them."""
        gathered = self.plan.gathered
        every = {source.key: source for source in (*gathered.sources, *gathered.holdout)}
        return [every[row.path, row.sha256] for row in rows]


class PlannedSources(Sequence[Source]):
    """Sources whose rows are read when they are asked for.

    Args:
        rows: their file.
        positions: which rows these are; all by default.
    """

    def __init__(self, rows: Rows, positions: np.ndarray | None = None) -> None:
        self._rows = rows
        self._positions = np.arange(len(rows)) if positions is None else positions

    def __len__(self) -> int:
        return len(self._positions)

    @overload
    def __getitem__(self, place: int) -> Source: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Source]: ...
    def __getitem__(self, place: int | slice) -> Source | Sequence[Source]:
        if isinstance(place, slice):
            return PlannedSources(self._rows, self._positions[place])
        return self._rows.at(int(self._positions[place])).to_source()

    def __iter__(self) -> Iterator[Source]:
        return (self[place] for place in range(len(self)))


class PlannedDonors(DonorPool):
    """The donors of a plan: of each, this process knows the class, 4 bytes, until it lends something.

    Args:
        rows: of the images that may lend, sorted by hash.
        load: see `DonorPool`.
    """

    def __init__(self, rows: Rows, load: Any) -> None:
        super().__init__((), load)
        self._rows = rows
        self._lent: dict[SourceKey, Source] = {}  # what was drawn is looked up by its record next

    @property
    def everything(self) -> Sequence[Source]:
        return self._all

    @cached_property
    def _all(self) -> PlannedSources:
        return PlannedSources(self._rows)

    @cached_property
    def _places(self) -> Mapping[str | None, np.ndarray]:
        """Where the images of each class are among the rows."""
        coded = self._rows.column("label").dictionary_encode()
        codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        names = coded.dictionary.to_pylist()
        found = {name: np.flatnonzero(codes == code).astype(np.int32) for code, name in enumerate(names)}
        return found | {None: np.flatnonzero(codes == -1).astype(np.int32)}

    def of_class(self, label: str | None) -> Sequence[Source]:
        places = self._places.get(label)
        return () if places is None else PlannedSources(self._rows, places)

    def open(self, source: Source) -> Donor:
        self._lent[source.key] = source
        if len(self._lent) > _LENT:
            del self._lent[next(iter(self._lent))]
        return super().open(source)

    def find(self, record: Mapping[str, Any]) -> Donor:
        source = self._lent.get((str(record["path"]), str(record["sha256"])))
        return super().find(record) if source is None else self.open(source)
