"""What an operation's class may look like, and what is said of one that may not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from augmentai.operations import Number, Operation, parameter
from augmentai.operations.crop import Crop
from augmentai.recipe import RecipeError


@dataclass(frozen=True)
class Nothing(Operation):
    name = "nothing"
    amount: float = parameter(0.5, Number(0, 1), "How much.")

    def draw(self, rng: Any, size_wh: Any, labels: Any, settings: Any) -> None:
        return None

    def apply(self, image: Any, labels: Any, drawn: Any) -> Any:
        return image, labels


def test_parameters_are_those_of_the_class_and_its_base() -> None:
    found = Nothing.parameters()
    assert list(found) == ["probability", "amount"]
    assert (found["amount"].default, found["amount"].help, found["amount"].kind.values()) == (0.5, "How much.", "0..1")


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"amount": 2}, r"operation nothing: amount is 2; expected a number from 0 to 1"),
        ({"amount": "much"}, r"operation nothing: amount is 'much'; expected a number from 0 to 1"),
        ({"amount": True}, r"operation nothing: amount is True; expected a number"),
        ({"amount": float("nan")}, r"operation nothing: amount is nan; expected a number"),
        ({"probability": -0.1}, r"operation nothing: probability is -0.1; expected a number from 0 to 1"),
        ({"size": 1}, r"operation nothing has no parameter size; it has probability, amount"),
    ],
)
def test_a_parameter_that_is_not_allowed(parameters: dict[str, Any], words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        Nothing.from_parameters(parameters)


def test_values_may_be_text() -> None:
    assert Nothing.from_parameters({"amount": "0.25"}) == Nothing(amount=0.25)
    assert Crop.from_parameters({"scale": "0.5..1"}) == Crop(scale=(0.5, 1.0))


def test_a_recipe_records_what_is_not_the_default() -> None:
    assert Nothing().as_step() == "nothing"
    assert Nothing(amount=0.5, probability=1).as_step() == "nothing"
    assert Nothing(amount=1).as_step() == {"nothing": {"amount": 1.0}}
    assert Crop(scale=[0.5, 1]).as_step() == {"crop": {"scale": [0.5, 1.0]}}  # type: ignore[arg-type]


def test_equal_ones_are_equal_and_can_be_keys() -> None:
    assert len({Crop(), Crop(scale=(0.64, 1)), Crop(scale=(0.5, 1))}) == 2


def test_one_without_a_name() -> None:
    class Nameless(Nothing):
        name = None  # type: ignore[assignment]

    with pytest.raises(TypeError, match=r"Nameless has no name; add `name = \.\.\.` to the class"):
        Nameless()


def test_parameters_of_a_class_that_is_not_a_dataclass() -> None:
    """They would be ignored without a word."""

    class Plain(Nothing):
        size: float = parameter(1, Number(0, 9), "Size.")

    with pytest.raises(TypeError, match=r"Plain has parameters \(size\) but is not a dataclass; decorate it"):
        Plain()
