"""Whether a job's results are what was measured before: the same files, and a recipe that makes the same look."""

from __future__ import annotations

from typing import Any

import pytest

from augmentai.recipe import Recipe
from augmentai.web.jobs.lift_store import LiftStore
from tests.support.lift_reports import REPORT

UPLOADS = [("cats/a.png", "/uploads/1/a.png"), ("dogs/b.png", "/uploads/2/b.png")]
MEASURED = {"light": Recipe(geometry="light"), "strong": Recipe(geometry="strong", strength=0.4)}


@pytest.fixture
def store() -> LiftStore:
    store = LiftStore()
    store.put("tab", REPORT, UPLOADS, MEASURED)
    return store


@pytest.mark.parametrize(
    ("recipe", "same"),
    [
        pytest.param({"geometry": "light"}, True, id="the recipe"),
        pytest.param({"geometry": "strong", "strength": 0.4}, True, id="another one"),
        pytest.param({"geometry": "light", "variations": 9, "seed": 3, "to": "yolo"}, True, id="more of the same"),
        pytest.param({"geometry": "strong"}, False, id="another strength"),
        pytest.param({"geometry": "light", "operations": ["crop"]}, False, id="an operation more"),
    ],
)
def test_what_looks_alike_was_measured(store: LiftStore, recipe: dict[str, Any], same: bool) -> None:
    assert (store.of("tab", list(reversed(UPLOADS)), Recipe(**recipe)) is REPORT) == same


def test_other_files_and_other_tabs_were_not(store: LiftStore) -> None:
    assert store.of("tab", UPLOADS[:1], MEASURED["light"]) is None
    assert store.of("another", UPLOADS, MEASURED["light"]) is None
    store.discard("tab")
    assert store.of("tab", UPLOADS, MEASURED["light"]) is None


def test_memory_is_bounded(store: LiftStore) -> None:
    for number in range(200):
        store.put(str(number), REPORT, UPLOADS, MEASURED)
    assert store.of("tab", UPLOADS, MEASURED["light"]) is None
    assert store.of("199", UPLOADS, MEASURED["light"]) is REPORT
