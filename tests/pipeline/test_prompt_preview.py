"""Prompts before, during and after a run: what is shown is what is sent, and what the manifest says."""

# ruff: noqa: F811 (fixtures come in by import)

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from augmentai.dataset.atomic_files import OutputError
from augmentai.dataset.manifest import MANIFEST
from augmentai.dataset.readers.gather import gather
from augmentai.dataset.writers.folder import resolve_recipe
from augmentai.engines.gan import GanEngine
from augmentai.engines.none import NoEngine
from augmentai.engines.stability import StabilityEngine
from augmentai.pipeline.job import Job, limits
from augmentai.pipeline.prompt_preview import preview_prompts
from augmentai.pipeline.resolve import say_the_same
from augmentai.pipeline.run import run_to_disk
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from tests.support.emulator_fixture import Emulator, emulator, emulator_process  # noqa: F401
from tests.support.hosted_job import settings_for
from tests.support.paid_runs import cat_photos, job_over, run

PROMPT = "a {colour: red | blue} {label} in {weather}\nat {time}"
RECIPE = Recipe(seed=5, engine="stability", variations=2, prompt=PROMPT, negative_prompt="{bad: text | frames}")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return cat_photos(tmp_path / "photos", 4)


@pytest.fixture
def settings(emulator: Emulator, tmp_path: Path) -> Settings:
    return settings_for(emulator, state=tmp_path / "state")


def lines(out: Path) -> dict[tuple[str, int], dict[str, object]]:
    entries = map(json.loads, (out / MANIFEST).read_text().splitlines())
    return {(entry["source"], entry["index"]): entry for entry in entries}


def test_what_is_shown_is_sent_and_recorded(
    photos: Path, tmp_path: Path, settings: Settings, emulator: Emulator
) -> None:
    recipe, out = replace(RECIPE, filters=False), tmp_path / "out"
    job = job_over(photos, settings, recipe)
    shown = preview_prompts(job.plan, job.engines)
    assert len(shown) == 5
    run(photos, out, settings, recipe)
    entries = lines(out)
    assert {(path, index): prompt for path, index, prompt in shown}.items() <= {
        key: entry["prompt"] for key, entry in entries.items()
    }.items()
    sent = {form["seed"]: (form["prompt"], form["negative_prompt"]) for form in emulator.forms()}
    assert len(sent) == 8
    for (_, index), entry in entries.items():
        details = entry["details"]
        assert isinstance(details, dict)
        assert sent[str(entry["seed"])] == (entry["prompt"], details["negative_prompt"])
        drawn = details["drawn"]
        filled = f"a {drawn['colour']} cats in {drawn['weather']}" if index == 1 else f"at {drawn['time']}"
        assert entry["prompt"] == filled
    assert len({str(entry["prompt"]) for entry in entries.values()}) > 3


def test_words_are_the_same_after_a_stop_and_a_resume(
    photos: Path, tmp_path: Path, settings: Settings, emulator: Emulator
) -> None:
    recipe = replace(RECIPE, filters=False)
    run(photos, tmp_path / "whole", settings, recipe)
    job, out = job_over(photos, settings, recipe), tmp_path / "out"
    for number, _ in enumerate(run_to_disk(job, out, [photos])):
        if number == 2:
            job.stop.set()
    report = run(photos, out, settings, recipe)
    assert report["variations"] == 8
    whole, resumed = lines(tmp_path / "whole"), lines(out)
    for key, entry in whole.items():
        assert (entry["prompt"], entry["details"]["drawn"]) == (  # type: ignore[index]
            resumed[key]["prompt"],
            resumed[key]["details"]["drawn"],  # type: ignore[index]
        )


def test_nothing_is_shown_where_no_prompt_is_read(photos: Path) -> None:
    settings = Settings()
    for recipe, engines in (
        (Recipe(engine="gan", prompt="x"), [GanEngine(settings)]),
        (Recipe(prompt="x"), [StabilityEngine(settings), GanEngine(settings)]),  # no key
        (Recipe(prompt="x", strength=0), [StabilityEngine(Settings(stability_api_key="sk-1"))]),
    ):
        job = Job(gather([photos], limits(settings)), recipe, settings, engines)
        assert preview_prompts(job.plan, job.engines) == []


@pytest.mark.parametrize(
    ("engine", "before", "after", "resumes"),
    [
        ("none", "a red car", "at dusk", True),  # nothing is painted
        ("gan", "", "a red car", True),  # it paints no cars
        ("gan", "a red car", "a blue {label}", True),
        ("gan", "a red car", "a red car at dusk", False),  # but another light
        ("gan", "at dusk", "at night", False),
    ],
)
def test_an_ignored_prompt_does_not_block_a_resume(
    photos: Path, tmp_path: Path, engine: str, before: str, after: str, resumes: bool
) -> None:
    settings, out = Settings(), tmp_path / "out"
    recipe = Recipe(engine=engine, seed=3, prompt=before, operations=["noise"], filters=False)
    engines = [NoEngine(settings) if engine == "none" else GanEngine(settings)]

    def again(prompt: str) -> dict[str, object]:
        job = Job(gather([photos], limits(settings)), replace(recipe, prompt=prompt), settings, engines)
        for _ in run_to_disk(job, out, [photos]):
            pass
        return job.report.as_dict()

    again(before)
    if not resumes:
        with pytest.raises(OutputError, match="prompt was"):
            again(after)
        return
    assert again(after)["held"] == 4


def test_a_prompt_that_is_read_blocks_it(photos: Path, tmp_path: Path, settings: Settings, emulator: Emulator) -> None:
    run(photos, tmp_path / "out", settings, RECIPE)
    spent = emulator.stats()["charged"]
    with pytest.raises(OutputError, match="prompt was"):
        run(photos, tmp_path / "out", settings, replace(RECIPE, prompt="another"))
    assert emulator.stats()["charged"] == spent


@pytest.mark.parametrize(
    ("after", "resumes"),
    [
        ("a red car", True),  # which no engine of the run paints
        ("at dusk", False),
    ],
)
def test_the_command_line_resolves_an_ignored_prompt(photos: Path, tmp_path: Path, after: str, resumes: bool) -> None:
    settings, out = Settings(), tmp_path / "out"
    recipe, engines = Recipe(engine="gan", seed=3, filters=False), [GanEngine(settings)]
    for _ in run_to_disk(Job(gather([photos], limits(settings)), recipe, settings, engines), out, [photos]):
        pass
    asked = replace(recipe, prompt=after)
    if resumes:
        assert resolve_recipe(out, asked, partial(say_the_same, engines)) == recipe
        return
    with pytest.raises(OutputError, match="prompt was '', now 'at dusk'"):
        resolve_recipe(out, asked, partial(say_the_same, engines))
