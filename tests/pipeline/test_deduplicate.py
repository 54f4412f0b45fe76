"""Variations of one source among each other: the same ones stay, whatever the order, the stops and the resumes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from augmentai.engines.base import Task
from augmentai.pipeline.run import run_to_disk
from augmentai.recipe import Recipe
from augmentai.types import Outcome
from tests.support.jobs import job_of
from tests.support.judged import SPOILT, photo_source, run
from tests.support.scripted_engine import Scripted, tinted


def pixels_of(outcomes: list[Outcome]) -> dict[tuple[str, int, int], bytes]:
    assert all(outcome.ok for outcome in outcomes), [outcome.reason for outcome in outcomes]
    return {(o.source.path, o.index, o.seed): o.variation.image.tobytes() for o in outcomes if o.variation is not None}


def twins(task: Task) -> Image.Image:
    """The third is as the first until its second try; the fourth is then as the third was."""
    if task.index == 3 and task.attempt == 0:
        return tint(task, 1)
    if task.index == 4 and task.attempt == 0:
        return tint(task, 3)
    return tint(task, task.index + 10 * task.attempt)


def tint(task: Task, number: int) -> Image.Image:
    red, green, blue = task.photo.rgb.split()
    return Image.merge("RGB", (red.point(lambda v: v * (210 - 9 * number) // 255), green, blue))


def test_one_that_is_nearly_another_is_retried() -> None:
    recipe = Recipe(seed=4, engine="gan", variations=4)
    outcomes, report = run(Scripted(twins), recipe)
    assert [outcome.index for outcome in outcomes] == [1, 2, 3, 4]
    assert [outcome.attempts for outcome in outcomes] == [1, 1, 2, 1]
    (rejection,) = outcomes[2].rejections
    assert rejection.filter == "duplicate"
    assert "near-duplicate of variation 1: they differ by 0 of 255 levels" in rejection.reason
    assert report["rejected"] == {"duplicate": 1}
    assert outcomes[1].scores["sibling"] > 3


@pytest.mark.parametrize("hold", [2, 3, 8, 40])
def test_the_same_ones_stay_in_whatever_order_they_finish(hold: int) -> None:
    recipe = Recipe(seed=4, engine="gan", variations=4)
    sources = [photo_source(name, (60, 40)) for name in ("chelsea.png", "coffee.png", "flower.jpg")]
    expected = pixels_of(run(Scripted(twins), recipe, *sources)[0])
    for shuffle in range(4):
        outcomes, report = run(Scripted(twins, hold, shuffle), recipe, *sources)
        assert pixels_of(outcomes) == expected
        assert report["rejected"] == {"duplicate": 3}


@pytest.mark.parametrize("stop_after", range(12))
def test_the_same_ones_stay_after_a_stop(stop_after: int, tmp_path: Path) -> None:
    recipe = Recipe(seed=4, engine="gan", variations=4)
    sources = [photo_source(name, (60, 40)) for name in ("chelsea.png", "coffee.png", "flower.jpg")]
    expected = pixels_of(run(Scripted(twins), recipe, *sources)[0])
    job = job_of(Scripted(twins, 6, stop_after), sources, recipe)
    for number, _ in enumerate(run_to_disk(job, tmp_path / "out")):
        if number == stop_after:
            job.stop.set()
    again = job_of(Scripted(twins, 5, 1), sources, recipe)
    list(run_to_disk(again, tmp_path / "out"))
    entries = [json.loads(text) for text in (tmp_path / "out" / "manifest.jsonl").read_text().splitlines()]
    assert {(e["source"], e["index"], e["seed"]) for e in entries} == set(expected)
    for entry in entries:
        with Image.open(tmp_path / "out" / entry["file"]) as image:
            assert image.convert("RGB").tobytes() == expected[entry["source"], entry["index"], entry["seed"]]


def test_paid_ones_that_wait_are_saved_when_the_run_is_stopped() -> None:
    """The first variation is given back last; stopped before it, what came meanwhile is not thrown away."""

    class FirstIsLast(Scripted):
        def make(self, tasks: Any, job: Any) -> Any:
            batch = list(tasks)
            for task in batch[1:]:
                details = {"credits": self.credits} if self.credits else {}
                yield self.made_of(task, details)
                job.stop.set()

        def made_of(self, task: Task, details: dict[str, Any]) -> Any:
            from augmentai.engines.base import Made

            return Made(task, self.name, self.paint(task), "scripted 1", 0.0, details=details, strength=0.4)

    recipe = Recipe(seed=4, engine="gan", variations=3)
    paid, report = run(FirstIsLast(lambda task: tinted(task, 20), credits=2), recipe)
    assert [outcome.index for outcome in paid] == [2, 3]
    assert report["stopped"]
    free, report = run(FirstIsLast(lambda task: tinted(task, 20)), recipe)
    assert free == []
    assert report["stopped"]


def test_one_that_is_given_up_does_not_hold_up_the_others() -> None:
    def paint(task: Task) -> Image.Image:
        return SPOILT["flat"](task) if task.index == 1 else tinted(task, 20)

    outcomes, _ = run(Scripted(paint, hold=5), Recipe(seed=4, engine="gan", variations=3))
    assert {outcome.index: outcome.ok for outcome in outcomes} == {1: False, 2: True, 3: True}
