"""The two arms: probes trained on views of the images alone, and on as many of which half show variations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from augmentai.lift.plan import OWN_VIEWS, SHARED_VIEWS
from augmentai.lift.probe import fit
from augmentai.lift.variations import VariationViews
from augmentai.lift.views import seeded
from augmentai.system.threads import in_order

Half = np.ndarray[Any, np.dtype[np.float16]]
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
    """Features of all images.

    Shape:
        views: float16 (training images, pool, width); labels: int64 (training images,);
        tests: of each kind of test image ("clean", "shifted"), float16 (test images, width);
        test_labels: int64 (test images,).
    """

    views: Half
    labels: Ints
    tests: Mapping[str, Half]
    test_labels: Ints
    classes: int


Scores = dict[str, dict[str, np.ndarray[Any, np.dtype[np.bool_]]]]
BASELINE = ""  # the name of the arm without variations


def scores(
    images: Images, parts: Sequence[Part], recipes: Sequence[str], repeats: int, seed: int, on_fit: Callable[[], None]
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
        on_fit: called after each repeat of each part.

    Returns:
        For each kind of test image and each arm, whether the prediction was right: bool (repeats, test images).
    """
    import torch

    arms = (BASELINE, *recipes)
    count = len(images.test_labels)
    found: Scores = {kind: {arm: np.zeros((repeats, count), bool) for arm in arms} for kind in images.tests}
    work = [(repeat, number) for repeat in range(repeats) for number in range(len(parts))]

    def one(item: tuple[int, int]) -> dict[tuple[str, str], Ints]:
        torch.set_num_threads(1)  # of this thread's: two fits at once are quicker than one after the other
        repeat, number = item
        return _predictions(images, parts[number], arms, seeded(seed, "repeat", repeat, number))

    for (repeat, number), predicted in zip(work, in_order(one, work, "fit"), strict=True):
        test = parts[number].test
        for (kind, arm), classes in predicted.items():
            found[kind][arm][repeat, test] = classes == images.test_labels[test]
        on_fit()
    return found


def _predictions(
    images: Images, part: Part, arms: Sequence[str], rng: np.random.Generator
) -> dict[tuple[str, str], Ints]:
    train = part.train if part.share == 1 else _subset(part.train, images.labels, part.share, rng)
    order = rng.permuted(np.tile(np.arange(images.views.shape[1]), (len(train), 1)), axis=1)
    drawn = np.take_along_axis(images.views[train], order[:, : SHARED_VIEWS + 2 * OWN_VIEWS, None], axis=1)
    shared, own, spare = np.split(drawn, [SHARED_VIEWS, SHARED_VIEWS + OWN_VIEWS], axis=1)
    labels = np.repeat(images.labels[train], SHARED_VIEWS + OWN_VIEWS)
    found = {}
    for arm in arms:
        second = own
        if arm != BASELINE:
            views = part.variations[arm]
            rows = views.rows_of(train)
            second = np.where(views.made[rows][..., None], views.features[rows], spare)
        training = np.concatenate([shared, second], 1).astype(np.float32)
        probe = fit(training.reshape(-1, training.shape[-1]), labels, images.classes)
        for kind, tests in images.tests.items():
            found[kind, arm] = probe.predict(tests[part.test].astype(np.float32))
    return found


def _subset(train: Ints, labels: Ints, share: float, rng: np.random.Generator) -> Ints:
    """A share of the images of each class, one at least."""
    kept = []
    for number in np.unique(labels[train]):
        own = train[labels[train] == number]
        kept.append(rng.permutation(own)[: max(1, round(share * len(own)))])
    return np.sort(np.concatenate(kept))
