"""What single variations depend on in the whole set: donors, validation images, and what is measured on a sample.

A run on one machine finds all of it from its plan when it first needs it. A run that is shared out among machines finds
it once, with the plan, and its workers read it from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from threading import Event
from typing import Any

from augmentai.backbone import Backbone, load_backbone
from augmentai.dataset.formats.masks.companions import locates_objects
from augmentai.filters import HoldoutIndex, OtherClassFilter, SemanticFilter
from augmentai.filters.class_bank import Example, examples_of_images, examples_of_objects
from augmentai.operations import DonorPool
from augmentai.operations.donors import MOST_BYTES
from augmentai.pipeline.lend import load_donor
from augmentai.pipeline.plan import RunPlan
from augmentai.system.cpu import usable_cores
from augmentai.types import Source

_LEAST_DONOR_BYTES = 16 << 20  # of decoded donors in each of many processes: about a dozen of usual size


class WholeSet:
    """The whole set as stages and engines need to know it.

    Args:
        plan: with all images.
        max_pixels: larger images are not decoded.
        stop: once set, no more images are read for it.

    Attributes:
        engine_state: what engines remember of the set for the length of the job; see `JobView`.
        processes: how many of them share the memory of donors.
    """

    def __init__(self, plan: RunPlan, max_pixels: int, stop: Event) -> None:
        self.plan, self.max_pixels, self.stop = plan, max_pixels, stop
        self.engine_state: dict[str, Any] = {}
        self.processes = 1

    @cached_property
    def by_hash(self) -> Sequence[Source]:
        """The images that engines may borrow from, sorted by hash."""
        return sorted(self.plan.sources, key=lambda source: (source.sha256, source.path))

    @cached_property
    def donors(self) -> DonorPool:
        """The training images, decoded where an operation borrows from them."""
        room = max(_LEAST_DONOR_BYTES, MOST_BYTES // self.processes)
        return DonorPool(self.plan.sources, self.load_donor, room)

    @property
    def load_donor(self) -> partial[Any]:
        """Decodes an image that lends something; see `lend.load_donor`."""
        most_bits = int(self.plan.recipe.thresholds.held_out)
        return partial(load_donor, max_pixels=self.max_pixels, holdout=self.holdout, most_bits=most_bits)

    @cached_property
    def locates_objects(self) -> bool:
        """Whether the set says of any image where its objects are."""
        return any(locates_objects(source.labels) for source in self.plan.sources)

    @property
    def compares_with_holdout(self) -> bool:
        """Whether images are compared with those for validation and tests, if there are some."""
        recipe = self.plan.recipe
        return bool(recipe.filters and recipe.thresholds.held_out)

    @cached_property
    def holdout(self) -> HoldoutIndex | None:
        """Hashes of the validation and test images; None if nothing is compared with them."""
        images = self.plan.gathered.holdout
        if not (images and self.compares_with_holdout):
            return None
        with ThreadPoolExecutor(usable_cores(), "hash") as pool:
            return HoldoutIndex.measured(images, self.max_pixels, pool, self.stop)

    @cached_property
    def semantic(self) -> SemanticFilter | None:
        """Compares repainted images with their sources; None if that is switched off."""
        recipe = self.plan.recipe
        if not (recipe.filters and recipe.thresholds.semantic):
            return None
        share = recipe.thresholds.semantic
        return SemanticFilter(self.by_hash, self.max_pixels, share, self._load_backbone, by_hash=True)

    @cached_property
    def classes_of_images(self) -> OtherClassFilter | None:
        """Compares repainted images with the classes of the set; None if that is switched off."""
        return self.compared_with(self.plan.sources)

    def compared_with(self, sources: Sequence[Source]) -> OtherClassFilter | None:
        """The same, with the classes that some of its images show."""
        return self._classes_by(partial(examples_of_images, sources, self.max_pixels), "images")

    @cached_property
    def classes_of_objects(self) -> OtherClassFilter | None:
        """Compares objects that were painted anew with those of the set; None if that is switched off."""
        return self._classes_by(partial(examples_of_objects, self.plan.sources, self.max_pixels), "objects")

    def _classes_by(self, examples: Callable[[], Iterable[Example]], what: str) -> OtherClassFilter | None:
        recipe = self.plan.recipe
        if not (recipe.filters and recipe.thresholds.other_class):
            return None
        return OtherClassFilter(examples, recipe.thresholds.other_class, what, self._load_backbone)

    def _load_backbone(self) -> Backbone:
        return load_backbone(self.plan.recipe.filter_backbone)
