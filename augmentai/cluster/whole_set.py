"""What single variations depend on in the whole set, as a plan says it to its workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from threading import Event
from typing import Any, overload

import numpy as np

from augmentai.cluster.class_examples import read_examples
from augmentai.cluster.plan_folder import DONORS, HOLDOUT, LENDERS, PlanFolder
from augmentai.cluster.plan_rows import Rows, from_utf8
from augmentai.cluster.unread import UnreadFiles
from augmentai.filters import HoldoutIndex, OtherClassFilter, SemanticFilter
from augmentai.filters.class_bank import Example
from augmentai.operations import Donor, DonorPool
from augmentai.pipeline.plan import RunPlan
from augmentai.pipeline.whole_set import WholeSet
from augmentai.types import Source, SourceKey

_LENT = 4096  # sources, without their pixels


class SetOfPlan(WholeSet):
    """The whole set as a plan describes it.

    Args:
        folder: the plan.
        plan: of the whole set if labels are needed, else of a part of it.
        stop: once set, no more images are read for it.
        unread: takes note of images that cannot be read.
    """

    def __init__(self, folder: PlanFolder, plan: RunPlan, stop: Event, unread: UnreadFiles) -> None:
        super().__init__(plan, int(folder.facts["max_pixels"]), stop)
        self._folder, self._unread = folder, unread
        self.engine_state |= folder.facts["engine_state"]

    @cached_property
    def by_hash(self) -> Sequence[Source]:
        rows = self._folder.rows(LENDERS)
        try:
            in_rows = self._folder.list.in_rows
            return [self._unread.watched(row.to_source()) for row in rows] if in_rows else self._known(rows)
        finally:
            rows.close()

    @cached_property
    def donors(self) -> DonorPool:
        if DONORS not in self._folder.list.files:
            return DonorPool(self.plan.sources, self.load_donor)
        return PlannedDonors(self._folder.rows(DONORS), self.load_donor, self._unread)

    @cached_property
    def locates_objects(self) -> bool:
        return bool(self._folder.facts["locates_objects"])

    @cached_property
    def holdout(self) -> HoldoutIndex | None:
        rows = self._folder.rows(HOLDOUT)
        if not (len(rows) and self.compares_with_holdout):
            return None
        hashes = np.asarray(rows.column("holdout_hash").to_numpy(), np.uint64)
        sources = PlannedSources(rows, self._unread) if self._folder.list.in_rows else self._known(rows)
        return HoldoutIndex(sources, hashes, self.max_pixels, self.stop)

    @cached_property
    def semantic(self) -> SemanticFilter | None:
        recipe, least = self.plan.recipe, self._folder.facts["semantic"]
        if not (recipe.filters and recipe.thresholds.semantic):
            return None
        return SemanticFilter((), self.max_pixels, recipe.thresholds.semantic, self._load_backbone, least)

    def _classes_by(self, examples: Callable[[], Iterable[Example]], what: str) -> OtherClassFilter | None:
        share = self.plan.recipe.thresholds.other_class
        if not (self.plan.recipe.filters and share):
            return None
        return OtherClassFilter(examples, share, what, self._load_backbone, read_examples(self._folder, what))

    def _known(self, rows: Rows) -> list[Source]:
        """The sources of some rows, as the set that was listed has them."""
        gathered = self.plan.gathered
        every = {source.key: source for source in (*gathered.sources, *gathered.holdout)}
        return [every[row.path, row.sha256] for row in rows]


class PlannedSources(Sequence[Source]):
    """Sources whose rows are read when they are asked for.

    Args:
        rows: their file.
        unread: takes note of those that cannot be read.
        positions: which rows these are; all by default.
    """

    def __init__(self, rows: Rows, unread: UnreadFiles, positions: np.ndarray | None = None) -> None:
        self._rows, self._unread = rows, unread
        self._positions = np.arange(len(rows)) if positions is None else positions

    def __len__(self) -> int:
        return len(self._positions)

    @overload
    def __getitem__(self, place: int) -> Source: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Source]: ...
    def __getitem__(self, place: int | slice) -> Source | Sequence[Source]:
        if isinstance(place, slice):
            return PlannedSources(self._rows, self._unread, self._positions[place])
        return self._unread.watched(self._rows.at(int(self._positions[place])).to_source())

    def __iter__(self) -> Iterator[Source]:
        return (self[place] for place in range(len(self)))


class PlannedDonors(DonorPool):
    """The donors of a plan: of each, this process knows the class, 4 bytes, until it lends something.

    Args:
        rows: of the images that may lend, sorted by hash.
        load: see `DonorPool`.
        unread: takes note of those that cannot be read.
    """

    def __init__(self, rows: Rows, load: Any, unread: UnreadFiles) -> None:
        super().__init__((), load)
        self._rows, self._unread = rows, unread
        self._lent: dict[SourceKey, Source] = {}  # what was drawn is looked up by its record next

    @property
    def everything(self) -> Sequence[Source]:
        return self._all

    @cached_property
    def _all(self) -> PlannedSources:
        return PlannedSources(self._rows, self._unread)

    @cached_property
    def _places(self) -> Mapping[str | None, np.ndarray]:
        """Where the images of each class are among the rows."""
        coded = self._rows.column("label").dictionary_encode()
        codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        names = map(from_utf8, coded.dictionary.to_pylist())
        found = {name: np.flatnonzero(codes == code).astype(np.int32) for code, name in enumerate(names)}
        return found | {None: np.flatnonzero(codes == -1).astype(np.int32)}

    def of_class(self, label: str | None) -> Sequence[Source]:
        places = self._places.get(label)
        return () if places is None else PlannedSources(self._rows, self._unread, places)

    def open(self, source: Source) -> Donor:
        self._lent[source.key] = source
        if len(self._lent) > _LENT:
            del self._lent[next(iter(self._lent))]
        return super().open(source)

    def find(self, record: Mapping[str, Any]) -> Donor:
        source = self._lent.get((str(record["path"]), str(record["sha256"])))
        return super().find(record) if source is None else self.open(source)
