"""Arms on made-up features that say what a cell shows: variations with right, wrong and no labels."""

from __future__ import annotations

import numpy as np
import pytest

from augmentai.lift.arms import BASELINE
from augmentai.lift.cells import Cells
from augmentai.lift.dense_arms import CellVariations, DenseCells, DensePart, precisions
from augmentai.lift.report import Verdict
from augmentai.lift.statistics import effect

WIDTH, CLASSES, CELLS = 6, 2, 10


def made_up(images: int, views: int, seed: int, labelled: tuple[int, ...] = (0, 1, 2)) -> Cells:
    """Cells whose features are their class and noise; `labelled` is what the labels call ground and both classes."""
    rng = np.random.default_rng(seed)
    shown = rng.integers(0, CLASSES + 1, (images, views, CELLS))
    features = rng.normal(0, 0.7, (*shown.shape, WIDTH)) + np.eye(WIDTH)[shown]
    return Cells(features.astype(np.float16), np.array(labelled)[shown].astype(np.int16))


@pytest.mark.parametrize(
    ("labelled", "verdict"),
    [
        pytest.param((0, 1, 2), "cannot tell", id="right labels"),
        pytest.param((0, 2, 1), "hurts", id="classes exchanged"),
        pytest.param((1, 0, 0), "hurts", id="ground and objects exchanged"),
    ],
)
def test_variations(labelled: tuple[int, ...], verdict: Verdict) -> None:
    cells = DenseCells(made_up(8, 24, 1), made_up(30, 1, 2), CLASSES)
    every = np.arange(8)
    variations = CellVariations(every, made_up(8, 8, 3, labelled), np.ones((8, 8), bool))
    part = DensePart(every, np.arange(30), {"varied": variations}, share=0.8)
    found = precisions(cells, [part], ["varied"], repeats=3, seed=1, on_fit=lambda: None)
    assert found[BASELINE].shape == (3, 30, CLASSES)
    assert found[BASELINE].mean() > 0.6
    assert effect((found["varied"] - found[BASELINE]).mean(-1)).verdict == verdict


def test_repeats_draw_from_several_crops_of_each_variation() -> None:
    """Every other crop has wrong labels, so that what is learned is worse than from the right ones alone."""
    cells, every = DenseCells(made_up(8, 24, 1), made_up(30, 1, 2), CLASSES), np.arange(8)
    right, wrong = made_up(8, 8, 3), made_up(8, 8, 3, (1, 0, 0))
    both = Cells(np.concatenate([right.features, wrong.features], 1), np.concatenate([right.classes, wrong.classes], 1))
    values = {}
    for name, shown in (("right", right), ("both", both)):
        variations = CellVariations(every, shown, np.ones(shown.classes.shape[:2], bool))
        part = DensePart(every, np.arange(30), {name: variations})
        values |= precisions(cells, [part], [name], repeats=2, seed=1, on_fit=lambda: None)
    assert values["both"].mean() < values["right"].mean() - 0.01


def test_variations_that_could_not_be_made_are_views_of_the_images() -> None:
    cells, every = DenseCells(made_up(5, 24, 1), made_up(10, 1, 2), CLASSES), np.arange(5)
    nothing = CellVariations(every, Cells(np.zeros((5, 8, CELLS, 0), np.float16), np.full((5, 8, CELLS), -1, np.int16)),
                             np.zeros((5, 8), bool))  # fmt: skip
    found = precisions(cells, [DensePart(every, np.arange(10), {"failed": nothing})], ["failed"], 2, 1, lambda: None)
    assert found["failed"].mean() == pytest.approx(found[BASELINE].mean(), abs=0.1)


def test_folds_fill_all_images_and_a_class_nobody_shows_is_no_number() -> None:
    views, tests = made_up(6, 24, 1), made_up(6, 1, 2)
    tests.classes[tests.classes == 2] = 0
    halves = [np.arange(3), np.arange(3, 6)]
    parts = [DensePart(halves[0], halves[1], {}), DensePart(halves[1], halves[0], {})]
    found = precisions(DenseCells(views, tests, CLASSES), parts, [], 1, 1, lambda: None)[BASELINE]
    assert np.isfinite(found[..., 0]).all()
    assert np.isnan(found[..., 1]).all()
