"""Recipes that only flip or turn: every variation that there can be is made, and then it says that there is no more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from augmentai.engines.none import NoEngine
from augmentai.pipeline.run import run_to_disk
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.types import Source
from tests.support.image_files import colours, encoded
from tests.support.jobs import job_of, opened
from tests.support.judged import run

NONE = Settings(stability_api_key="")


def sources(size_wh: tuple[int, int], count: int = 12) -> list[Source]:
    return [Source.from_bytes(f"{seed}.png", encoded(colours(size_wh, seed=seed))) for seed in range(1, count + 1)]


CASES: dict[str, tuple[dict[str, Any], tuple[int, int], int]] = {
    # recipe, size of the images, how many variations there are of each
    "a flip, drawn in every other attempt": ({"geometry": "flip", "variations": 1}, (48, 32), 1),
    "a flip, without retries": ({"geometry": "flip", "variations": 1, "retries": 0}, (48, 32), 1),
    "a flip cannot be two": ({"geometry": "flip", "variations": 2}, (48, 32), 1),
    "all quarter turns": ({"operations": ["turn90"], "variations": 3}, (40, 40), 3),
    "more than all quarter turns": ({"operations": ["turn90"], "variations": 4}, (40, 40), 3),
    "turns and flips": ({"geometry": "flip", "operations": ["turn90"], "variations": 7}, (40, 40), 7),
}


@pytest.mark.parametrize(("asked", "size_wh", "there_are"), CASES.values(), ids=CASES)
def test_all_that_there_are_are_made(asked: dict[str, Any], size_wh: tuple[int, int], there_are: int) -> None:
    recipe = Recipe(**{"seed": 3, "engine": "none", "geometry": "none", **asked})
    outcomes, _ = run(NoEngine(NONE), recipe, *sources(size_wh))
    for source in sources(size_wh):
        own = [outcome for outcome in outcomes if outcome.source.path == source.path]
        pixels = {opened(outcome).tobytes() for outcome in own if outcome.ok}
        assert len(pixels) == there_are
        failed = [outcome.reason for outcome in own if not outcome.ok]
        there = "is only 1 different variation" if there_are == 1 else f"are only {there_are} different variations"
        assert failed == [
            f"there {there} of this image, since the recipe at most flips and turns it; add operations or ask for fewer"
        ] * (asked["variations"] - there_are)


def test_a_run_that_is_resumed_makes_the_same(tmp_path: Path) -> None:
    recipe = Recipe(seed=3, engine="none", geometry="flip", variations=2)
    reports = []
    for _ in range(2):
        job = job_of(NoEngine(NONE), sources((48, 32), 4), recipe)
        for _outcome in run_to_disk(job, tmp_path / "out"):
            pass
        reports.append(sorted(path.name for path in (tmp_path / "out").rglob("*__v*.png")))
    assert reports[0] == reports[1]
    assert len(reports[0]) == 4


GROUNDS = {"plain": {"ground": "plain"}, "other": {"ground": "other"}}


@pytest.mark.parametrize("parameters", GROUNDS.values(), ids=GROUNDS)
@pytest.mark.parametrize("geometry", ["none", "auto"])
def test_an_image_with_which_nothing_can_be_done_is_given_up_at_once(geometry: str, parameters: Any) -> None:
    """None of these has a subject that stands out; where images are flipped, that is looked at mirrored too."""
    ramp = np.linspace(0, 240, 96)[None, :, None] * np.ones((64, 1, 1))
    tints = [(1, 1, 1), (1, 0.8, 0.6), (0.6, 0.8, 1)]
    images = [Image.fromarray((ramp * tint).astype(np.uint8)) for tint in tints]
    flat = [Source.from_bytes(f"{n % 2}/{n}.png", encoded(image), str(n % 2)) for n, image in enumerate(images)]
    recipe = Recipe(seed=3, engine="none", geometry=geometry, variations=1, operations=[{"background": parameters}])
    outcomes, _ = run(NoEngine(NONE), recipe, *flat)
    assert len(outcomes) == len(flat)
    for outcome in outcomes:
        assert "background was left out: " in outcome.reason
        assert 1 <= len(outcome.rejections) <= (1 if geometry == "none" else 12)


def test_what_may_come_out_differently_is_drawn_again() -> None:
    """Most draws leave the image as it is, without a word about what can be done with it."""
    recipe = Recipe(seed=3, engine="none", geometry="none", variations=1, operations=["jpeg(probability=0.2)"])
    outcomes, _ = run(NoEngine(NONE), recipe, *sources((48, 32), 6))
    assert all(outcome.ok for outcome in outcomes)
    assert any(outcome.rejections for outcome in outcomes)
