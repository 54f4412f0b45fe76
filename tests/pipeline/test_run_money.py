"""The ledger of a run into a folder: manifest, report, card and the day's count agree with what the service charged."""

# ruff: noqa: F811 (fixtures come in by import)

from __future__ import annotations

import re
import time
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from augmentai.dataset.atomic_files import OutputError
from augmentai.dataset.manifest import CARD, PAID_ANSWERS, RUN_LEDGER
from augmentai.dataset.paid_answers import Item, PaidAnswer, PaidAnswers
from augmentai.dataset.readers.gather import gather
from augmentai.dataset.writers.folder import FolderWriter
from augmentai.engines.ledger import CreditLimits, Ledger
from augmentai.pipeline.job import limits
from augmentai.pipeline.run import run_to_disk
from augmentai.recipe import Recipe
from augmentai.recipe.thresholds import Thresholds
from augmentai.settings import Settings
from tests.support.emulator_fixture import Emulator, emulator, emulator_process  # noqa: F401
from tests.support.hosted_job import PRICE, settings_for
from tests.support.image_files import jpeg
from tests.support.paid_runs import (
    RECIPE,
    RunCounts,
    all_counts,
    cat_photos,
    in_manifest,
    job_over,
    kill,
    lines_in,
    on_card,
    run,
    start,
)
from tests.support.small_disk import fill, small_disk


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return cat_photos(tmp_path / "photos")


@pytest.fixture
def settings(emulator: Emulator, tmp_path: Path) -> Settings:
    return settings_for(emulator, credits_per_day=1000, state=tmp_path / "state")


CHARGED_WITHOUT_AN_IMAGE = ["filtered", "truncated", "no-finish-reason", "not-image", "short-body"]


@pytest.mark.parametrize("fault", CHARGED_WITHOUT_AN_IMAGE)
def test_failures_that_were_charged_stay_counted_when_the_run_resumes(
    fault: str, photos: Path, tmp_path: Path, settings: Settings, emulator: Emulator
) -> None:
    recipe = replace(RECIPE, paid_retries=True)
    emulator.fault(fault, times=2)
    first = run(photos, tmp_path / "out", settings, recipe)
    assert (first["variations"], first["failed"]) == (6, 2)
    assert all_counts(tmp_path / "out", first, settings) == {8 * PRICE} == {emulator.stats()["charged"]}
    second = run(photos, tmp_path / "out", settings, recipe)
    assert (second["variations"], second["held"], second["failed"]) == (8, 6, 0)
    assert all_counts(tmp_path / "out", second, settings) == {10 * PRICE} == {emulator.stats()["charged"]}
    third = run(photos, tmp_path / "out", settings, recipe)
    assert all_counts(tmp_path / "out", third, settings) == {10 * PRICE} == {emulator.stats()["charged"]}


@pytest.mark.parametrize("fault", CHARGED_WITHOUT_AN_IMAGE)
def test_without_paid_retries_what_was_charged_is_not_bought_again(
    fault: str, photos: Path, tmp_path: Path, settings: Settings, emulator: Emulator
) -> None:
    out = tmp_path / "out"
    emulator.fault(fault, times=2)
    run(photos, out, settings)
    (out / "cats" / "7__v1.jpg").unlink(missing_ok=True)  # also something that is made again
    for _ in range(2):
        report = run(photos, out, settings)
        assert report["variations"] == 6
        assert "2 images were already paid for, but rejected or unusable, and not retried" in str(report["notices"])
        assert all_counts(out, report, settings) == {emulator.stats()["charged"]} <= {8 * PRICE, 9 * PRICE}


def test_images_that_filters_reject_are_counted(
    photos: Path, tmp_path: Path, settings: Settings, emulator: Emulator
) -> None:
    strict = Thresholds(near_copy=400)
    recipe = Recipe(seed=5, engine="stability", retries=1, paid_retries=True, thresholds=strict)
    report = run(photos, tmp_path / "out", settings, recipe)
    assert (report["variations"], report["rejected"]) == (0, {"near_copy": 16})
    assert all_counts(tmp_path / "out", report, settings) == {emulator.stats()["charged"]}
    again = run(photos, tmp_path / "out", settings, recipe)
    assert all_counts(tmp_path / "out", again, settings) == {emulator.stats()["charged"]}


def test_limit_of_a_job_holds_over_restarts(
    photos: Path, tmp_path: Path, settings: Settings, emulator: Emulator
) -> None:
    limited = settings.model_copy(update={"credits_per_job": 17.5, "credits_on_cap": "stop"})
    emulator.fault("filtered", times=1)
    for attempt in range(3):
        report = run(photos, tmp_path / "out", limited)
        assert (report["variations"], report["credits"]) == (2, 15), attempt
    assert "the limit of 17.5 credits a job is reached (15 spent" in str(report["failures"])
    assert emulator.stats()["charged"] == 15
    assert run(photos, tmp_path / "another", limited)["variations"] == 3  # another run has its own
    assert run(photos, tmp_path / "out", settings)["variations"] == 7  # a higher limit goes on; one was filtered


