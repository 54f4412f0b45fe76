"""The recipe's operations: as lists, as text, as objects, and what is said of those that are not allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from augmentai.dataset.recipe_file import load_recipe, recipe_differences
from augmentai.dataset.run_record import RunRecord
from augmentai.operations.crop import Crop
from augmentai.operations.flip import Flip
from augmentai.recipe import MAX_OPERATIONS, Recipe, RecipeError
from augmentai.recipe.fields import by_name
from augmentai.recipe.steps import format_step, parse_step, split_steps
from tests.support.plugin_package import installed, write_package

HALF = {"crop": {"scale": [0.5, 1.0]}}


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        (None, ()),
        ("", ()),
        ([], ()),
        ("flip", ("flip",)),
        ("flip, crop(scale=0.5..1)\nrotate;", ("flip", HALF, "rotate")),
        (["flip", "crop(scale=0.5..1)"], ("flip", HALF)),
        (["flip", {"crop": {"scale": [0.5, 1]}}], ("flip", HALF)),
        ([{"flip": None}, {"crop": {}}], ("flip", "crop")),  # as YAML reads `- flip:`
        ([{"crop": {"scale": [0.64, 1], "probability": 1}}], ("crop",)),  # the defaults
        ([{"crop": {"scale": "0.5..1"}}], (HALF,)),
        (iter(["flip", "flip"]), ("flip", "flip")),
        ([Flip(), Crop(scale=(0.5, 1.0))], ("flip", HALF)),
        (["crop(scale=0.3, probability=0.5)"], ({"crop": {"probability": 0.5, "scale": [0.3, 0.3]}},)),
    ],
)
def test_what_is_taken(asked: Any, stored: tuple[Any, ...]) -> None:
    assert Recipe(operations=asked).operations == stored


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (["flipp"], "operations: there is no operation 'flipp'; installed: flip, crop, rotate, perspective,"),
        (["crop(scale=3)"], "operations: operation crop: scale is 3.0; expected a number from 0.04 to 1, or two of"),
        (["crop(scal=1)"], "operations: operation crop has no parameter scal; it has probability, scale"),
        (["rotate(degrees=far)"], "operations: operation rotate: degrees is 'far'; expected a number from 0 to 45"),
        (["crop("], r"operations: 'crop\(' is not understood; expected a name such as flip, or a name with parameters"),
        (["crop(scale)"], "is not understood"),
        (["crop(scale=1, scale=1)"], r"'crop\(scale=1, scale=1\)' is not understood: scale is given more than once"),
        (["crop(scale=)"], "is not understood"),
        ([""], "operations: '' is not understood"),
        ({"flip": {}}, r"operations is {'flip': {}}; expected a list of at most 16 names, or of {name: parameters}"),
        ([{"flip": {}, "crop": {}}], "expected a list of at most 16 names"),
        ([{"flip": 3}], "expected a list of at most 16 names"),
        ([3], r"operations is \[3\]; expected a list"),
        (3, "operations is 3; expected a list"),
        (["flip"] * (MAX_OPERATIONS + 1), "expected a list of at most 16 names"),
    ],
)
def test_what_is_refused_and_why(asked: Any, words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        Recipe(operations=asked)


def test_flipping_where_left_and_right_matter() -> None:
    with pytest.raises(
        RecipeError, match="operations has flip and mirror is False, which leaves nothing to do; remove"
    ):
        Recipe(operations=["crop", "flip"], mirror=False)
    assert Recipe(operations=["crop"], mirror=False).operations == ("crop",)


def test_text_there_and_back() -> None:
    for text in ("flip", "crop(scale=0.5..1)", "crop(probability=0.25, scale=0.3)", "my-own.blur(sigma=2, edges=true)"):
        name, parameters = parse_step(text)
        assert format_step({name: parameters} if parameters else name) == text
    assert split_steps(" flip ,\n crop(scale=0.5..1, probability=1) ; ") == [
        "flip",
        "crop(scale=0.5..1, probability=1)",
    ]
    assert format_step({"x": {"on": True, "much": 1e-7, "whole": 3.0, "word": "up"}}) == (
        "x(on=true, much=1e-07, whole=3, word=up)"
    )


def test_the_command_line_types_each_with_a_flag_of_its_own() -> None:
    field = by_name("operations")
    assert field.words(Recipe(operations=["flip", HALF]).operations) == [
        *("--operation", "flip"),
        *("--operation", "crop(scale=0.5..1)"),
    ]


def test_recipe_files_have_them(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("operations: [flip, {crop: {scale: [0.5, 1]}}, rotate(degrees=5)]\n")
    recipe = load_recipe(file)
    assert recipe.operations == ("flip", HALF, {"rotate": {"degrees": 5.0}})
    file.write_text(RunRecord(recipe).to_yaml())
    assert load_recipe(file) == recipe
    file.write_text("recipe:\n  operations:\n  - wobble\n")
    with pytest.raises(RecipeError, match=r"mine.yaml: operations: there is no operation 'wobble'; installed: flip"):
        load_recipe(file)


def test_recipes_of_before_there_were_any_do_not_differ(tmp_path: Path) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_text("recipe: {seed: 3, geometry: light}\n")
    assert recipe_differences(load_recipe(file), Recipe(geometry="light", operations=[])) == []
    assert recipe_differences(load_recipe(file), Recipe(geometry="light", operations=["flip", HALF])) == [
        "operations was none, now flip, crop(scale=0.5..1)"
    ]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("x = 1", r"'faulty' of the package strangers-fault 1.0 cannot be loaded \(AttributeError"),
        ("Faulty = 3", "'faulty' of the package strangers-fault 1.0 .* is not a class with the name 'faulty' and"),
        (
            "from augmentai.operations.flip import Flip as Faulty",
            "'faulty' of the package strangers-fault 1.0 .* is not a class with the name 'faulty'",
        ),
        (
            "from augmentai.operations import Operation\n\n\nclass Faulty(Operation):\n    name = 'faulty'\n",
            r"'faulty' of the package strangers-fault 1.0 .* cannot be made \(.*abstract",
        ),
    ],
    ids=["not there", "no class", "another name", "unfinished"],
)
def test_a_package_whose_operation_cannot_be_used(source: str, words: str, tmp_path: Path) -> None:
    points = {"augmentai.operations": {"faulty": "strangers_fault:Faulty"}}
    with installed(write_package(tmp_path / "site", "strangers_fault", source, points)):
        assert "faulty" in by_name("operations").kind.choices()
        assert by_name("operations").kind.titled()  # the page opens all the same
        with pytest.raises(RecipeError, match=words):
            Recipe(operations=["faulty"])
