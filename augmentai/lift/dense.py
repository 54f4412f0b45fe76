"""The quick look at a detection or segmentation set: what is prepared, made, trained and compared, in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from augmentai.backbone import Backbone
from augmentai.lift.dense_arms import CellVariations, DenseCells, DensePart, Ints, Table, learnable, precisions
from augmentai.lift.dense_cells import cells_of_views, cells_of_whole
from augmentai.lift.dense_images import DenseImage, dense_images
from augmentai.lift.dense_variations import cells_of_variations
from augmentai.lift.folds import fold_of_each
from augmentai.lift.labelled_set import LEAST_PER_CLASS, LiftSet
from augmentai.lift.plan import (
    DENSE_CROPS,
    DENSE_FIT,
    DENSE_VIEW,
    FOLDS,
    MOST_DENSE_CLASSES,
    MOST_DENSE_TEST,
    MOST_DENSE_TRAINING,
    OWN_VIEWS,
    POOL_VIEWS,
    TRAINING_SHARE,
    repeats_for,
    sample,
)
from augmentai.lift.progress import Progress, Work
from augmentai.lift.report import LiftError, LiftTask
from augmentai.lift.variations import Maker
from augmentai.plurals import counted
from augmentai.settings import Settings
from augmentai.types import Source

_NO_CELL = "no object of the test images covers a cell"


@dataclass(frozen=True)
class DenseLook:
    """A finished look.

    Attributes:
        task: what the labels are for.
        classes: names.
        shown: of each class, in how many test images it covers a cell; 0 of one with too few cells to learn from.
        values: of each arm; see `dense_arms.precisions`.
        made: by recipe, the cells of its variations, for each part that they were made for.
        training, pictures: how many images there were to train on, and to test.
        repeats: how often both arms were trained.
        notes: what was left out.
    """

    task: LiftTask
    classes: tuple[str, ...]
    shown: tuple[int, ...]
    values: dict[str, Table]
    made: dict[str, list[CellVariations]]
    training: int
    pictures: int
    repeats: int
    notes: tuple[str, ...]


class DenseMeasurement:
    """The steps of a look, and what all of them need.

    Args:
        data: the set.
        makers: the recipes.
        backbone: the frozen network.
        settings: limits.
        seed: of everything that is drawn.
        folder: for small copies of the images.
    """

    def __init__(
        self,
        data: LiftSet,
        makers: Sequence[Maker],
        backbone: Backbone,
        settings: Settings,
        seed: int,
        folder: Path,
    ) -> None:
        self._data, self._makers, self._backbone = data, makers, backbone
        self._settings, self._seed, self._folder = settings, seed, folder
        self._training = sample(data.training, MOST_DENSE_TRAINING, seed)
        self._test = sample(data.test, MOST_DENSE_TEST, seed)
        self._by_folds = not self._test
        self._repeats = repeats_for(len(self._test or self._training))

    def expected(self) -> dict[Work, int]:
        """How much work there will be, for `Progress`."""
        training, tested = len(self._training), len(self._test or self._training)
        made = [self._images_varied(maker) for maker in self._makers]
        variations = sum(count * maker.recipe.variations for count, maker in zip(made, self._makers, strict=True))
        fits = self._repeats * (FOLDS if self._by_folds else 1) * (1 + len(self._makers))
        return {
            "view": DENSE_VIEW * (POOL_VIEWS * training + tested + DENSE_CROPS * OWN_VIEWS * sum(made)),
            "variation": variations,
            "fit": DENSE_FIT * fits,
        }

    def prices(self) -> list[str]:
        """What the recipes that are not free cost at most, in words."""
        found = ((maker.name, maker.price(self._images_varied(maker))) for maker in self._makers)
        return [f"{name}: {price} by {price.engine}" for name, price in found if price is not None]

    def _images_varied(self, maker: Maker) -> int:
        """Of how many images variations are made, one that is in several folds counted for each."""
        return len(self._training) * (FOLDS - 1 if maker.borrows and self._by_folds else 1)

    def run(self, progress: Progress) -> DenseLook:
        """Take the look.

        Raises:
            LiftError: too few images or objects can be read.
            LiftStoppedError: it was stopped.
        """
        notes = list(self._data.notes)
        training = self._prepared(self._training, "training", progress, notes)
        test = training if self._by_folds else self._prepared(self._test, "test", progress, notes)
        classes = self._classes(training, test, notes)
        cells = self._cells(training, test, classes, progress)
        splits = self._splits(training, test)
        made = {maker.name: self._vary(maker, training, splits, classes, progress) for maker in self._makers}
        changing = [name for name, parts in made.items() if any(one.changed for one in parts)]
        share = 1.0 if self._by_folds else TRAINING_SHARE
        parts = [
            DensePart(*split, {name: made[name][min(number, len(made[name]) - 1)] for name in changing}, share)
            for number, split in enumerate(splits)
        ]
        arms = 1 + len(self._makers)  # those that change nothing are done, too
        values = precisions(
            cells,
            parts,
            changing,
            self._repeats,
            self._seed,
            lambda: progress.done("fit", "comparing", DENSE_FIT * arms),
        )
        covered = [int((cells.tests.classes == number).any((1, 2)).sum()) for number in classes.values()]
        enough = learnable(cells.views, np.arange(len(training)), len(classes))
        shown = tuple(images if one else 0 for images, one in zip(covered, enough, strict=True))
        if not any(shown):
            what = "objects of the training images cover too few cells" if any(covered) else _NO_CELL
            raise LiftError(f"{self._data.name}: {what}; use images of larger ones")
        outlined = sum(one.outlined for one in training) * 2 > sum(bool(one.classes) for one in training)
        notes += [
            *_sampled(len(self._data.training), len(self._training), "training"),
            *_sampled(len(self._data.test), len(self._test), "test"),
            *_unseen(tuple(classes), covered),
            *_too_small(tuple(classes), enough.tolist()),
        ]
        task: LiftTask = "segmentation" if outlined else "detection"
        return DenseLook(
            task, tuple(classes), shown, values, made, len(training), len(test), self._repeats, tuple(notes)
        )

    def _prepared(self, sources: Sequence[Source], name: str, progress: Progress, notes: list[str]) -> list[DenseImage]:
        folder = self._folder / name
        folder.mkdir()
        kept, failed = [], []
        for one in dense_images(sources, folder, self._settings.max_pixels):
            progress.check()
            if one.reason:
                failed.append(f"{one.source.path}: {one.reason}")
            else:
                kept.append(one)
        if failed:
            notes.append(f"left out: {counted(len(failed), 'image')} that cannot be read ({failed[0]})")
        return kept

    def _classes(self, training: Sequence[DenseImage], test: Sequence[DenseImage], notes: list[str]) -> dict[str, int]:
        """Numbers of the classes that are measured, from 1: the most frequent ones, if there are very many."""
        found = Counter(name for one in training for name in one.classes or ())
        learned = [name for name, images in found.most_common() if images >= LEAST_PER_CLASS]
        if not learned or not test:
            reasons = f" ({'; '.join(notes)})" if notes else ""
            raise LiftError(
                f"{self._data.name}: no class is labelled in {LEAST_PER_CLASS} training images or more, and a "
                f"measurement needs one{reasons}"
            )
        if left := len(found) - len(learned):
            left_out = counted(left, "class", "classes")
            notes.append(f"left out: {left_out} labelled in fewer than {LEAST_PER_CLASS} training images")
        if len(learned) > MOST_DENSE_CLASSES:
            notes.append(f"the {MOST_DENSE_CLASSES} most frequent of {len(learned)} classes")
        return {name: number for number, name in enumerate(sorted(learned[:MOST_DENSE_CLASSES]), 1)}

    def _cells(
        self,
        training: Sequence[DenseImage],
        test: Sequence[DenseImage],
        classes: dict[str, int],
        progress: Progress,
    ) -> DenseCells:
        def seen() -> None:
            progress.done("view", "looking at images", DENSE_VIEW)

        views = cells_of_views(training, classes, self._backbone, self._seed, seen)
        tests = cells_of_whole(test, classes, self._backbone, self._seed, seen)
        return DenseCells(views, tests, len(classes))

    def _splits(self, training: Sequence[DenseImage], test: Sequence[DenseImage]) -> list[tuple[Ints, Ints]]:
        """Numbers of the training and test images of each part; of folds, each has its share of rare classes."""
        if not self._by_folds:
            return [(np.arange(len(training)), np.arange(len(test)))]
        images = Counter(name for one in training for name in one.classes or ())
        rarest = [min(one.classes or [""], key=lambda name: (images[name], name)) for one in training]
        sources = [replace(one.source, label=name) for one, name in zip(training, rarest, strict=True)]
        fold = fold_of_each(sources, [one.thumb for one in training], self._seed)
        found = [(np.flatnonzero(fold != number), np.flatnonzero(fold == number)) for number in range(FOLDS)]
        return [(train, tested) for train, tested in found if train.size and tested.size]

    def _vary(
        self,
        maker: Maker,
        training: Sequence[DenseImage],
        splits: Sequence[tuple[Ints, Ints]],
        classes: dict[str, int],
        progress: Progress,
    ) -> list[CellVariations]:
        """Variations for each part if they depend on its other images; else one for all of them."""
        sets = [train for train, _ in splits] if maker.borrows else [np.arange(len(training))]
        return [
            cells_of_variations(
                maker,
                [training[int(row)].source for row in rows],
                rows,
                classes,
                self._backbone,
                self._settings,
                self._seed,
                progress,
            )
            for rows in sets
        ]


def _sampled(all_images: int, chosen: int, what: str) -> list[str]:
    return [] if all_images == chosen else [f"{counted(chosen, f'{what} image')} of {all_images:,}, drawn at random"]


def _too_small(classes: Sequence[str], enough: Sequence[bool]) -> list[str]:
    missing = [name for name, one in zip(classes, enough, strict=True) if not one]
    return [f"not measured: {', '.join(missing)}, of which training images show too few cells"] if missing else []


def _unseen(classes: Sequence[str], shown: Sequence[int]) -> list[str]:
    missing = [name for name, images in zip(classes, shown, strict=True) if not images]
    if not missing:
        return []
    return [f"not measured: {', '.join(missing)}, of which no object of a test image covers a cell of 16 pixels in 320"]
