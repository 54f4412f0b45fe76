"""What is shown of results, in which order, and what is excluded and included again."""

from __future__ import annotations

from typing import Any

import pytest

from augmentai.recipe.thresholds import Thresholds
from augmentai.web.jobs.selection import Exclusions, View, margin
from augmentai.web.jobs.snapshot import ResultRow
from tests.support.finished_jobs import row_of

ROWS = [
    row_of("b__v1", "b", "2", 1, labels=("dog",), changed=0.3, scores={"contrast": 0.2, "sharpness": 0.9}),
    row_of("a__v2", "a", "1", 2, labels=("cat", "dog"), changed=0.1, scores={"contrast": 1.0, "sharpness": 0.5}),
    row_of("a__v1", "a", "1", 1, labels=("cat",), changed=0.2, scores={}),
    row_of("c__v1", "c", "3", 1, labels=(), changed=None, scores={"contrast": 1.0, "sharpness": 1.0, "drift": 0.41}),
]


def files(rows: list[ResultRow]) -> list[str]:
    return [row.file for row in rows]


@pytest.mark.parametrize(
    ("view", "shown"),
    [
        ({}, ["a__v1", "a__v2", "b__v1", "c__v1"]),
        ({"source": "a"}, ["a__v1", "a__v2"]),
        ({"label": "dog"}, ["a__v2", "b__v1"]),
        ({"shown": "excluded"}, ["a__v2"]),
        ({"shown": "included"}, ["a__v1", "b__v1", "c__v1"]),
        ({"shown": "excluded", "label": "dog", "source": "b"}, []),
        ({"order": "most"}, ["b__v1", "a__v1", "a__v2", "c__v1"]),  # what is not known is last
        ({"order": "least"}, ["a__v2", "a__v1", "b__v1", "c__v1"]),
        ({"order": "doubtful"}, ["c__v1", "a__v2", "b__v1", "a__v1"]),  # 1.03, 1.4 and 2 times a threshold
    ],
)
def test_a_view_shows_and_sorts(view: dict[str, Any], shown: list[str]) -> None:
    assert files(View(**view).rows(ROWS, {"a__v2"}, Thresholds())) == shown


def test_twelve_at_random_stay_until_others_are_drawn() -> None:
    rows = [row_of(f"{n:02}", f"{n:02}", str(n), 1) for n in range(40)]
    view = View(shown="random")
    first = files(view.rows(rows, (), Thresholds(), draw=1))
    assert len(set(first)) == 12
    assert first == sorted(first) == files(view.rows(rows, (), Thresholds(), draw=1))
    assert first != files(view.rows(rows, (), Thresholds(), draw=2))
    assert len(view.rows(rows[:5], (), Thresholds())) == 5


def test_a_filter_that_is_off_has_no_margin() -> None:
    assert margin(ROWS[0], Thresholds(flat=0, blurred=0.45)) == pytest.approx(2)


def test_of_two_quick_clicks_the_later_one_counts() -> None:
    excluded = Exclusions()
    excluded.change({"b", "c"}, set(), revision=3)
    excluded.change(set(), {"b"}, revision=5)
    excluded.change({"b"}, set(), revision=4)  # arrives last
    assert excluded.files == {"c"}


def test_each_step_is_undone_alone() -> None:
    excluded = Exclusions()
    excluded.change({"a", "b"}, set(), revision=1)
    excluded.change({"b", "c"}, set(), revision=2)  # b was excluded before
    excluded.change(set(), {"c", "z"}, revision=3)  # z never was
    excluded.change({"a"}, set(), revision=4)  # changes nothing, and is no step
    states = []
    while excluded.undo():
        states.append(set(excluded.files))
    assert states == [{"a", "b", "c"}, {"a", "b"}, set()]
    assert not excluded.can_undo
