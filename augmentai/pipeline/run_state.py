"""What the stages of one run share, and what they hand to each other."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import cached_property
from threading import Event
from typing import TYPE_CHECKING, Any

from augmentai.annotations import LabelError, Labels
from augmentai.dataset.checkpoint import Checkpoint
from augmentai.dataset.paid_answers import variation_name
from augmentai.dataset.writers.output_set import VariationFiles
from augmentai.engines.base import Engine, Made, OnProgress, Task, ignore_progress
from augmentai.engines.image_memory import ImageMemory
from augmentai.engines.run_ledger import RunLedger
from augmentai.filters import HoldoutIndex, ImageFeatures, OtherClassFilter, SemanticFilter, Verdict
from augmentai.images import ImageError, Photo
from augmentai.operations import (
    NOBODY,
    DonorPool,
    Donors,
    Operation,
    OperationError,
    build_operations,
)
from augmentai.operations.borrowing import borrows_from_others
from augmentai.pipeline.plan import RunPlan
from augmentai.pipeline.whole_set import WholeSet
from augmentai.system.cpu import usable_cores
from augmentai.system.threads import executor
from augmentai.types import Outcome, Source, SourceKey

if TYPE_CHECKING:
    from PIL.Image import Image

    from augmentai.engines.repaint import Region
    from augmentai.images.deep_colour import Rows
    from augmentai.recipe import Repaint

WORKERS = min(8, usable_cores())  # threads
BESIDE = max(1, WORKERS - 1)  # images that they move, and as many that they encode, while an engine makes the next one


@dataclass(frozen=True)
class Decoded:
    """A source with its pixels and labels, and the part of it that is to be repainted, if that is not all of it."""

    source: Source
    photo: Photo = field(repr=False)
    labels: Labels | None = field(repr=False)
    region: Region | None = field(default=None, repr=False)
    caption: str = ""


@dataclass(frozen=True)
class Draft:
    """A painted image on its way to a file.

    Attributes:
        made: the engine's answer.
        image: in the source's own mode and size, geometry and operations applied.
        labels: moved with the pixels; None if the source has none.
        details: what explains it, for the manifest.
        moved: whether geometry or an operation that was asked for moved its pixels, so that it is new in any case.
        unmoved: whether no pixel was moved at all.
        painted: the image before it was moved, to be compared with its source.
        verdict: what the filters found.
        fingerprint: a few mean colours by which siblings are compared; empty for a plain source.
        label_files: (relative path, bytes) of each.
        record: what a file that lists all images will say of this one.
        fine: the image in 16 bits per channel, if its source has them and they could be kept.
        notices: what the user should know of it.
        features: of the image before it was moved, and after; None if nothing filters.
        for_good: every operation said that nothing can be done with the image as it was, whatever is drawn.
    """

    made: Made
    image: Image = field(repr=False)
    labels: Labels | None
    details: Mapping[str, Any]
    moved: bool
    unmoved: bool
    painted: Image = field(repr=False)
    verdict: Verdict = field(default_factory=lambda: Verdict({}))
    fingerprint: bytes = b""
    label_files: tuple[tuple[str, bytes], ...] = ()
    record: Any = None
    fine: Rows | None = field(default=None, repr=False, compare=False)
    notices: tuple[str, ...] = ()
    features: tuple[ImageFeatures, ImageFeatures] | None = field(default=None, repr=False, compare=False)
    for_good: bool = False

    @property
    def key(self) -> SourceKey:
        return self.made.task.source.key


@dataclass
class RunState:
    """One run as its stages see it.

    Attributes:
        plan: what the run is to do.
        output: where everything goes in the result, and how labels are written.
        engines: in order of preference.
        max_pixels: the largest image that is decoded.
        stop: set when the user wants no more.
        on_progress: for slow engines; see `JobView`.
        checkpoint: what an earlier run has made.
        ledger: the run's ledger of paid requests.
        known_fingerprints: of siblings that an earlier run has made, by source and index.
        retries: tasks whose last attempt a filter rejected.
        settled_early: outcomes that needed no engine: unreadable files, leaks.
        skipped_engines: engines that were never asked, and why.
        cut_short: whether a stop left work undone.
        begun: whether an engine has answered.
        outages: engines that could not continue, and why.
        given_set: the whole set, if the plan is of a part of it.
        store_fault: what a store answered last that did not hand out an image or its labels; "" if all did.
        memory: of the images in hand, from the engine that takes a task to the file that is encoded.
    """

    plan: RunPlan
    output: VariationFiles
    engines: Sequence[Engine]
    max_pixels: int
    stop: Event = field(default_factory=Event)
    on_progress: OnProgress = ignore_progress
    checkpoint: Checkpoint = field(default_factory=Checkpoint)
    ledger: RunLedger = field(default_factory=RunLedger)
    known_fingerprints: Mapping[SourceKey, Mapping[int, bytes | None]] = field(default_factory=dict)
    retries: deque[Task] = field(default_factory=deque)
    settled_early: deque[Outcome] = field(default_factory=deque)
    skipped_engines: dict[str, str] = field(default_factory=dict)
    cut_short: bool = False
    begun: bool = False
    outages: dict[str, str] = field(default_factory=dict)
    given_set: WholeSet | None = None
    store_fault: str = ""
    memory: ImageMemory = field(default_factory=ImageMemory)

    @cached_property
    def whole_set(self) -> WholeSet:
        """What variations depend on in the whole set: as it was given, or found from the plan."""
        return self.given_set or WholeSet(self.plan, self.max_pixels, self.stop)

    @cached_property
    def decoders(self) -> Executor:
        """One thread: images are decoded while the engine works."""
        return executor(1, "decode")

    @cached_property
    def workers(self) -> Executor:
        """They move, measure and encode images while the engine makes the next ones."""
        return executor(WORKERS, "work")

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """What the recipe lists, in its order."""
        return build_operations(self.plan.recipe.operations)

    @property
    def donors(self) -> DonorPool:
        """See `WholeSet`."""
        return self.whole_set.donors

    def donors_for(self, source: Source) -> Donors:
        """Whom the variations of a source may borrow from, if the recipe has an operation that borrows."""
        borrows = any(map(borrows_from_others, self.operations))
        return self.donors.beside(source) if borrows else NOBODY

    @cached_property
    def stored_answers(self) -> frozenset[str]:
        """Variations that an earlier process has paid for, as `variation_name` names them: they come first, so that no
        limit and no fault of an engine keeps them from being used."""
        return self.ledger.answers.variations()

    def is_stored(self, source: Source, index: int) -> bool:
        """Whether a variation was paid for and needs only to be finished."""
        return bool(self.stored_answers) and variation_name(source.key, index) in self.stored_answers

    @cached_property
    def repaint(self) -> Repaint:
        """Which part of each image is painted anew: that of the recipe, if an engine that may be asked repaints."""
        recipe = self.plan.recipe
        asked = any(engine.repaints for engine in self.engines if engine.serves(recipe.engine))
        return recipe.repaint if asked and recipe.strength != 0 else "all"

    @property
    def locates_objects(self) -> bool:
        """See `WholeSet`."""
        return self.whole_set.locates_objects

    @cached_property
    def source_features(self) -> FeatureCache:
        return FeatureCache()

    @property
    def holdout(self) -> HoldoutIndex | None:
        """See `WholeSet`."""
        return self.whole_set.holdout

    @property
    def semantic(self) -> SemanticFilter | None:
        """See `WholeSet`."""
        return self.whole_set.semantic

    @property
    def classes_of_images(self) -> OtherClassFilter | None:
        """See `WholeSet`."""
        return self.whole_set.classes_of_images

    @property
    def classes_of_objects(self) -> OtherClassFilter | None:
        """See `WholeSet`."""
        return self.whole_set.classes_of_objects

    def close(self) -> None:
        """End the threads, without waiting for work that nobody needs."""
        self.decoders.shutdown(cancel_futures=True)
        self.workers.shutdown(cancel_futures=True)


class FeatureCache:
    """Features of the sources in hand: variations of one source follow each other."""

    _MOST = 32

    def __init__(self) -> None:
        self._features: dict[str, ImageFeatures] = {}

    def of(self, source: Source, photo: Photo) -> ImageFeatures:
        """The features of a source, measured once while its variations are made."""
        from augmentai.filters import image_features

        features = self._features.pop(source.sha256, None)
        if features is None:
            features = image_features(photo.original, photo.black_white)
        self._features[source.sha256] = features  # the last of the dictionary is the newest
        while len(self._features) > self._MOST:
            del self._features[next(iter(self._features))]
        return features


def spent_on(made: Made) -> float:
    """Credits for a variation, those of failed attempts before it included: the router adds them."""
    return float(made.details.get("credits", 0.0))


def repainted_region(made: Made) -> Region | None:
    """The part of its source that an engine painted anew; None if that is the whole image, or nothing."""
    return made.task.region if made.repainted else None


def failed(task: Task, reason: str, credits: float) -> Outcome:
    """The outcome of a variation that could not be made."""
    return Outcome(
        task.source,
        task.index,
        task.seed,
        reason=reason,
        fallbacks=task.fallbacks,
        notices=task.photo.notices,
        credits=float(credits),
        rejections=task.rejections,
    )


def failed_draft(draft: Draft, error: Exception) -> Outcome:
    """The outcome of a painted image that could not be finished; what was paid for it counts."""
    return failed(draft.made.task, failure_reason(error), spent_on(draft.made))


def failure_reason(error: Exception) -> str:
    """Why something could not be done, in words for the user."""
    if isinstance(error, ImageError | LabelError | OperationError | OSError) and str(error):
        return str(error)  # written for the user
    if isinstance(error, MemoryError):
        return "not enough memory for this image; make it smaller"
    return f"an unexpected error ({type(error).__name__}: {error}); please report it"
