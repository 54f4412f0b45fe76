from typing import Any

import pytest

from augmentai.engines.prompts import (
    DEFAULT,
    Prompt,
    draw_prompt,
    negative_prompt_for,
    preview_prompt,
    prompt_for,
    readable,
)
from augmentai.recipe import Recipe

LABELS = [
    ("cats", "cats"),
    ("golden_retriever", "golden retriever"),
    ("german-shepherd__dog", "german shepherd dog"),
    ("001.Black_footed_Albatross", "Black footed Albatross"),
    ("n02123045-tabby", "tabby"),
    ("n02123045_tabby_cat", "tabby cat"),
    ("GoldenRetriever", "Golden Retriever"),
    ("3d_printer", "3d printer"),
    ("type 2", "type 2"),
    ("  ", ""),
    ("0", ""),
    ("17", ""),
    ("___", ""),
    ("", ""),
    (None, ""),
    ("猫", "猫"),
    ("{label}", "label"),
    ("a\nb\x00c", "a b c"),
]


@pytest.mark.parametrize(("label", "words"), LABELS)
def test_a_folders_name_is_made_readable(label: str | None, words: str) -> None:
    assert readable(label) == words


PROMPTS = [
    # template, label, index, prompt
    ("a {label} in snow", "golden_retriever", 1, "a golden retriever in snow"),
    ("a {label} in snow", "apple", 1, "an apple in snow"),
    ("An {label}", "dog", 1, "A dog"),
    ("the {label} at night", "dog", 1, "the dog at night"),
    ("{label}, {LABEL} and { label }", "dog", 1, "dog, dog and dog"),
    ("a {label} in snow", None, 1, "a subject in snow"),
    ("photo of {label}", None, 1, "photo of the subject"),
    ("photo of the {label}", None, 1, "photo of the subject"),
    ("banana{label}", "dog", 1, "bananadog"),
    ("{} {0} {other} {label!r}", "dog", 1, "{} {0} {other} {label!r}"),
    ("%s {label}", r"a\1b", 1, r"%s a\1b"),
    ("one\ntwo\n\n  three ", None, 1, "one"),
    ("one\ntwo\n\n  three ", None, 2, "two"),
    ("one\ntwo\n\n  three ", None, 3, "three"),
    ("one\ntwo\n\n  three ", None, 4, "one"),
    ("one\r\ntwo", None, 2, "two"),
    ("tab\there", None, 1, "tab here"),
    ("", "cats", 5, "a realistic photograph of cats, natural light"),
    (" \n ", None, 1, "a realistic photograph of the subject, natural light"),
    ("x" * 20_000, None, 1, "x" * 10_000),
]


@pytest.mark.parametrize(("template", "label", "index", "prompt"), PROMPTS)
def test_prompt(template: str, label: str | None, index: int, prompt: str) -> None:
    assert prompt_for(template, label, index) == prompt


def test_negative_prompt_is_one_line_and_may_be_empty() -> None:
    assert negative_prompt_for("", "cats") == ""
    assert negative_prompt_for("blurry\n text, second {label} ", "cat") == "blurry text, second cat"
    assert len(negative_prompt_for("{label}" * 1000, "a-class-with-a-long-name")) <= 10_000


def test_the_default_asks_for_nothing_but_the_subject() -> None:
    assert DEFAULT.count("{label}") == 1


def test_words_are_drawn_by_the_seed_and_the_name_alone() -> None:
    one = draw_prompt("a {colour: red | blue | green} {label} in {weather}", "car", 1, seed=5)
    assert set(one.drawn) == {"colour", "weather"}
    assert one.text == f"a {one.drawn['colour']} car in {one.drawn['weather']}"
    assert draw_prompt("{weather} then {colour: red | blue | green}", None, 3, seed=5).drawn == one.drawn
    many = [draw_prompt("{colour: red | blue | green}", None, 1, seed).text for seed in range(300)]
    assert {many.count(colour) > 70 for colour in ("red", "blue", "green")} == {True}


def test_lines_take_turns_and_each_draws_its_own_words() -> None:
    template = "a {colour: red}\nin {weather}"
    assert draw_prompt(template, None, 1, 5).drawn == {"colour": "red"}
    assert list(draw_prompt(template, None, 2, 5).drawn) == ["weather"]


@pytest.mark.parametrize(("template", "label", "index", "prompt"), PROMPTS)
def test_a_prompt_without_words_to_draw_is_what_it_was(
    template: str, label: str | None, index: int, prompt: str
) -> None:
    assert draw_prompt(template, label, index, seed=9) == Prompt(prompt)


@pytest.mark.parametrize(
    ("repaint", "label", "prompt"),
    [
        ("all", "cats", "a realistic photograph of cats, natural light"),
        ("objects", "cats", "a realistic photograph of cats, natural light"),
        ("background", "cats", "a realistic photograph of a harbour, natural light"),  # or another one would be painted
    ],
)
def test_the_default_fits_what_is_painted(repaint: Any, label: str, prompt: str) -> None:
    assert preview_prompt(Recipe(repaint=repaint), label, 1, seed=4).text == prompt


@pytest.mark.parametrize(
    ("template", "caption", "prompt"),
    [
        ("{caption}, in snow", "a dog\non the {colour} lawn", "a dog on the colour lawn, in snow"),
        ("photo of { Caption }", "", "photo of cats"),  # an image without a caption
        ("{label}: {caption}", "a cat", "cats: a cat"),
    ],
)
def test_the_caption_of_an_image_is_part_of_its_prompt(template: str, caption: str, prompt: str) -> None:
    assert draw_prompt(template, "cats", 1, seed=3, caption=caption).text == prompt
