"""What the small network learns from labels, and the table of what it learned."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from augmentai.annotations import Labels, Shape
from benchmarks import lift_small_network
from benchmarks.lift_small_network import SIDE_PX, STRIDE, Small, class_map, score, table, trained

KINDS: dict[str, Any] = {
    "a box": Shape("cell", (2.0, 1.0, 6.0, 4.0)),
    "an outline": Shape("cell", None, (((2.0, 1.0), (6.0, 1.0), (6.0, 4.0), (2.0, 4.0)),)),
    "a bitmap": Shape("cell", None, mask=np.pad(np.ones((3, 4), bool), ((1, 2), (2, 2)))),
}


@pytest.mark.parametrize("kind", KINDS)
def test_pixels_of_an_object_are_of_its_class(kind: str) -> None:
    expected = np.zeros((6, 8), int)
    expected[1:4, 2:6] = 1
    numbers: dict[str, int] = {}
    assert np.asarray(class_map(Labels((KINDS[kind],)), (8, 6), numbers)).tolist() == expected.tolist()
    assert numbers == {"cell": 1}


def test_smaller_objects_are_in_front() -> None:
    shapes = (Shape("small", (1.0, 1.0, 3.0, 3.0)), Shape("large", (0.0, 0.0, 8.0, 6.0)))
    numbers = {"large": 1, "small": 2}
    assert np.asarray(class_map(Labels(shapes), (8, 6), numbers))[2].tolist() == [1, 2, 2, 1, 1, 1, 1, 1]


def test_it_learns_what_a_colour_shows() -> None:
    x = torch.zeros(4, 3, SIDE_PX, SIDE_PX) - 0.5
    y = torch.zeros(4, SIDE_PX, SIDE_PX, dtype=torch.long)
    for number in range(4):
        x[number, 0, 8 * number + 10 : 8 * number + 50, 20:70] = 0.5
        y[number, 8 * number + 10 : 8 * number + 50, 20:70] = 1
    model = trained((x, y), None, classes=2, steps=12, seed=1)
    assert model(x).shape == (4, 2, SIDE_PX // STRIDE, SIDE_PX // STRIDE)
    assert score(Small(2).eval(), (x, y), classes=2) < score(model, (x, y), classes=2)


def test_the_table_shows_each_seed() -> None:
    arms = {name: [51.0, 53.0] for name in lift_small_network.ARMS}
    lines = table({"cells": {"iou": {"flips and crops": [50.0, 51.0], **arms}}}).splitlines()
    assert lines[2].startswith("| cells | 50.5 | +1.5 ± 0.5 (+1.0, +2.0) |")
