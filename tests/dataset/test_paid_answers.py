"""Paid answers on disk: found again by exactly their request, and gone once their variation is there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from augmentai.dataset.paid_answers import Item, PaidAnswer, PaidAnswers

ITEM = Item("painter", "cats/a.jpg", "ab", index=1, seed=7)
ANSWER = PaidAnswer("1", b"pixels\nof two lines", "service seed 3")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "paid"


@pytest.mark.parametrize(
    "other",
    [
        {"engine": "another"},
        {"source": "cats/b.jpg"},
        {"source_sha256": "cd"},
        {"index": 2},
        {"seed": 8},
        {"attempt": 1},
    ],
)
def test_an_answer_is_found_by_exactly_its_request(folder: Path, other: dict[str, object]) -> None:
    answers = PaidAnswers(folder)
    answers.store(ITEM, "model", ANSWER)
    assert PaidAnswers(folder).find(ITEM, "model") == ANSWER
    assert answers.find(replace(ITEM, **other), "model") is None  # type: ignore[arg-type]
    assert answers.find(ITEM, "another model") is None


def test_a_damaged_answer_is_not_used(folder: Path) -> None:
    answers = PaidAnswers(folder)
    answers.store(ITEM, "model", ANSWER)
    (path,) = folder.iterdir()
    path.write_bytes(path.read_bytes()[:-1])
    assert answers.find(ITEM, "model") is None


def test_the_folder_goes_with_its_last_answer(folder: Path) -> None:
    answers = PaidAnswers(folder)
    for attempt in range(3):
        answers.store(replace(ITEM, attempt=attempt), "model", ANSWER)
    answers.store(replace(ITEM, index=2), "model", ANSWER)
    answers.forget(("cats/a.jpg", "ab"), 1)
    assert len(list(folder.iterdir())) == 1
    answers.forget(("cats/a.jpg", "ab"), 2)
    assert not folder.exists()


def test_what_a_killed_run_left_is_tidied(folder: Path) -> None:
    answers = PaidAnswers(folder)
    wanted = replace(ITEM, index=2)
    answers.store(ITEM, "model", ANSWER)  # killed after its line in the manifest, before it was forgotten
    answers.store(wanted, "model", ANSWER)
    (folder / "0123.part").write_bytes(b"half")
    answers.tidy([(("cats/a.jpg", "ab"), 1), (("cats/z.jpg", "ef"), 1)])
    assert answers.find(wanted, "model") == ANSWER
    assert len(list(folder.iterdir())) == 1
    answers.tidy([(("cats/a.jpg", "ab"), 2)])
    assert not folder.exists()


def test_without_a_folder_nothing_is_stored() -> None:
    answers = PaidAnswers()
    answers.store(ITEM, "model", ANSWER)
    answers.tidy([])
    assert answers.find(ITEM, "model") is None
