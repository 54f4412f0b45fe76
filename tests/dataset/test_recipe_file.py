"""Recipes in YAML files."""

from __future__ import annotations

from pathlib import Path

import pytest

from augmentai.dataset.recipe_file import load_recipe, recipe_differences
from augmentai.recipe import Recipe, RecipeError


def test_a_file_of_settings_and_the_record_of_a_run_are_both_read(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("strength: 0.4\nvariations: 3\n")
    (tmp_path / "recipe.yaml").write_text("recipe: {strength: 0.4, variations: 3}\nsources: {count: 1}\n")
    assert load_recipe(tmp_path / "mine.yaml") == load_recipe(tmp_path / "recipe.yaml") == Recipe("", "", 0.4, 3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"strenght: 0.4", "unknown setting strenght; valid settings: prompt, "),
        (b"a: 1\nb: 2", "unknown settings a, b; valid settings: prompt, "),
        (b"recipe: 5", "`recipe` is int; expected settings, one per line"),
        (b"strength: 9", "strength is 9; expected a number from 0 to 1"),
        (b"engine: other_engine", "other_engine"),
        (b"\xff\xfe", "is not a text file; expected a recipe in YAML"),
        (b"#" * 2_000_000, "is too large for a recipe"),
        (b"- 1", "has no settings; expected lines such as `strength: 0.4`"),
    ],
)
def test_a_file_that_cannot_be_used(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"mine.yaml cannot be read \(No such file or directory\)"):
        load_recipe(tmp_path / "mine.yaml")


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (Recipe(seed=5), Recipe(seed=5), []),
        (Recipe(seed=5), Recipe(), []),  # no seed in particular
        (Recipe(seed=5), Recipe(seed=6), ["seed was 5, now 6"]),
        (Recipe(geometry="none"), Recipe(geometry="auto"), []),  # the default before there was "auto"
        (Recipe(geometry="auto"), Recipe(geometry="none"), ["geometry was 'auto', now 'none'"]),
        (Recipe(prompt="rain"), Recipe(), ["prompt was 'rain', now ''"]),
    ],
)
def test_differences_between_recipes(before: Recipe, now: Recipe, expected: list[str]) -> None:
    assert recipe_differences(before, now) == expected
