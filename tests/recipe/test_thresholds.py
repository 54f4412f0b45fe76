"""The recipe fields of the filters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from augmentai.dataset.recipe_file import load_recipe
from augmentai.pipeline.run import run_to_disk
from augmentai.recipe import Recipe, RecipeError, Thresholds
from augmentai.types import Source
from tests.support.image_files import png
from tests.support.jobs import job_of
from tests.support.scripted_engine import Scripted, tinted


def test_thresholds_are_numbers_by_name(tmp_path: Path) -> None:
    recipe = Recipe(thresholds={"flat": 0.2})  # type: ignore[arg-type]
    assert recipe.thresholds == Thresholds(flat=0.2)
    saved = tmp_path / "mine.yaml"
    saved.write_text("filters: true\nretries: 1\nthresholds:\n  blurred: 0\n  held_out: 6\n")
    assert load_recipe(saved).thresholds == Thresholds(blurred=0.0, held_out=6.0)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"thresholds": {"flatt": 1}}, "there is no threshold flatt; there are near_copy, flat"),
        ({"thresholds": {"flat": -1}}, "the threshold flat is -1; expected a number from 0"),
        ({"thresholds": {"flat": "much"}}, "the threshold flat is 'much'; expected a number"),
        ({"thresholds": 3}, "thresholds is 3; expected numbers by name"),
        ({"retries": 4}, "retries is 4; expected a whole number from 0 to 3"),
        ({"drift": "ignore"}, "expected one of reject, mark"),
        ({"filters": 1}, "filters is 1; expected True or False"),
    ],
)
def test_what_is_refused_and_why(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        Recipe(**fields)


def test_a_run_with_thresholds_is_resumed(tmp_path: Path) -> None:
    recipe = Recipe(seed=4, engine="gan", thresholds=Thresholds(flat=0.05))
    for _ in range(2):
        job = job_of(Scripted(lambda task: tinted(task, 20)), [Source.from_bytes("a.png", png())], recipe)
        list(run_to_disk(job, tmp_path / "out"))
    assert job.report.resumed == 1
    assert load_recipe(tmp_path / "out" / "recipe.yaml") == recipe