def test_a_run_that_is_left_says_how_many_requests_were_in_flight(
    photos: Path, tmp_path: Path, settings: Settings, emulator: Emulator
) -> None:
    emulator.control(latency=1)
    job = job_over(photos, settings)
    with closing(run_to_disk(job, tmp_path / "out", [photos])) as outcomes:
        next(outcomes)
        time.sleep(0.4)  # the next requests have gone out
    report = job.report.as_dict()
    (notice,) = [words for words in report["notices"] if "in flight" in words]
    count = int(re.match(r"up to (\d) request", notice).group(1))  # type: ignore[union-attr]
    assert 1 <= count <= settings.stability_concurrency
    emulator.control(latency=0)
    time.sleep(1.5)  # the service goes on without its reader
    assert report["credits"] <= emulator.stats()["charged"] <= report["credits"] + count * PRICE
    second = run(photos, tmp_path / "out", settings)
    assert second["variations"] == 8
    assert {second["credits"], in_manifest(tmp_path / "out"), on_card(tmp_path / "out")} == {second["credits"]}
    (notice,) = [words for words in second["notices"] if "in flight" in words]
    assert f"{notice[:1].upper()}{notice[1:]}." in (tmp_path / "out" / CARD).read_text()
    assert second["credits"] <= emulator.stats()["charged"] <= second["credits"] + count * PRICE


@pytest.mark.parametrize("name", ["out", "out.zip"])
def test_a_full_disk_loses_nothing_that_was_charged(
    name: str, photos: Path, tmp_path: Path, settings: Settings, emulator: Emulator
) -> None:
    emulator.control(latency=0.1)
    with small_disk(tmp_path / "disk", megabytes=2) as disk:
        job = job_over(photos, settings)
        with suppress(OutputError):
            for number, _ in enumerate(run_to_disk(job, disk / name, [photos])):
                if number == 1:
                    fill(disk)
        emulator.control(latency=0)
        report = job.report.as_dict()
        charged = emulator.stats()["charged"]
        assert 2 * PRICE <= charged < 8 * PRICE
        assert {report["credits"], Ledger(CreditLimits.from_settings(settings)).spent()} == {charged}
        assert "in flight" not in str(report["notices"])
        (disk / "ballast").unlink()
        (disk / "out.zip").unlink(missing_ok=True)
        second = run(photos, disk / name, settings)
        assert second["variations"] == 8
        assert all_counts(disk / name, second, settings) == {8 * PRICE} == {emulator.stats()["charged"]}


@pytest.fixture
def killed(photos: Path, tmp_path: Path, emulator: Emulator) -> Path:
    """The folder of a command that was killed with some variations made and some requests in flight."""
    emulator.control(latency=0.3)
    out = tmp_path / "out"
    kill(start(photos, out, emulator, "--no-filters"), lambda: lines_in(out) >= 3)
    return out


def test_after_a_kill_the_ledger_knows_what_was_charged_and_what_was_in_flight(
    killed: Path, photos: Path, settings: Settings, emulator: Emulator
) -> None:
    time.sleep(1)
    emulator.control(latency=0)
    counts = RunCounts.of(killed)
    assert counts.charged <= emulator.stats()["charged"] <= counts.committed <= counts.charged + 2 * PRICE
    report = run(photos, killed, settings)
    assert report["variations"] == 8
    assert {report["credits"], in_manifest(killed), on_card(killed)} == {report["credits"]}
    counts = RunCounts.of(killed)
    assert counts.charged == report["credits"] <= emulator.stats()["charged"] <= counts.committed


def test_a_run_of_an_earlier_version_keeps_what_its_manifest_counted(
    photos: Path, tmp_path: Path, settings: Settings, emulator: Emulator
) -> None:
    recipe = replace(RECIPE, paid_retries=True)
    emulator.fault("filtered", times=2)
    run(photos, tmp_path / "out", settings, recipe)
    (tmp_path / "out" / RUN_LEDGER).unlink()
    report = run(photos, tmp_path / "out", settings, recipe)
    assert report["variations"] == 8
    assert all_counts(tmp_path / "out", report, settings) == {10 * PRICE} == {emulator.stats()["charged"]}


def test_a_damaged_ledger_is_named_and_nothing_is_spent(
    photos: Path, tmp_path: Path, settings: Settings, emulator: Emulator
) -> None:
    recipe = replace(RECIPE, paid_retries=True)
    emulator.fault("filtered", times=2)
    run(photos, tmp_path / "out", settings, recipe)
    ledger_file = tmp_path / "out" / RUN_LEDGER
    ledger_file.write_bytes(b"damaged\n" + ledger_file.read_bytes())
    report = run(photos, tmp_path / "out", settings, recipe)
    assert report["variations"] == 6
    assert f"the run's credits cannot be read from {ledger_file}" in str(report["failures"])
    assert str(ledger_file) in str(report["notices"])
    assert emulator.stats()["charged"] == 8 * PRICE


def test_a_free_run_has_no_ledger(photos: Path, tmp_path: Path, settings: Settings) -> None:
    run(photos, tmp_path / "out", settings, Recipe(seed=5, engine="gan"))
    assert not (tmp_path / "out" / RUN_LEDGER).exists()


