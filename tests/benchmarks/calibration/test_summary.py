"""From answers to shares, spreads and the number of test images that an effect needs."""

from __future__ import annotations

import pytest

from benchmarks.calibration.summary import Answer, found_with, markdown, needed, summarise


def _answers(tested: str, differences: list[float], half_width: float) -> list[Answer]:
    return [Answer("set", "x", 5, tested, d, (d - half_width, d + half_width), half_width / 2) for d in differences]


def test_a_row_tells_answers_apart() -> None:
    (row,) = summarise(_answers("60", [3, -3, 0, 4], 2))
    assert (row.draws, row.helps, row.hurts, row.mean, row.error, row.covered) == (4, 2, 1, 1.0, 1.0, 2)
    assert row.spread == pytest.approx(3.16, abs=0.01)
    assert "| set, 5 | x | 60 | 2 of 4 | 1 of 4 | +1.0 | 3.2 | 1.0 | 2 of 4 |" in markdown([row])


@pytest.mark.parametrize(
    ("sign", "fewest"),
    [pytest.param(1, 120, id="helps"), pytest.param(-1, 120, id="hurts"), pytest.param(0, None, id="none")],
)
def test_the_test_images_that_an_effect_needs(sign: int, fewest: int | None) -> None:
    differences = [sign * size for size in (3.0, 4, 5, 6, 7)]
    answers = _answers("60", differences, 6) + _answers("120", differences, 3.5) + _answers("folds", differences, 1)
    rows = summarise(answers)
    assert found_with(rows) == fewest
    assert len(needed(rows)) == (fewest is not None)
