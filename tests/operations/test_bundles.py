"""Bundles: several operations under one name, recorded as what they stand for."""

from __future__ import annotations

from typing import Any

import pytest

from augmentai.operations import Operation, build_operations
from augmentai.operations.bundles import BUILT_IN
from augmentai.recipe import Recipe, RecipeError
from augmentai.recipe.fields import by_name
from augmentai.registry import find, names

NAMES = tuple(BUILT_IN)


@pytest.mark.parametrize("name", NAMES)
class TestEveryBundle:
    def test_it_says_what_it_is(self, name: str) -> None:
        bundle = find("bundles", name)
        assert bundle.name == name
        assert bundle.title[0].isupper()
        assert bundle.blurb[0].islower()
        assert name not in names("operations")

    def test_a_recipe_records_the_operations_that_it_stands_for(self, name: str) -> None:
        recipe = Recipe(operations=[name])
        assert [next(iter(step)) if isinstance(step, dict) else step for step in recipe.operations] == [
            next(iter(step)) if isinstance(step, dict) else step for step in find("bundles", name).steps
        ]
        assert all(isinstance(operation, Operation) for operation in build_operations(recipe.operations))
        assert Recipe(operations=list(recipe.operations)) == recipe

    def test_it_never_swaps_left_and_right(self, name: str) -> None:
        Recipe(operations=[name], mirror=False)

    def test_the_page_offers_it(self, name: str) -> None:
        titles = {value: title for title, value in by_name("operations").kind.titled()}
        assert titles[name].startswith("Several at once: ")


def test_among_other_operations_in_order() -> None:
    steps = Recipe(operations="flip, robust, jpeg(quality=30)").operations
    assert steps[0] == "flip"
    assert steps[1] == "crop"
    assert steps[-1] == {"jpeg": {"quality": [30.0, 30.0]}}


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("camera(probability=0.5)", "operations: the bundle camera has no parameters; list its operations one by one"),
        (["camera", "robust", "camera"], "operations come to 23 steps; expected a list of at most 16 names"),
    ],
)
def test_what_cannot_be_asked_for(asked: Any, words: str) -> None:
    with pytest.raises(RecipeError) as caught:
        Recipe(operations=asked)
    assert str(caught.value).startswith(words)