def test_the_ledger_is_not_a_file_of_the_dataset(photos: Path, tmp_path: Path, settings: Settings) -> None:
    run(photos, tmp_path / "out", settings)
    found = gather([tmp_path / "out"], limits(settings))
    assert RUN_LEDGER not in str([*found.sources, *found.failures, found.notices])


def test_a_run_that_made_nothing_is_replaced_with_its_ledger(
    photos: Path, tmp_path: Path, settings: Settings, emulator: Emulator
) -> None:
    emulator.fault("filtered", times=8)
    assert run(photos, tmp_path / "out", settings)["credits"] == 8 * PRICE
    report = run(photos, tmp_path / "out", settings, Recipe(seed=6, engine="stability", filters=False))
    assert (report["variations"], report["credits"]) == (8, 8 * PRICE)


@pytest.mark.parametrize("answers", [1, 4])
def test_a_kill_at_one_request_in_flight_loses_that_one_at_most(
    photos: Path, tmp_path: Path, settings: Settings, emulator: Emulator, answers: int
) -> None:
    emulator.control(latency=0.02)
    out = tmp_path / "out"
    process = start(photos, out, emulator, "--no-filters", connections=1)
    kill(process, lambda: emulator.stats()["charged"] >= answers * PRICE)
    time.sleep(0.5)
    report = run(photos, out, settings)
    assert report["variations"] == 8
    assert emulator.stats()["charged"] <= (8 + 1) * PRICE
    assert {report["credits"], in_manifest(out), on_card(out)} == {report["credits"]}
    assert report["credits"] == 8 * PRICE
    assert not (out / PAID_ANSWERS).exists()


def test_a_resumed_run_tidies_answers_of_variations_that_it_has(
    photos: Path, tmp_path: Path, settings: Settings, emulator: Emulator
) -> None:
    """A kill between a line of the manifest and the end of its answer leaves the answer behind."""
    out = tmp_path / "out"
    run(photos, out, settings)
    source = job_over(photos, settings).plan.sources[0]
    item = Item("stability", source.path, source.sha256, index=1, seed=7)
    PaidAnswers(out / PAID_ANSWERS).store(item, "model", PaidAnswer("1", b"pixels"))
    (out / PAID_ANSWERS / "0123.part").write_bytes(b"half")
    report = run(photos, out, settings)
    assert (report["held"], report["variations"]) == (8, 8)
    assert not (out / PAID_ANSWERS).exists()
    assert emulator.stats()["charged"] == 8 * PRICE


def test_answers_that_wait_for_a_sibling_are_not_bought_again_after_a_kill(
    tmp_path: Path, settings: Settings, emulator: Emulator
) -> None:
    photo, out = tmp_path / "one" / "a.jpg", tmp_path / "out"
    photo.parent.mkdir()
    photo.write_bytes(jpeg((48, 32), seed=1))
    prompt = "alpha\nbeta\ngamma\ndelta"  # one for each variation
    emulator.fault("never", times=-1, prompt="alpha")
    process = start(photo.parent, out, emulator, "-n", "4", "--prompt", prompt)
    kill(process, lambda: len([path for path in (out / PAID_ANSWERS).glob("*") if not path.suffix]) == 3)
    assert lines_in(out) == 0
    assert emulator.stats()["charged"] == 3 * PRICE
    found = gather([out], limits(settings))  # the folder as a source set: answers are no part of it
    assert PAID_ANSWERS not in str([*found.sources, *found.failures, found.notices])
    emulator.control(faults=[])
    recipe = Recipe(seed=5, engine="stability", variations=4, prompt=prompt)
    report = run(photo.parent, out, settings, recipe)
    assert report["variations"] + report["left_out"] == 4
    assert emulator.stats()["charged"] == 4 * PRICE
    assert {report["credits"], in_manifest(out), on_card(out)} == {4 * PRICE}
    assert not (out / PAID_ANSWERS).exists()
    whole = run(photo.parent, tmp_path / "whole", settings, recipe)
    assert whole["variations"] == report["variations"]
    for path in (tmp_path / "whole").rglob("*.jpg"):
        assert path.read_bytes() == (out / path.relative_to(tmp_path / "whole")).read_bytes()


def test_a_damaged_answer_is_bought_again(
    photos: Path, tmp_path: Path, settings: Settings, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: FolderWriter, outcome: object) -> None:
        raise OutputError("No space left on device")

    one = settings.model_copy(update={"stability_concurrency": 1})
    with monkeypatch.context() as patched:
        patched.setattr(FolderWriter, "add", full)
        with pytest.raises(OutputError):
            run(photos, tmp_path / "out", one)
    time.sleep(0.5)
    answers = list((tmp_path / "out" / PAID_ANSWERS).glob("*"))
    assert answers
    charged = emulator.stats()["charged"]
    for path in answers:
        path.write_bytes(path.read_bytes()[:-10])
    assert run(photos, tmp_path / "out", settings)["variations"] == 8
    assert emulator.stats()["charged"] == charged + 8 * PRICE
