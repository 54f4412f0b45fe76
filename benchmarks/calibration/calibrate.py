"""Many measurements: small training and test sets drawn from a pool, each judged as `augmentai lift` would judge it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from augmentai.backbone import cached, load_backbone
from augmentai.lift.arms import BASELINE, Images, Part, scores
from augmentai.lift.folds import fold_of_each
from augmentai.lift.labelled_set import read_set
from augmentai.lift.learners import LinearProbe
from augmentai.lift.measure import makers_of
from augmentai.lift.plan import FOLDS, TRAINING_SHARE, repeats_for
from augmentai.lift.statistics import effect
from augmentai.lift.variations import Maker, VariationViews
from augmentai.lift.views import seeded
from augmentai.settings import Settings, load_settings
from benchmarks.calibration.calibrate_cells import calibrate_cells
from benchmarks.calibration.plan import RECIPES, CalibrationPlan
from benchmarks.calibration.pool import NOTHING, CalibrationError, Ints, Pool, read_pool
from benchmarks.calibration.summary import BY_FOLDS, Answer, Row, summarise


def calibrate(
    path: Path,
    plan: CalibrationPlan,
    report: Callable[[str], None],
    settings: Settings | None = None,
    on_rows: Callable[[Sequence[Row]], None] = lambda rows: None,
) -> list[Row]:
    """Draw small sets from a large one, and judge each.

    Args:
        path: a folder with training and test images of the same classes, or a set with boxes or masks; of that, any
            split.
        plan: what is drawn.
        report: told what is being done.
        settings: for the engines; read from the environment by default.
        on_rows: given the rows so far after each draw.

    Returns:
        A row for each recipe, each number of training images of a class and each number of test images.

    Raises:
        CalibrationError: the set is too small for a plan.
        augmentai.lift.report.LiftError: it is no set that can be measured.
    """
    settings = settings or load_settings()
    recipes = {name: RECIPES[name] for name in plan.recipes}
    makers = makers_of(recipes, settings, plan.seed, paid=False, folds=False)
    data = read_set(path, None, settings)
    if data.task != "classification":
        return calibrate_cells(data, makers, plan, report, settings, on_rows)
    learner = LinearProbe(cached(load_backbone(), settings))
    with tempfile.TemporaryDirectory(prefix="augmentai-calibration-") as folder:
        once = [maker for maker in makers if not (plan.strict and maker.borrows)]
        report(f"{data.name}: looking at images and making variations")
        pool = read_pool(data, plan.pool, once, learner, settings, plan.seed, Path(folder))
        _check(pool, plan)
        answers: list[Answer] = []
        for number in range(plan.draws):  # outside of the sizes, so that an interrupted run covers all of them
            for shots in plan.shots:
                answers += _draw(pool, makers, plan, shots, number)
                on_rows(summarise(answers))
                report(f"{data.name}: draw {number + 1} of {plan.draws}, {shots} per class")
    return summarise(answers)


def _check(pool: Pool, plan: CalibrationPlan) -> None:
    fewest, needed = int(np.bincount(pool.labels, minlength=len(pool.classes)).min()), max(plan.shots)
    if fewest < needed:
        raise CalibrationError(f"{pool.name}: a class has {fewest} training images; drawing {needed} needs as many")
    if len(pool.test_labels) < max(plan.tests, default=0):
        raise CalibrationError(f"{pool.name}: {len(pool.test_labels)} test images; expected {max(plan.tests)} or more")


def _draw(pool: Pool, makers: Sequence[Maker], plan: CalibrationPlan, shots: int, number: int) -> Iterator[Answer]:
    """One training set, judged on test images and by folds."""
    rng = seeded(plan.seed, "draw", shots, number)
    train = np.sort(first_of_each(pool.labels, len(pool.classes), rng)[: shots * len(pool.classes)])
    test = first_of_each(pool.test_labels, len(pool.classes), rng)
    seed = plan.seed + number
    known = dict(pool.made)
    if plan.tests:
        fresh = {maker.name: pool.vary(maker, train) for maker in makers if maker.name not in known}
        yield from _on_tests(pool, plan, shots, train, test[: max(plan.tests)], {**known, **fresh}, seed)
    if plan.folds:
        yield from _by_folds(pool, makers, plan, shots, train, seed)


def first_of_each(labels: Ints, classes: int, rng: np.random.Generator) -> Ints:
    """All images in random order, one of each class after the other: any number of the first is evenly distributed.

    Example:
        >>> labels = np.array([0, 0, 0, 1, 1, 1])
        >>> sorted(labels[first_of_each(labels, 2, np.random.default_rng(1))[:4]].tolist())
        [0, 0, 1, 1]
    """
    shuffled = rng.permutation(len(labels))
    rank = np.empty(len(labels), np.int64)
    for one in range(classes):
        own = shuffled[labels[shuffled] == one]
        rank[own] = np.arange(len(own))
    place = np.argsort(shuffled)
    return np.lexsort((place, rank))


def _on_tests(
    pool: Pool,
    plan: CalibrationPlan,
    shots: int,
    train: Ints,
    test: Ints,
    made: Mapping[str, VariationViews],
    seed: int,
) -> Iterator[Answer]:
    images = Images(
        pool.views, pool.labels, {"clean": pool.tests["clean"][test]}, pool.test_labels[test], len(pool.classes)
    )
    part = Part(train, np.arange(len(test)), made, TRAINING_SHARE)
    most = max(repeats_for(count) for count in plan.tests)
    found = scores(images, [part], list(made), most, seed, pool.learner, _ignore)["clean"]
    for count in plan.tests:
        # The first repeats are the same, however many follow.
        kept = {arm: right[: repeats_for(count), :count] for arm, right in found.items()}
        yield from _answers(pool, shots, str(count), kept, seed)


def _by_folds(
    pool: Pool, makers: Sequence[Maker], plan: CalibrationPlan, shots: int, train: Ints, seed: int
) -> Iterator[Answer]:
    """Each image of a training set tested in turn; borrowed are only images of the other folds."""
    drawn = [pool.training[row] for row in train]
    fold = fold_of_each([one.source for one in drawn], [one.thumb for one in drawn], seed)
    folds = [(train[fold != one], np.flatnonzero(fold == one)) for one in range(FOLDS) if (fold == one).any()]
    recipes = {maker.name: maker.recipe for maker in makers if plan.strict or not maker.borrows}
    anew = [one for one in makers_of(recipes, pool.settings, plan.seed, False, folds=True) if one.borrows]
    names = [NOTHING, *recipes]
    parts = []
    for learned, tested in folds:
        fresh = {maker.name: pool.vary(maker, learned) for maker in anew}
        parts.append(Part(learned, tested, {name: fresh.get(name) or pool.made[name] for name in names}))
    tests = {"clean": pool.whole[train]}
    images = Images(pool.views, pool.labels, tests, pool.labels[train], len(pool.classes))
    found = scores(images, parts, names, repeats_for(len(train)), seed, pool.learner, _ignore)["clean"]
    yield from _answers(pool, shots, BY_FOLDS, found, seed)


def _answers(
    pool: Pool, shots: int, tested: str, found: Mapping[str, np.ndarray[Any, Any]], seed: int
) -> Iterator[Answer]:
    for name, right in found.items():
        if name != BASELINE:
            one = effect(right.astype(np.float32) - found[BASELINE].astype(np.float32), seed=seed)
            yield Answer(pool.name, name, shots, tested, one.mean, one.interval, one.error)


def _ignore(units: int) -> None:
    """For a measurement that shows no progress."""
