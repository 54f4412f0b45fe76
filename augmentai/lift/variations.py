"""The variations of training images, made by the same pipeline as a run's and seen by the network as views."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from threading import Event
from typing import Any

import numpy as np

from augmentai.dataset.readers.gather import Gathered
from augmentai.dataset.sorted_sources import sort_key
from augmentai.engines import available, estimate
from augmentai.engines.base import Engine
from augmentai.engines.budget import Estimate
from augmentai.images import decode
from augmentai.lift.feature_table import OnComputed
from augmentai.lift.learners import Learner
from augmentai.lift.plan import OWN_VIEWS
from augmentai.lift.report import LiftError
from augmentai.lift.stored_rows import Views
from augmentai.lift.views import flip_and_crop, seeded
from augmentai.operations import build_operations
from augmentai.operations.borrowing import borrows_from_others
from augmentai.pipeline.job import Job
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.types import Outcome, Source

_SAME_LEVELS = 0.5  # mean difference in levels of 255, below which an image is the one that it was made from


@dataclass(frozen=True)
class Maker:
    """A recipe with the engines that may work for it.

    Attributes:
        name: of the recipe, for the report.
        recipe: as it is measured: `variations` of each image, whatever its class.
        engines: in order of preference.
        borrows: variations depend on the other training images, so they are made anew for each fold.
        notes: what of the recipe is not measured.
    """

    name: str
    recipe: Recipe
    engines: tuple[Engine, ...]
    borrows: bool
    notes: tuple[str, ...] = ()

    def at_most(self, variations: int) -> Maker:
        """The same with no more variations per image than this."""
        return replace(self, recipe=replace(self.recipe, variations=min(self.recipe.variations, variations)))

    def price(self, images: int) -> Estimate | None:
        """The most that the variations of this many images may cost; None if they are free."""
        return estimate(self.engines, self.recipe, images * self.recipe.variations)


def maker_of(name: str, recipe: Recipe, settings: Settings, seed: int, paid: bool, most: int) -> Maker:
    """Decide how a recipe is measured.

    Args:
        name: of the recipe.
        recipe: as asked for; without a seed it gets that of the measurement.
        settings: for the engines.
        seed: of the measurement.
        paid: engines that charge credits may be used.
        most: variations per image.

    Raises:
        LiftError: no engine may make it, or the one that is named costs credits and `paid` is False.
    """
    serving = [engine for engine in available(settings) if engine.serves(recipe.engine)]
    engines = [engine for engine in serving if paid or not engine.paid]
    notes = [f"{engine.name} is not used: it costs credits" for engine in serving if engine not in engines]
    if not engines:
        if not serving:
            raise LiftError(f"recipe {name}: there is no engine {recipe.engine!r}")
        raise LiftError(
            f"recipe {name}: engine {recipe.engine} costs credits, and a measurement spends them only if asked to; "
            "use --paid (paid=True), or another engine"
        )
    if not any(engine.readiness().ready for engine in engines):
        reasons = "; ".join(f"{engine.name}: {engine.readiness().reason}" for engine in engines)
        raise LiftError(f"recipe {name}: no engine is ready ({reasons})")
    if recipe.per_class or recipe.balance:
        notes.append("class balancing is not measured: every image gets the same number of variations")
    borrows = any(engine.borrows_from_other_sources for engine in engines if engine.readiness().ready) or any(
        map(borrows_from_others, build_operations(recipe.operations))
    )
    changed = replace(
        recipe,
        variations=min(recipe.variations, most),
        seed=recipe.seed or seed,
        per_class=0,
        balance=False,
        make_split="",
        to="same",
        output_format="jpeg",  # the pixels are taken before they are written; this is the quickest to write
    )
    quiet = [engine.name for engine in serving if not paid and engine.paid and not engine.readiness().configured]
    kept = tuple(note for note in notes if not any(note.startswith(f"{name} is not used") for name in quiet))
    return Maker(name, changed, tuple(engines), borrows, kept)


@dataclass(frozen=True)
class VariationViews:
    """Views of the variations of some training images.

    Attributes:
        numbers: of these images among all training images, ascending.
        features: of each view; zeros where the variation could not be made.
        made: which views there are.
        failed: how many variations could not be made.
        changed: whether any variation differs from its image.
        reasons: why variations could not be made.

    Shape:
        numbers: int64 (images,); features: (images, views, width); made: bool (images, views).
    """

    numbers: np.ndarray[Any, np.dtype[np.int64]]
    features: Views
    made: np.ndarray[Any, np.dtype[np.bool_]]
    failed: int = 0
    changed: bool = False
    reasons: tuple[str, ...] = ()

    def rows_of(self, numbers: np.ndarray[Any, np.dtype[np.int64]]) -> np.ndarray[Any, np.dtype[np.int64]]:
        """The rows of these training images, all of which are among `self.numbers`."""
        return np.searchsorted(self.numbers, numbers)


def views_of_variations(
    maker: Maker,
    sources: Sequence[Source],
    numbers: np.ndarray[Any, np.dtype[np.int64]],
    learner: Learner,
    settings: Settings,
    seed: int,
    on_computed: OnComputed,
    on_made: Callable[[], None],
    stop: Event,
) -> VariationViews:
    """Make the variations of training images and the features of their views.

    Args:
        maker: what makes them.
        sources: training images alone; what is borrowed comes from these.
        numbers: of these images among all training images, ascending.
        learner: what is to be known of each view.
        settings: limits.
        seed: of the crops.
        on_computed: called with how many views were computed.
        on_made: called after each variation.
        stop: ends the work early.
    """
    rows = {source.key: row for row, source in enumerate(sources)}
    count = maker.recipe.variations
    table = learner.table(len(sources), OWN_VIEWS, on_computed)
    made = np.zeros((len(sources), OWN_VIEWS), bool)
    changed, reasons = False, dict[str, None]()
    gathered = Gathered(tuple(sorted(sources, key=sort_key)), (), ())
    for outcome in Job(gathered, maker.recipe, settings, maker.engines, stop).run():
        on_made()
        if outcome.image is None:
            reasons[outcome.reason] = None
            continue
        row = rows[outcome.source.key]
        changed = changed or differs(outcome, settings.max_pixels)
        for column in range(outcome.index - 1, OWN_VIEWS, count):
            rng = seeded(seed, outcome.source.sha256, "variation", column)
            table.add(row, column, flip_and_crop(outcome.image, 1, learner.side_px, rng))
            made[row, column] = True
    features = table.finish()
    failed = len(sources) * count - int(made[:, :count].sum())
    return VariationViews(numbers, features, made, failed, changed, tuple(reasons))


def differs(outcome: Outcome, max_pixels: int) -> bool:
    assert outcome.image is not None
    source = decode(outcome.source.read(), outcome.source.path, max_pixels).rgb
    pixels = np.asarray(outcome.image.convert("RGB"), np.int16) - np.asarray(source, np.int16)
    return bool(np.abs(pixels).mean() >= _SAME_LEVELS)
