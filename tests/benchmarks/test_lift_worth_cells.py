"""What operations are worth on sets with boxes: what is measured, and the table."""

from __future__ import annotations

from benchmarks.lift_worth_cells import table
from benchmarks.worth import techniques


def test_every_operation_is_measured_those_that_need_labels_first() -> None:
    names = [one.name for one in techniques("labelled")]
    assert names[:2] == ["copy_paste", "objects"]
    assert names[2:] == [one.name for one in techniques("operations")]


def test_the_table_shows_each_draw() -> None:
    known = {
        "cells": {"differences": {"crop": {"1": 1.0, "2": 2.0}, "flip": {"1": -0.5}}},
        "tiles": {"differences": {"crop": {"1": -1.25}}},
    }
    assert table(known).splitlines()[2:] == ["| crop | +1.5 ± 0.5 (+1.0, +2.0) | -1.2 |", "| flip | -0.5 |  |"]
