"""The table of what techniques are worth."""

from __future__ import annotations

from benchmarks.worth.table import markdown, summarise

DRAWS = {"clean": [1.0, 3.0], "shifted": [0.0, 0.0]}
OTHER = {"clean": [-1.0, -1.0], "shifted": [1.0, 1.0]}


def test_a_mean_its_error_over_the_sets_and_the_worst_and_best_set() -> None:
    table = markdown(summarise({"a": {5: {"crop": DRAWS}}, "b": {5: {"crop": OTHER}}}))
    assert "| added | clean, 5 per class | shifted, 5 per class |" in table
    assert "| crop | +0.5 ± 1.5 (-1.0 to +2.0) | +0.5 ± 0.5 (+0.0 to +1.0) |" in table


def test_a_set_without_enough_images_leaves_a_gap() -> None:
    """Numbers of training images that only one set has are of that set alone."""
    table = markdown(summarise({"a": {5: {"crop": DRAWS}, 10: {"crop": DRAWS}}, "b": {5: {"crop": OTHER}}}))
    assert "| crop | +0.5 ± 1.5 (-1.0 to +2.0) | +0.5 ± 0.5 (+0.0 to +1.0) | +2.0 (+2.0 to +2.0) |" in table
