import pytest

from augmentai.engines.prompts import DEFAULT, negative_prompt_for, prompt_for, readable

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
