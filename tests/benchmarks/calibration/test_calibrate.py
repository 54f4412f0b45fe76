"""The calibration measures what `augmentai.lift.measure` measures."""

from __future__ import annotations

from pathlib import Path

import pytest

from augmentai.lift import measure
from benchmarks.calibration import CalibrationError, CalibrationPlan, calibrate
from benchmarks.calibration.calibrate import RECIPES

PLAIN = "background, plain"


def _silent(words: str) -> None:
    """For a test, which shows nothing."""


@pytest.mark.parametrize(
    ("tests", "folds"), [pytest.param((12,), False, id="test images"), pytest.param((), True, id="folds")]
)
def test_a_draw_of_all_images_is_the_measurement_itself(shapes_set: Path, tests: tuple[int, ...], folds: bool) -> None:
    """With nothing left out, views, variations, trainings and interval are those of the product."""
    plan = CalibrationPlan((3,), 1, tests, folds, pool=3, strict=folds, recipes=(PLAIN,))
    (nothing, drawn) = calibrate(shapes_set, plan, _silent)
    report = measure(shapes_set / "train" if folds else shapes_set, {PLAIN: RECIPES[PLAIN]}, seed=plan.seed)
    measured = report.recipes[0]
    assert (nothing.recipe, drawn.recipe) == ("nothing", PLAIN)
    assert drawn.mean == measured.difference
    assert (drawn.helps, drawn.hurts) == (int(measured.verdict == "helps"), int(measured.verdict == "hurts"))


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
