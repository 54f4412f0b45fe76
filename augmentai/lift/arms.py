"""The two arms: models trained on views of the images alone, and on as many of which half show variations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from augmentai.lift.learners import Learner
from augmentai.lift.plan import OWN_VIEWS, SHARED_VIEWS
from augmentai.lift.stored_rows import Views
from augmentai.lift.variations import VariationViews
from augmentai.lift.views import seeded
from augmentai.system.threads import in_order

Rows = np.ndarray[Any, Any]  # what a learner knows of views: float16 features, or uint8 pixels
Ints = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Part:
    """One training set and the images that its models are tested on; with folds there are several.

    Attributes:
        train: numbers of the training images.
        test: numbers of the test images.
        variations: for each recipe, views of variations, among others those of these training images.
        share: of the training images of each class that a repeat trains on, at random.
    """

    train: Ints
    test: Ints
    variations: Mapping[str, VariationViews]
    share: float = 1.0


@dataclass(frozen=True)
class Images:
    """What is known of all images.

    Shape:
        views: (training images, pool, width); labels: int64 (training images,);
        tests: of each kind of test image ("clean", "shifted"), (test images, 1, width);
        test_labels: int64 (test images,).
    """

    views: Views
    labels: Ints
    tests: Mapping[str, Views]
    test_labels: Ints
    classes: int


Scores = dict[str, dict[str, np.ndarray[Any, np.dtype[np.bool_]]]]
BASELINE = ""  # the name of the arm without variations


def scores(
    images: Images,
    parts: Sequence[Part],
    recipes: Sequence[str],
    repeats: int,
    seed: int,
    learner: Learner,
    on_work: Callable[[int], None],
) -> Scores:
    """Train every arm in every repeat, and test it.

    Each repeat draws other views. An arm trains on 8 views that all arms share and on 8 of its own: more views of the
    images, or views of a recipe's variations. Views of the images stand in for variations that could not be made.

    Args:
        images: what is known of them.
        parts: training and test images.
        recipes: names of the arms with variations.
        repeats: how often.
        seed: of all draws.
        learner: what is trained.
        on_work: called with how many units of work were done; what it raises ends everything.

    Returns:
        For each kind of test image and each arm, whether the prediction was right: bool (repeats, test images).
    """
    import torch

    arms = (BASELINE, *recipes)
    count = len(images.test_labels)
    found: Scores = {kind: {arm: np.zeros((repeats, count), bool) for arm in arms} for kind in images.tests}
    work = [(repeat, number) for repeat in range(repeats) for number in range(len(parts))]

    def one(item: tuple[int, int]) -> dict[tuple[str, str], Ints]:
        repeat, number = item
        if learner.at_once:
            torch.set_num_threads(1)  # of this thread's: two fits at once are quicker than one after the other
        on_unit = _nothing if learner.at_once else lambda: on_work(1)
        return _predictions(images, parts[number], arms, seeded(seed, "repeat", repeat, number), learner, on_unit)

    done = in_order(one, work, "fit") if learner.at_once else map(one, work)
    for (repeat, number), predicted in zip(work, done, strict=True):
        test = parts[number].test
        for (kind, arm), classes in predicted.items():
            found[kind][arm][repeat, test] = classes == images.test_labels[test]
        if learner.at_once:
            on_work(len(arms))
    return found


def _nothing() -> None:
    """For trainings side by side, whose work is counted when they are finished."""


def _predictions(
    images: Images,
    part: Part,
    arms: Sequence[str],
    rng: np.random.Generator,
    learner: Learner,
    on_unit: Callable[[], None],
) -> dict[tuple[str, str], Ints]:
    train = part.train if part.share == 1 else _subset(part.train, images.labels, part.share, rng)
    order = rng.permuted(np.tile(np.arange(images.views.shape[1]), (len(train), 1)), axis=1)
    labels = np.repeat(images.labels[train], SHARED_VIEWS + OWN_VIEWS)
    seed = int(rng.integers(2**31))  # the same for every arm
    found = {}
    for arm in arms:
        views = part.variations[arm] if arm != BASELINE else None
        model = learner.train(_Taken(images, train, order, views), labels, images.classes, seed, on_unit)
        for kind, tests in images.tests.items():
            found[kind, arm] = model.predict(partial(_of_tests, tests, part.test), len(part.test))
    return found


def _of_tests(tests: Views, test: Ints, numbers: Ints) -> Rows:
    return tests[test[numbers], 0]


@dataclass(frozen=True)
class _Taken:
    """The training views of one arm, taken by their numbers: 16 of each image, one image after the other.

    The first 8 are views that all arms share. The others are more views of the image or, of a recipe, views of its
    variations; further views of the image stand in for variations that could not be made.
    """

    images: Images
    train: Ints
    order: Ints  # of the views of each image
    variations: VariationViews | None

    def __call__(self, numbers: Ints) -> Rows:
        image, column = np.divmod(numbers, SHARED_VIEWS + OWN_VIEWS)
        if self.variations is None:
            return self._own(image, column)
        rows, own = self.variations.rows_of(self.train[image]), np.maximum(column - SHARED_VIEWS, 0)
        varied = (column >= SHARED_VIEWS) & self.variations.made[rows, own]
        out = self._own(image, np.where(column < SHARED_VIEWS, column, column + OWN_VIEWS))
        out[varied] = self.variations.features[rows[varied], own[varied]]
        return out

    def _own(self, image: Ints, column: Ints) -> Rows:
        return self.images.views[self.train[image], self.order[image, column]]


def _subset(train: Ints, labels: Ints, share: float, rng: np.random.Generator) -> Ints:
    """A share of the images of each class, one at least."""
    kept = []
    for number in np.unique(labels[train]):
        own = train[labels[train] == number]
        kept.append(rng.permutation(own)[: max(1, round(share * len(own)))])
    return np.sort(np.concatenate(kept))
