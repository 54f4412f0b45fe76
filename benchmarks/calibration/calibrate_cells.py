"""Many measurements of sets with boxes or masks, each judged as `augmentai lift` would judge it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from augmentai.backbone import load_backbone
from augmentai.lift.arms import BASELINE
from augmentai.lift.cells import Cells
from augmentai.lift.dense_arms import DenseCells, DensePart, learnable, precisions
from augmentai.lift.labelled_set import LEAST_PER_CLASS, LiftSet
from augmentai.lift.plan import TRAINING_SHARE, repeats_for
from augmentai.lift.statistics import effect
from augmentai.lift.variations import Maker
from augmentai.lift.views import seeded
from augmentai.settings import Settings
from benchmarks.calibration.cell_pool import CellPool, read_cell_pool
from benchmarks.calibration.pool import CalibrationError, Ints
from benchmarks.calibration.summary import Answer, Row, summarise

if TYPE_CHECKING:
    from benchmarks.calibration.plan import CalibrationPlan

_ATTEMPTS = 1000  # draws of training images, until one shows each class often enough


def calibrate_cells(
    data: LiftSet,
    makers: Sequence[Maker],
    plan: CalibrationPlan,
    report: Callable[[str], None],
    settings: Settings,
    on_rows: Callable[[Sequence[Row]], None],
) -> list[Row]:
    """Draw small sets from a large one, and judge each; see `calibrate`.

    Each draw has `plan.shots` training images in all, of which two at least show each class; they are drawn from
    `plan.pool`. Test images are other ones, drawn for each draw.

    Raises:
        CalibrationError: the set is too small for a plan.
    """
    answers: list[Answer] = []
    with tempfile.TemporaryDirectory(prefix="augmentai-calibration-") as folder:
        report(f"{data.name}: looking at images and making variations")
        backbone, most = load_backbone(), 2 * max(plan.tests)
        pool = read_cell_pool(data, plan.pool, most, makers, backbone, settings, plan.seed, Path(folder))
    if len(pool.tests.classes) < max(plan.tests):
        raise CalibrationError(
            f"{pool.name}: {len(pool.tests.classes)} test images; expected {max(plan.tests)} or more"
        )
    for number in range(plan.draws):
        for shots in plan.shots:
            answers += _draw(pool, plan, shots, number)
            on_rows(summarise(answers))
            report(f"{pool.name}: draw {number + 1} of {plan.draws}, {shots} images")
    return summarise(answers)


def _draw(pool: CellPool, plan: CalibrationPlan, shots: int, number: int) -> Iterator[Answer]:
    rng = seeded(plan.seed, "draw", shots, number)
    train, seed = _training(pool, shots, rng), plan.seed + number
    test = rng.permutation(len(pool.tests.classes))
    for count in plan.tests:
        rows = np.sort(test[:count])
        tests = Cells(pool.tests.features[rows], pool.tests.classes[rows])
        part = DensePart(train, np.arange(count), pool.made, TRAINING_SHARE)
        cells = DenseCells(pool.views, tests, len(pool.classes))
        found = precisions(cells, [part], list(pool.made), repeats_for(count), seed, _ignore)
        shown = ~np.isnan(found[BASELINE]).any((0, 1)) & learnable(pool.views, train, len(pool.classes))
        before = found[BASELINE][..., shown].mean(-1)
        for name in pool.made:
            one = effect(found[name][..., shown].mean(-1) - before, seed=seed, few_views=True)
            yield Answer(pool.name, name, shots, str(count), one.mean, one.interval, one.error)


def _training(pool: CellPool, shots: int, rng: np.random.Generator) -> Ints:
    """Numbers of so many training images; two of them at least show each class, since else it would be left out."""
    shows = np.array([[name in (one.classes or ()) for name in pool.classes] for one in pool.training])
    for _ in range(_ATTEMPTS):
        chosen = np.sort(rng.permutation(len(shows))[:shots])
        if (shows[chosen].sum(0) >= LEAST_PER_CLASS).all():
            return chosen
    raise CalibrationError(f"{pool.name}: {shots} images that show each class twice were not found; draw more")


def _ignore() -> None:
    """For a measurement that shows no progress."""
