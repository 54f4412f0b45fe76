"""What the tab says before the click: what will be done and how long it takes, or why nothing can be measured."""

from __future__ import annotations

import pytest

from augmentai.web.lift_texts import forecast, progress
from augmentai.web.lift_time import LiftSize

TWO = ["cats", "dogs"]


@pytest.mark.parametrize(
    ("size", "names", "expected"),
    [
        pytest.param(LiftSize(0, 0, 1), [], "First drop a set", id="nothing"),
        pytest.param(LiftSize(8, 0, 1), [None], "cannot be measured: its images have no classes", id="no class"),
        pytest.param(LiftSize(8, 0, 1), ["<b>"], "it has one class (&lt;b&gt;)", id="one class"),
        pytest.param(LiftSize(8, 0, 0), TWO, "Choose what to measure", id="no recipe"),
        pytest.param(LiftSize(8, 0, 2), TWO, "2 recipes on 8 images, tested on each image in turn", id="folds"),
        pytest.param(LiftSize(8, 0, 2), TWO, "With 8 test images, expect intervals of about ±16 points", id="few"),
        pytest.param(LiftSize(8, 100, 1), TWO, "1 recipe on 8 images, tested on 100 held-out images", id="a split"),
        pytest.param(LiftSize(8, 100, 1), TWO, "· free · about 75 s", id="the time"),
        pytest.param(LiftSize(9, 0, 1), [], "1 recipe on 9 images", id="labels in files: known later"),
        pytest.param(LiftSize(9, 0, 1, True), [], "points are of mean average precision", id="boxes or masks"),
    ],
)
def test_before_the_click(size: LiftSize, names: list[str | None], expected: str) -> None:
    assert expected in forecast(size, 75.0, names)


def test_progress_says_how_long_once_that_is_known() -> None:
    assert "left" not in progress("looking", 0.01, 60)
    assert "<b>25 %</b> · Looking at &lt;images&gt; · about 45 s left" in progress("looking at <images>", 0.25, 15)
