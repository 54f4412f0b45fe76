"""Paid runs into a ZIP: what was received is beside it until it is complete, and is not bought again."""

# ruff: noqa: F811 (fixtures come in by import)

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from augmentai.dataset.atomic_files import OutputError
from augmentai.dataset.readers.gather import gather
from augmentai.dataset.writers.folder import resolve_recipe
from augmentai.dataset.writers.zip_sidecar import lock_file_of, paid_folder_of
from augmentai.pipeline.job import limits
from augmentai.pipeline.run import run_to_disk
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from tests.support.emulator_fixture import Emulator, emulator, emulator_process  # noqa: F401
from tests.support.hosted_job import PRICE, settings_for
from tests.support.paid_runs import (
    RECIPE,
    RunCounts,
    all_counts,
    answers_in,
    cat_photos,
    job_over,
    kill,
    run,
    start,
)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return cat_photos(tmp_path / "photos")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "sets").mkdir()
    return tmp_path / "sets" / "out.zip"


@pytest.fixture
def settings(emulator: Emulator, tmp_path: Path) -> Settings:
    return settings_for(emulator, credits_per_day=1000, state=tmp_path / "state")


def only_the_zip(out: Path) -> bool:
    return [path.name for path in out.parent.iterdir() if path.suffix != ".part"] == [out.name]


def test_nothing_is_left_beside_a_complete_zip(photos: Path, out: Path, settings: Settings, emulator: Emulator) -> None:
    emulator.fault("filtered", times=1)
    report = run(photos, out, settings)
    assert all_counts(out, report, settings) == {8 * PRICE} == {emulator.stats()["charged"]}
    assert only_the_zip(out)


def test_a_free_run_leaves_nothing_when_it_is_refused(photos: Path, out: Path, settings: Settings) -> None:
    out.write_bytes(b"mine")
    with pytest.raises(OutputError, match="already exists"):
        run(photos, out, settings, Recipe(engine="gan"))
    assert only_the_zip(out)


def test_a_killed_run_is_not_paid_for_again(photos: Path, settings: Settings, emulator: Emulator) -> None:
    out = photos / "out.zip"  # inside its own set
    emulator.control(latency=0.02)
    process = start(photos, out, emulator, "--no-filters", connections=1, seed=0)
    kill(process, lambda: emulator.stats()["charged"] >= 4 * PRICE)
    time.sleep(0.3)
    assert answers_in(out) >= 3
    assert lock_file_of(out).exists()  # a file; the lock went with the process
    found = gather([photos], limits(settings))
    assert len(found.sources) == 8
    assert "augmentai" not in str([*found.failures, found.notices])
    recipe = resolve_recipe(out, replace(RECIPE, seed=0))  # the killed run's random seed
    before = RunCounts.of(out).charged
    for refused in (lambda: resolve_recipe(out, RECIPE), lambda: run(photos, out, settings, RECIPE)):
        with pytest.raises(OutputError, match=r"seed was \d+, now 5.*Use the same settings to resume"):
            refused()
    assert RunCounts.of(out).charged == before > 0
    report = run(photos, out, settings, recipe)
    assert report["variations"] == 8
    assert "an interrupted run had paid already: its" in str(report["notices"])
    assert emulator.stats()["charged"] <= (8 + 1) * PRICE
    assert report["credits"] == 8 * PRICE
    assert not any(path.exists() for path in (paid_folder_of(out), lock_file_of(out)))


def test_the_second_run_into_one_zip_is_refused_before_it_pays(
    photos: Path, out: Path, settings: Settings, emulator: Emulator
) -> None:
    emulator.control(latency=0.5)
    first = start(photos, out, emulator, "--no-filters")
    end = time.monotonic() + 60
    while not (paid_folder_of(out).exists() or time.monotonic() > end):
        time.sleep(0.02)
    with pytest.raises(OutputError, match=r"another run is writing into .* and nothing is overwritten"):
        run(photos, out, settings)
    emulator.control(latency=0)
    assert first.wait(90) == 0
    assert emulator.stats()["charged"] == 8 * PRICE
    assert only_the_zip(out)


def test_a_stopped_run_says_where_its_answers_are_and_finds_them_again(
    photos: Path, out: Path, settings: Settings, emulator: Emulator
) -> None:
    emulator.control(latency=0.1)
    job = job_over(photos, settings.model_copy(update={"stability_concurrency": 1}))
    for _ in run_to_disk(job, out, [photos]):
        job.stop.set()
    emulator.control(latency=0)
    report = job.report.as_dict()
    assert report["stopped"]
    assert f"what was paid for is in {paid_folder_of(out)}" in str(report["notices"])
    assert all_counts(out, report, settings) == {emulator.stats()["charged"]}
    with pytest.raises(OutputError, match="already exists and nothing is overwritten"):
        run(photos, out, settings)
    out.rename(out.with_name("first.zip"))
    report = run(photos, out, settings)
    assert report["variations"] == 8
    assert all_counts(out, report, settings) == {8 * PRICE} == {emulator.stats()["charged"]}
    assert not paid_folder_of(out).exists()


def test_a_run_that_is_left_keeps_its_answers(photos: Path, out: Path, settings: Settings, emulator: Emulator) -> None:
    with closing(run_to_disk(job_over(photos, settings), out, [photos])) as outcomes:
        next(outcomes)
    out.unlink()
    report = run(photos, out, settings)
    assert report["variations"] == 8
    counts = emulator.stats()["charged"]
    assert report["credits"] <= counts <= report["credits"] + settings.stability_concurrency * PRICE
    assert not paid_folder_of(out).exists()


def test_the_limit_of_a_job_holds_over_restarts(
    photos: Path, out: Path, settings: Settings, emulator: Emulator
) -> None:
    limited = settings.model_copy(update={"credits_per_job": 17.5, "credits_on_cap": "stop"})
    for attempt in range(3):
        report = run(photos, out, limited)
        assert (report["variations"], report["credits"]) == (3, 15), attempt
        assert str(paid_folder_of(out)) in str(report["notices"])
        out.unlink()
    assert emulator.stats()["charged"] == 15
    assert run(photos, out, settings)["variations"] == 8
    assert emulator.stats()["charged"] == 8 * PRICE
    assert only_the_zip(out)
