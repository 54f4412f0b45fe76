"""The calibration of sets with masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from benchmarks.calibration import CalibrationError, CalibrationPlan, calibrate

SIDE_PX = 64


@pytest.fixture(scope="module")
def discs_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight photographs, each with a mask beside it."""
    home = tmp_path_factory.mktemp("cells") / "discs"
    rng = np.random.default_rng(1)
    for number in range(8):
        image = Image.fromarray(rng.integers(0, 256, (SIDE_PX, SIDE_PX, 3), dtype=np.uint8))
        mask = Image.new("L", image.size, 0)
        x, y = (int(one) for one in rng.integers(4, 24, 2))
        for drawn, colour in ((image, tuple(map(int, rng.integers(0, 256, 3)))), (mask, 255)):
            ImageDraw.Draw(drawn).ellipse((x, y, x + 32, y + 32), colour)
        for folder, drawn in (("images", image), ("masks", mask)):
            (home / folder).mkdir(parents=True, exist_ok=True)
            drawn.save(home / folder / f"{number}.png")
    return home


def test_draws_of_training_and_test_images(discs_set: Path) -> None:
    plan = CalibrationPlan((2,), 2, (3,), pool=3, recipes=())
    rows = calibrate(discs_set, plan, lambda words: None)
    assert [(row.recipe, row.shots, row.tested, row.draws) for row in rows] == [("nothing", 2, "3", 2)]
    assert rows[0].spread is not None


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        pytest.param(
            CalibrationPlan((2,), 1, (3,), pool=8, recipes=()), "a pool needs more than 8", id="no test image"
        ),
        pytest.param(CalibrationPlan((2,), 1, (30,), pool=3, recipes=()), "expected 30 or more", id="few test images"),
        pytest.param(CalibrationPlan((1,), 1, (3,), pool=3, recipes=()), "draw more", id="few training images"),
    ],
)
def test_a_set_that_is_too_small(discs_set: Path, plan: CalibrationPlan, words: str) -> None:
    with pytest.raises(CalibrationError, match=words):
        calibrate(discs_set, plan, lambda words: None)
