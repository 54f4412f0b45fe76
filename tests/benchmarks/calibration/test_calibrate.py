"""The calibration measures what `augmentai.lift.measure` measures."""

from __future__ import annotations

from pathlib import Path

import pytest

from augmentai.lift import measure
from benchmarks.calibration import CalibrationError, CalibrationPlan, calibrate
from benchmarks.calibration.calibrate import RECIPES


def _silent(words: str) -> None:
    """For a test, which shows nothing."""


def test_a_draw_of_all_images_is_the_measurement_itself(shapes_set: Path) -> None:
    """With nothing left out, views, variations, trainings and interval are those of the product."""
    plan = CalibrationPlan((3,), 1, (12,), pool=3, recipes=("local GAN",))
    nothing, row = calibrate(shapes_set, plan, _silent)
    measured = measure(shapes_set, {row.recipe: RECIPES[row.recipe]}, seed=plan.seed).recipes[0]
    assert (nothing.recipe, row.recipe) == ("nothing", "local GAN")
    assert row.mean == measured.difference
    assert (row.helps, row.hurts) == (int(measured.verdict == "helps"), int(measured.verdict == "hurts"))


def test_by_folds(shapes_set: Path) -> None:
    rows = calibrate(shapes_set, CalibrationPlan((3,), 2, (), folds=True, pool=3, recipes=()), _silent)
    assert [(row.recipe, row.tested, row.draws) for row in rows] == [("nothing", "folds", 2)]


def test_what_borrows_is_made_anew_for_each_draw(shapes_set: Path) -> None:
    plan = CalibrationPlan((2,), 2, (6, 12), pool=3, strict=True, recipes=("background",))
    rows = calibrate(shapes_set, plan, _silent)
    assert [(row.recipe, row.tested, row.draws) for row in rows] == [
        ("nothing", "6", 2),
        ("background", "6", 2),
        ("nothing", "12", 2),
        ("background", "12", 2),
    ]


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        pytest.param(CalibrationPlan((4,), 1, (12,), recipes=()), "drawing 4", id="training images"),
        pytest.param(CalibrationPlan((2,), 1, (60,), recipes=()), "12 test images; expected 60", id="test images"),
    ],
)
def test_a_set_that_is_too_small(shapes_set: Path, plan: CalibrationPlan, words: str) -> None:
    with pytest.raises(CalibrationError, match=words):
        calibrate(shapes_set, plan, _silent)


def test_a_set_without_test_images(shapes_set: Path) -> None:
    with pytest.raises(CalibrationError, match="expected a train and a test folder"):
        calibrate(shapes_set / "train", CalibrationPlan(recipes=()), _silent)
