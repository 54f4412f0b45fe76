"""What single variations depend on in the whole set, as a plan says it to its workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from threading import Event

import numpy as np

from augmentai.cluster.class_examples import read_examples
from augmentai.cluster.plan_folder import DONORS, HOLDOUT, LENDERS, PlanFolder
from augmentai.cluster.plan_rows import PlannedImage, Rows
from augmentai.cluster.planned_donors import PlannedDonors, PlannedSources, lent_by_rows, objects_of
from augmentai.cluster.unread import UnreadFiles
from augmentai.filters import HoldoutIndex, OtherClassFilter, SemanticFilter
from augmentai.filters.class_bank import Example
from augmentai.operations import DonorPool
from augmentai.pipeline.plan import RunPlan
from augmentai.pipeline.whole_set import WholeSet
from augmentai.types import Source


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
        lent = lent_by_rows(self._folder, self._unread)
        return PlannedDonors(PlannedSources(self._folder.rows(DONORS), lent), self.load_donor, objects_of(self._folder))

    @cached_property
    def locates_objects(self) -> bool:
        return bool(self._folder.facts["locates_objects"])

    @cached_property
    def holdout(self) -> HoldoutIndex | None:
        rows = self._folder.rows(HOLDOUT)
        if not (len(rows) and self.compares_with_holdout):
            return None
        hashes = np.asarray(rows.column("holdout_hash").to_numpy(), np.uint64)
        sources = PlannedSources(rows, self._watched) if self._folder.list.in_rows else self._known(rows)
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

    def _watched(self, row: PlannedImage) -> Source:
        return self._unread.watched(row.to_source())

    def _known(self, rows: Rows) -> list[Source]:
        """The sources of some rows, as the set that was listed has them."""
        gathered = self.plan.gathered
        every = {source.key: source for source in (*gathered.sources, *gathered.holdout)}
        return [every[row.path, row.sha256] for row in rows]
