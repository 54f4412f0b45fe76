"""The look at a classification set, quick or deep: what is prepared, made, trained and compared, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from augmentai.lift.arms import Images, Part, Scores, scores
from augmentai.lift.folds import fold_of_each
from augmentai.lift.labelled_set import LiftSet
from augmentai.lift.learners import Learner
from augmentai.lift.plan import (
    FOLDS,
    MOST_TEST,
    MOST_TRAINING,
    OWN_VIEWS,
    POOL_VIEWS,
    SHARED_VIEWS,
    TRAINING_SHARE,
    repeats_for,
    sample,
    sampled_note,
)
from augmentai.lift.prepared import Preparation, Prepared, prepare
from augmentai.lift.progress import Progress, Work
from augmentai.lift.report import LiftError
from augmentai.lift.stored_rows import Views
from augmentai.lift.variation_cache import variation_cache
from augmentai.lift.variations import Maker, VariationViews, views_of_variations
from augmentai.plurals import counted
from augmentai.settings import Settings
from augmentai.types import Source

Ints = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Look:
    """A finished look.

    Attributes:
        classes: names.
        labels: class numbers of the test images: int64 (test images,).
        scores: of each kind of test image and each arm; see `arms.scores`.
        made: by recipe, the views of its variations, for each part that they were made for.
        training: how many images there were to train on.
        repeats: how often both arms were trained.
        notes: what was left out.
    """

    classes: tuple[str, ...]
    labels: Ints
    scores: Scores
    made: dict[str, list[VariationViews]]
    training: int
    repeats: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Ready:
    """Images after `prepare`, those that could be read. Views, tests: (images or more, views, width)."""

    images: tuple[Prepared, ...]
    views: Views
    tests: dict[str, Views]
    notes: tuple[str, ...]


class Measurement:
    """The steps of a look, and what all of them need.

    Args:
        data: the set.
        makers: the recipes.
        learner: what is trained on the views.
        settings: limits.
        seed: of everything that is drawn.
        folder: for small copies of the training images.
    """

    def __init__(
        self,
        data: LiftSet,
        makers: Sequence[Maker],
        learner: Learner,
        settings: Settings,
        seed: int,
        folder: Path,
    ) -> None:
        self._data, self._makers, self._learner = data, makers, learner
        self._settings, self._seed, self._folder = settings, seed, folder
        self._training = sample(data.training, MOST_TRAINING, seed)
        self._test = sample(data.test, MOST_TEST, seed)
        self._by_folds = not self._test
        self._repeats = repeats_for(len(self._test or self._training), learner.method == "fine-tune")
        self._cache = variation_cache(learner, settings, seed)

    def expected(self) -> dict[Work, int]:
        """How much work there will be, for `Progress`."""
        training, tested = len(self._training), len(self._test or self._training)
        made = [self._images_varied(maker) for maker in self._makers]
        variations = sum(count * maker.recipe.variations for count, maker in zip(made, self._makers, strict=True))
        learned = training * (FOLDS - 1) // FOLDS if self._by_folds else round(TRAINING_SHARE * training)
        fits = self._repeats * (FOLDS if self._by_folds else 1) * (1 + len(self._makers))
        return {
            "view": POOL_VIEWS * training + 2 * tested + OWN_VIEWS * sum(made),
            "variation": variations,
            self._learner.work: fits * self._learner.units(learned * (SHARED_VIEWS + OWN_VIEWS)),
        }

    def prices(self) -> list[str]:
        """What the recipes that are not free cost at most, in words."""
        found = ((maker.name, maker.price(self._images_varied(maker))) for maker in self._makers)
        return [f"{name}: {price} by {price.engine}" for name, price in found if price is not None]

    def _images_varied(self, maker: Maker) -> int:
        """Of how many images variations are made, one that is in several folds counted for each."""
        return len(self._training) * (FOLDS - 1 if maker.borrows and self._by_folds else 1)

    def run(self, progress: Progress) -> Look:
        """Take the look.

        Raises:
            LiftError: too few images can be read.
            LiftStoppedError: it was stopped.
        """
        training = self._prepare(self._training, progress, train=True, test=self._by_folds)
        tested = training if self._by_folds else self._prepare(self._test, progress, train=False, test=True)
        classes = self._classes(training, tested)
        images = Images(
            training.views, _numbers(training, classes), tested.tests, _numbers(tested, classes), len(classes)
        )
        splits = self._splits(training, tested)
        made = {maker.name: self._vary(maker, training, splits, progress) for maker in self._makers}
        changing = [name for name, views in made.items() if any(one.changed for one in views)]
        share = 1.0 if self._by_folds else TRAINING_SHARE
        parts = [
            _part(number, split, {name: made[name] for name in changing}, share) for number, split in enumerate(splits)
        ]

        def worked(units: int) -> None:
            progress.done(self._learner.work, "training and comparing", units)

        found = scores(images, parts, changing, self._repeats, self._seed, self._learner, worked)
        notes = (
            *self._data.notes,
            *sampled_note(len(self._data.training), len(self._training), "training"),
            *sampled_note(len(self._data.test), len(self._test), "test"),
            *dict.fromkeys((*training.notes, *tested.notes)),
        )
        return Look(classes, images.test_labels, found, made, len(training.images), self._repeats, notes)

    def _prepare(self, sources: Sequence[Source], progress: Progress, train: bool, test: bool) -> _Ready:
        side_px, most = self._learner.side_px, self._settings.max_pixels
        how = Preparation(self._folder, side_px, self._seed, most, train, test)

        def computed(count: int) -> None:
            progress.done("view", "looking at images", count)

        views = self._learner.table(len(sources), POOL_VIEWS if train else 0, computed)
        tests = {kind: self._learner.table(len(sources), 1, computed) for kind in ("clean", "shifted")}
        kept: list[Prepared] = []
        failed = []
        for one in prepare(sources, how):
            progress.check()
            if one.reason:
                failed.append(f"{one.source.path}: {one.reason}")
                continue
            for table, squares in ((views, one.views), (tests["clean"], one.clean), (tests["shifted"], one.shifted)):
                if squares is not None:
                    table.add(len(kept), 0, squares)
            kept.append(one.without_pixels())
        notes = (f"left out: {counted(len(failed), 'image')} that cannot be read ({failed[0]})",) if failed else ()
        return _Ready(
            tuple(kept),
            views.finish(),
            {kind: one.finish() for kind, one in tests.items()},
            notes,
        )

    def _classes(self, training: _Ready, tested: _Ready) -> tuple[str, ...]:
        """The classes that can be both learned and tested."""
        learned = {one.source.label for one in training.images}
        if len(learned) < 2 or not tested.images:
            reasons = "; ".join(dict.fromkeys((*training.notes, *tested.notes)))  # with folds both are the same
            raise LiftError(f"{self._data.name}: too few images can be read to measure anything ({reasons})")
        return self._data.classes

    def _splits(self, training: _Ready, tested: _Ready) -> list[tuple[Ints, Ints]]:
        """Numbers of the training and test images of each part."""
        if not self._by_folds:
            return [(np.arange(len(training.images)), np.arange(len(tested.images)))]
        sources = [one.source for one in training.images]
        fold = fold_of_each(sources, [one.thumb for one in training.images], self._seed)
        if len(set(fold.tolist())) < 2:
            raise LiftError(
                f"{self._data.name}: all {len(sources)} images nearly equal each other, so no model can be tested on "
                "an image that it has not seen; add other images, or images to test on"
            )
        return [
            (np.flatnonzero(fold != one), np.flatnonzero(fold == one)) for one in range(FOLDS) if (fold == one).any()
        ]

    def _vary(
        self, maker: Maker, training: _Ready, splits: Sequence[tuple[Ints, Ints]], progress: Progress
    ) -> list[VariationViews]:
        """Variations for each part if they depend on its other images; else one for all of them."""
        everything = np.arange(len(training.images))
        sets = [train for train, _ in splits] if maker.borrows else [everything]
        return [self._views(maker, [training.images[row].source for row in rows], rows, progress) for rows in sets]

    def _views(self, maker: Maker, sources: Sequence[Source], rows: Ints, progress: Progress) -> VariationViews:
        """Variations of some images, as an earlier measurement saw them if there was one."""
        words = f"making variations: {maker.name}"
        if self._cache is not None and (known := self._cache.read(maker, sources, rows)) is not None:
            progress.done("view", words, len(rows) * OWN_VIEWS)
            progress.done("variation", words, len(rows) * maker.recipe.variations)
            return known
        made = views_of_variations(
            maker,
            sources,
            rows,
            self._learner,
            self._settings,
            self._seed,
            lambda count: progress.done("view", words, count),
            lambda: progress.done("variation", words),
            progress.stop,
        )
        if self._cache is not None:
            self._cache.write(maker, sources, made)
        return made


def _numbers(ready: _Ready, classes: tuple[str, ...]) -> Ints:
    number = {name: position for position, name in enumerate(classes)}
    return np.array([number[str(one.source.label)] for one in ready.images], np.int64)


def _part(number: int, split: tuple[Ints, Ints], made: dict[str, list[VariationViews]], share: float) -> Part:
    variations = {name: views[min(number, len(views) - 1)] for name, views in made.items()}
    return Part(*split, variations, share)
