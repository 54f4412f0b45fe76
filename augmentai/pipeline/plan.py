"""The run plan: everything that is known before work begins.

The dry run, the page's forecast, resuming, replaying, merging and the run itself all read the same plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from augmentai.dataset.formats.image_names import named
from augmentai.dataset.readers.gather import Gathered
from augmentai.engines import estimate
from augmentai.engines.base import Engine
from augmentai.engines.budget import Estimate
from augmentai.operations.apply import build_operations, may_move
from augmentai.operations.auto_geometry import DatasetTraits, ResolvedGeometry, dataset_traits, resolve_geometry
from augmentai.operations.few_ways import count_ways
from augmentai.pipeline.balance import Quotas, plan_quotas
from augmentai.pipeline.label_check import LabelCheck, check_labels
from augmentai.pipeline.unusable import find_unusable
from augmentai.plurals import counted
from augmentai.recipe import AUTO, Recipe, RecipeError
from augmentai.recipe.steps import format_step
from augmentai.types import Failure, Source, SourceKey

ANY_SIZE = 1 << 60  # in pixels


@dataclass(frozen=True)
class RunPlan:
    """What a run will do. Frozen: it holds no threads, no engines, and nothing that changes during the run.

    Attributes:
        gathered: the source set: training images, holdout images, what could not be read, and the dataset's format.
        recipe: what was asked for, with the seed that is used (never 0).
        quotas: how many variations each source gets.
        geometry: the recipe's geometry as resolved for this set.
        first_index: number of the first variation of each source; above 1 if earlier ones exist already.
        retry_round: 1, and one more each time a finished run was resumed for what filters had rejected. A variation
            gets `retry_round * (recipe.retries + 1)` attempts in all.
        estimate: the most that paid engines may charge; None if none would be used.
        max_pixels: images with more are skipped.
    """

    gathered: Gathered
    recipe: Recipe
    quotas: Quotas
    geometry: ResolvedGeometry
    first_index: int = 1
    retry_round: int = 1
    estimate: Estimate | None = None
    max_pixels: int = ANY_SIZE

    @property
    def sources(self) -> tuple[Source, ...]:
        """The images to augment, sorted by path and hash."""
        return self.gathered.sources

    @property
    def total(self) -> int:
        """How many variations there will be if nothing goes wrong."""
        return self.quotas.total

    @cached_property
    def label_check(self) -> LabelCheck:
        """What the labels say before the run. Reads those of every image when it is first asked for."""
        moves = self.geometry.moves or may_move(self.recipe.operations)
        return check_labels(self.gathered.layout, self.sources, moves)

    @cached_property
    def unusable(self) -> Mapping[SourceKey, Failure]:
        """The images that the run will skip, since their files or labels cannot be read.

        Reads the header and the labels of every image when it is first asked for.
        """
        return find_unusable(self.sources, self.max_pixels, self.label_check.broken)

    @property
    def expected(self) -> int:
        """How many variations there will be, as far as files and labels show; see `unusable`."""
        return self.total - sum(map(self.quotas.of, self.unusable))

    @property
    def max_attempts(self) -> int:
        """How many attempts one variation gets, counting the first and those of earlier rounds."""
        return self.retry_round * (self.recipe.retries + 1)

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should know before the start, in words; see `label_check`."""
        check = self.label_check
        return (*self.gathered.notices, *check.notices, *self._not_repainted(check), *self.own_notices, *check.lost)

    def _not_repainted(self, check: LabelCheck) -> tuple[str, ...]:
        """That images without a labelled object have no part to be repainted, in a set that has such objects."""
        empty, repaint = check.without_objects, self.recipe.repaint
        if repaint == "all" or not empty or len(empty) == len(self.sources):
            return ()
        return (f"nothing is labelled in {named(empty)}: not repainted with repaint {repaint}",)

    @property
    def own_notices(self) -> tuple[str, ...]:
        """Those of the notices that are about the plan, and not about the set. Nothing is read for them."""
        return (*self.quotas.notices, *((self.geometry.notice,) if self.geometry.notice else ()))

    def count(self, source: Source) -> int:
        """How many variations one source gets; 0 if it is not augmented.

        Args:
            source: any source of the set.
        """
        return self.quotas.of(source.key)

    def indices(self, key: SourceKey) -> range:
        """The numbers of the variations of one source.

        Args:
            key: `Source.key` of the source.
        """
        return range(self.first_index, self.first_index + self.quotas.of(key))

    def in_round(self, retry_round: int) -> RunPlan:
        """The same plan in this retry round; unchanged if it is in a later one.

        Args:
            retry_round: see `RunPlan`.
        """
        return self if retry_round <= self.retry_round else replace(self, retry_round=retry_round)


