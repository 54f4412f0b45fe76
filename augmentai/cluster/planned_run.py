"""A run as a plan is written from it: over a set that is in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from threading import Event
from typing import Protocol

from augmentai.cluster.measured_set import MeasuredSet, measured_set
from augmentai.cluster.packed_labels import LabelPacker
from augmentai.cluster.plan_rows import PlannedImage, planned_image
from augmentai.dataset.formats.folders import FolderLayout
from augmentai.dataset.run_record import RunRecord
from augmentai.pipeline.job import Job
from augmentai.pipeline.plan import RunPlan
from augmentai.pipeline.run import run_record_for
from augmentai.pipeline.whole_set import WholeSet
from augmentai.storage import Place
from augmentai.types import Source


class PlannedRun(Protocol):
    """What a plan is written from.

    Attributes:
        record: what `recipe.yaml` will say.
        plan: of the run; its sources may be elsewhere.
        notices: for the user.
        has_images: whether there is anything to augment.
        in_rows: whether workers need to know no more of an image than its row says.
        packer: packs labels into rows; None if there are none, or rows do not say all.
        split: the split of each image as it was made by this program; empty if it was not.
    """

    @property
    def record(self) -> RunRecord: ...
    @property
    def plan(self) -> RunPlan: ...
    @property
    def notices(self) -> Sequence[str]: ...
    @property
    def has_images(self) -> bool: ...
    @property
    def in_rows(self) -> bool: ...
    @property
    def packer(self) -> LabelPacker | None: ...
    @property
    def split(self) -> Mapping[str, str | None]: ...

    def measured(self) -> MeasuredSet:
        """What variations depend on in the whole set."""
        ...

    def images(self) -> Iterator[PlannedImage]:
        """The images that get variations, sorted by path and hash."""
        ...

    def by_hash(self) -> Iterable[Source]:
        """The images that operations may borrow from, sorted by hash and path."""
        ...


class RunInMemory:
    """A run over a set that `gather` has read.

    Args:
        job: the run.
        inputs: the files and folders that were named.
        out: the plan's folder.
    """

    def __init__(self, job: Job, inputs: Sequence[Place], out: Place) -> None:
        self._job = job
        self.record = run_record_for(job, inputs, out)
        self.plan = job.plan
        self.notices: Sequence[str] = job.report.as_dict()["notices"]
        self.has_images = bool(job.gathered.sources)

    @cached_property
    def in_rows(self) -> bool:
        layout, sources = self._job.gathered.layout, self._job.gathered.sources
        if not layout.is_in(self._job.recipe.to) or not all(planned_image(source).file for source in sources):
            return False
        is_bare = isinstance(layout, FolderLayout) and all(source.labels is None for source in sources)
        return is_bare or self.packer is not None

    @cached_property
    def packer(self) -> LabelPacker | None:
        layout, sources = self._job.gathered.layout, self._job.gathered.sources
        if isinstance(layout, FolderLayout) and all(source.labels is None for source in sources):
            return None
        packer = LabelPacker(layout)
        return packer if layout.is_in(self._job.recipe.to) and packer.is_possible(sources) else None

    @property
    def split(self) -> Mapping[str, str | None]:
        gathered = self._job.gathered
        sources: Iterable[Source] = (*gathered.sources, *gathered.holdout) if self._job.recipe.make_split else ()
        return {f"{source.sha256}/{source.path}": source.split for source in sources}

    def measured(self) -> MeasuredSet:
        job = self._job
        whole = WholeSet(job.plan, job.settings.max_pixels, Event())
        index = whole.holdout
        pairs = zip(index.sources, map(int, index.hashes), strict=True) if index is not None else ()
        return measured_set(whole, job.engines, job.recipe, pairs)

    def images(self) -> Iterator[PlannedImage]:
        names = self._job.output.names
        for source in self.plan.sources:
            if count := self.plan.count(source):
                labels = self.packer.pack(source) if self.packer is not None else None
                yield planned_image(source, count, names.stem(source), labels=labels)

    def by_hash(self) -> Iterable[Source]:
        return sorted(self.plan.sources, key=lambda source: (source.sha256, source.path))
