"""Prompts that vary: placeholders, lists of one's own, bundled sets."""

from __future__ import annotations

import pytest

from augmentai.recipe import MAX_PROMPT_CHARS, Recipe, RecipeError
from augmentai.recipe.prompt_words import PROMPT_SETS, WORDS, choices_in, fill_in, unknown_placeholders


@pytest.mark.parametrize(
    ("line", "choices"),
    [
        ("a {label}", {}),  # which an image fills
        ("{weather}", {"weather": WORDS["weather"]}),
        ("{ Weather }", {"weather": WORDS["weather"]}),
        ("{colour: red | blue}", {"colour": ("red", "blue")}),
        ("{colour:red|blue||}", {"colour": ("red", "blue")}),  # nothing between two bars is no word
        ("{weather: hail}", {"weather": ("hail",)}),  # a list of one's own in place of a bundled one
        ("{weather} and {weather: hail}", {"weather": ("hail",)}),  # wherever it stands in the line
        ("{a: one {label}}", {}),  # braces within braces stay as they are
        ("{} {0} {other} {label!r}", {}),
        ("{light: soft light, low sun | a: b}", {"light": ("soft light, low sun", "a: b")}),
    ],
)
def test_what_may_be_drawn(line: str, choices: dict[str, tuple[str, ...]]) -> None:
    assert choices_in(line) == choices


def test_every_occurrence_gets_the_same_word() -> None:
    line = "a {colour: red | blue} car by a {Colour} wall in {weather}"
    assert fill_in(line, {"colour": "blue"}) == "a blue car by a blue wall in {weather}"


def test_placeholders_that_stand_for_nothing_are_known() -> None:
    prompt = "a {label} in {wether}, {caption}\n{colour: red} {Colour} {0} {size}"
    assert unknown_placeholders(prompt) == ("wether", "size")


@pytest.mark.parametrize("name", PROMPT_SETS)
def test_a_bundled_set_becomes_its_lines(name: str) -> None:
    """So that a saved recipe says what was used, and can be edited."""
    recipe = Recipe(prompt=f"first\n @{name} \nlast")
    assert recipe.prompt.splitlines() == ["first", *PROMPT_SETS[name], "last"]
    assert Recipe(prompt=recipe.prompt) == recipe
    assert not unknown_placeholders(recipe.prompt)


@pytest.mark.parametrize(
    ("prompt", "says"),
    [
        ("@drivin", "prompt has the line @drivin; bundled sets are @driving, @retail, @aerial, @microscopy, @nature"),
        ("a {colour:}", "prompt has '{colour:}'; expected words to choose from, such as {colour: red | blue}"),
        ("a {colour: | }", "expected words to choose from"),
        ("x" * (MAX_PROMPT_CHARS - 10) + "\n@driving", "at most 10,000 are allowed"),
    ],
)
def test_what_cannot_be_understood_is_said(prompt: str, says: str) -> None:
    with pytest.raises(RecipeError) as caught:
        Recipe(prompt=prompt)
    assert says in str(caught.value)


@pytest.mark.parametrize("prompt", ["someone @home in {rain}", "a\x0bb", "{}", "@", "mail@driving"])
def test_other_text_stays_as_it_is(prompt: str) -> None:
    assert Recipe(prompt=prompt).prompt == prompt