def plan_run(
    gathered: Gathered,
    recipe: Recipe,
    engines: Sequence[Engine] = (),
    first_index: int = 1,
    retry_round: int = 1,
    traits: DatasetTraits | None = None,
    max_pixels: int = ANY_SIZE,
    quotas: Quotas | None = None,
) -> RunPlan:
    """Plan a run. Nothing is decoded and no engine is loaded.

    Args:
        gathered: the source set, from `gather`.
        recipe: what is asked for; a seed of 0 is replaced by a random one.
        engines: asked for their prices, in the router's order.
        first_index: number of the first variation of each source.
        retry_round: see `RunPlan`.
        traits: what automatic geometry depends on, if it is known already; else it is found from the sources.
        max_pixels: see `RunPlan`.
        quotas: if they are known already; else they are found from the sources.

    Raises:
        RecipeError: classes are to be balanced and there are none, or nothing would change the images.
    """
    recipe = recipe.with_seed()
    idle = _idle_operations(recipe)
    _check_change(recipe, engines, idle)
    quotas = plan_quotas(gathered.sources, recipe) if quotas is None else quotas
    geometry = resolve_geometry(recipe, traits if traits is not None else _traits(gathered))
    notices = (*quotas.notices, *_of_idle(idle), *_too_few_ways(recipe, engines, quotas, geometry))
    quotas = replace(quotas, notices=notices)
    plan = RunPlan(gathered, recipe, quotas, geometry, first_index, retry_round, max_pixels=max_pixels)
    return replace(plan, estimate=estimate(engines, recipe, plan.total))


def _idle_operations(recipe: Recipe) -> list[str]:
    """Operations that change nothing with the parameters that they have, as they are written."""
    return [format_step(step) for step in recipe.operations if build_operations([step])[0].is_idle]


def _of_idle(idle: Sequence[str]) -> tuple[str, ...]:
    if not idle:
        return ()
    return (f"{', '.join(idle)}: {'change' if len(idle) > 1 else 'changes'} nothing with these parameters",)


def _check_change(recipe: Recipe, engines: Sequence[Engine], idle: Sequence[str]) -> None:
    """Without an engine that paints, the recipe itself has to ask for a change."""
    asked = [engine for engine in engines if engine.serves(recipe.engine)]
    changes = len(idle) < len(recipe.operations) or recipe.geometry not in {AUTO, "none"}
    if changes or not asked or any(one.paints for one in asked):
        return
    if idle:
        which = f"{', '.join(idle)} change{'' if len(idle) > 1 else 's'} nothing with these parameters"
        what = f"engine is {recipe.engine}, no geometry is given, and {which}, so that nothing would change"
        raise RecipeError(f"{what}; give other parameters, or choose a geometry such as light")
    what = f"engine is {recipe.engine}, and neither operations nor geometry are given, so that nothing would change"
    raise RecipeError(f"{what}; add operations such as flip or crop, or choose a geometry such as light")


def _too_few_ways(
    recipe: Recipe, engines: Sequence[Engine], quotas: Quotas, geometry: ResolvedGeometry
) -> tuple[str, ...]:
    """A notice if more variations of an image are asked for than flips and quarter turns, alone, can make."""
    asked = [engine for engine in engines if engine.serves(recipe.engine)]
    most = max(quotas.counts.values(), default=0) if quotas.counts is not None else quotas.each
    presets = {geometry.with_class, geometry.without_class}
    if not asked or any(one.paints for one in asked) or (recipe.geometry == AUTO and presets != {"none"}):
        return ()
    operations = build_operations(recipe.operations)
    counts = [count_ways(preset, operations, (2, 2), None, recipe.mirror) for preset in presets]  # of square images
    known = [count for count in counts if count is not None]
    if len(known) < len(counts) or max(known) >= most:
        return ()
    what = counted(max(known), "different variation")
    return (f"Flips and turns alone make at most {what} of an image, and {most} are asked for; add operations",)


def _traits(gathered: Gathered) -> DatasetTraits:
    labelled = gathered.unread_labels.may_locate or any(source.labels is not None for source in gathered.sources)
    return dataset_traits(((source.path, source.label) for source in gathered.sources), labelled)
