"""Kinds of parameters that operations have beyond those of recipe fields."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from augmentai.operations import Number, Range
from augmentai.recipe import RecipeError


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (1, 1.0),  # as YAML and forms have it
        (np.float32(0.5), 0.5),
        (-0.0, 0.0),
    ],
)
def test_number(given: Any, stored: float) -> None:
    found = Number(0, 45).check("degrees", given)
    assert (found, type(found), str(found)) == (stored, float, str(stored))


@pytest.mark.parametrize("given", [-1, 46, "5", None, True, float("nan"), float("inf"), [5]])
def test_what_is_not_a_number_within_bounds(given: Any) -> None:
    with pytest.raises(RecipeError, match=r"degrees is .*; expected a number from 0 to 45"):
        Number(0, 45).check("degrees", given)


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ([0.5, 1], (0.5, 1.0)),
        ((0.5, 0.5), (0.5, 0.5)),
        (0.5, (0.5, 0.5)),
    ],
)
def test_range(given: Any, stored: tuple[float, float]) -> None:
    assert Range(0, 1).check("scale", given) == stored


@pytest.mark.parametrize("given", [[1, 0.5], [0.5], [0, 0.5, 1], [0.5, 2], "0.5..1", None, [True, 1], [None, 1], 3])
def test_what_is_not_a_range_within_bounds(given: Any) -> None:
    with pytest.raises(RecipeError, match=r"scale is .*; expected a number from 0 to 1, or two of them with the lower"):
        Range(0, 1).check("scale", given)


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.5..1", [0.5, 1.0]), ("0.5", 0.5), (".5..1.", [0.5, 1.0]), ("a..1", ["a", 1.0]), ("", ""), ("inf", "inf")],
)
def test_a_range_as_text(text: str, value: Any) -> None:
    assert Range(0, 1).parse(text) == value
