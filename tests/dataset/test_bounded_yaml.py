"""YAML from users: what is read, and what is refused before it costs anything."""

from __future__ import annotations

import time

import pytest
import yaml

from augmentai.dataset.bounded_yaml import YamlError, load_yaml


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a: 1",
        "names: [cat, dog]\nnc: 2",
        "names: {0: cat, 1: dog}",
        "a: &x {b: 1}\nc: *x\nd: {<<: *x, e: 2}",
        "a: &x [1, 2]\nb: [*x, *x]",
        "a: 2026-11-30\nb: 0x1f\nc: 1_000\nd: 1.5e3\ne: ~\nf: 'no'",
        "p: 'ünïcode ☃'\nq: |\n  two\n  lines\n",
        "x: " + "word " * 5_000,
        "\n".join(f"{number}: class {number}" for number in range(5_000)),
    ],
)
def test_it_reads_what_the_safe_loader_reads(text: str) -> None:
    assert load_yaml(text) == yaml.safe_load(text)


def merges(levels: int, wide: int) -> str:
    """Each level merges the one before several times."""
    numbers = range(1, levels + 1)
    lines = [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * wide)}]}}" for n in numbers]
    return "\n".join(["a0: &a0 {k: v}", *lines])


def lists(levels: int) -> str:
    """Each level holds the one before nine times."""
    numbers = range(1, levels + 1)
    lines = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in numbers]
    return "\n".join(["a0: &a0 [x, x, x]", *lines])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (merges(9, 9), "more than 200,000 values"),
        (merges(40, 2), "more than 200,000 values"),
        (lists(9), "more than 200,000 values"),
        ("a: &a [*a]", r"the alias \*a names nothing that was defined before it"),
        ("a: *b", r"the alias \*b names nothing"),
        ("[" * 200_000, "nested more than 50 levels"),
        ("{a: " * 100_000, "nested more than 50 levels"),
        ("- " * 100_000, "nested more than 50 levels"),
        ("a: " + "9" * 5_000, "more than 300 digits"),
        ("a: 1" + ":59" * 100_000, "more than 300 digits"),
        ("a: b: c", "mapping values are not allowed"),
        ("a: !!python/object/apply:os.system [true]", "could not determine a constructor"),
        ("a: '\x00'", "control characters are not allowed"),
        ("- x\n" * 200_001, "more than 200,000 values"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else None,
)
def test_what_is_refused_costs_little(text: str, words: str) -> None:
    began = time.process_time()
    with pytest.raises(YamlError, match=words):
        load_yaml(text)
    assert time.process_time() - began < 3
