"""What jobs of the page and the API have paid for: kept when they are interrupted, for whoever started them."""

# ruff: noqa: F811 (fixtures come in by import)

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from augmentai.dataset.readers.gather import Gathered, gather
from augmentai.dataset.writers.base import OutputError, ZipWriter
from augmentai.engines.ledger import CreditLimits, Ledger
from augmentai.engines.stability import StabilityEngine
from augmentai.pipeline.job import limits
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.system import free_space
from augmentai.types import Outcome
from augmentai.web.handlers.interrupted import inputs_of, pack_answers
from augmentai.web.jobs import cleanup, heartbeat, paid_jobs
from augmentai.web.jobs.cleanup import JOBS_FOLDER
from augmentai.web.jobs.finished_job import FinishedJob
from augmentai.web.jobs.paid_jobs import PAID_JOBS, InterruptedJob, interrupted_job
from augmentai.web.jobs.run import JobRequest, run_job
from augmentai.web.jobs.snapshot import JobResult, Snapshot
from augmentai.web.jobs.uploads import link_uploads
from tests.support.emulator_fixture import Emulator, emulator, emulator_process  # noqa: F401
from tests.support.hosted_job import PRICE, settings_for
from tests.support.jobs import Darker
from tests.support.paid_runs import cat_photos
from tests.support.small_disk import fill, small_disk

RECIPE = Recipe(engine="stability", filters=False)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return cat_photos(tmp_path / "photos")


@pytest.fixture
def settings(emulator: Emulator, tmp_path: Path) -> Settings:
    return settings_for(emulator, credits_per_day=1000, state=tmp_path / "state")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "gradio"


def request_for(photos: Path, settings: Settings, visitor: str = "anna", **changes: Any) -> JobRequest:
    """A job of the page."""
    uploads = [(f"cats/{path.name}", str(path)) for path in sorted((photos / "cats").iterdir())]

    def read(folder: Path, stop: Event) -> Gathered:
        return gather(link_uploads(uploads, folder / "in"), limits(settings), stop=stop)

    given = {"recipe": RECIPE, "keep_full": False, "visitor": visitor, "has_inputs": True} | changes
    return JobRequest(read, **given)


def finish(request: JobRequest, settings: Settings, root: Path, fetched: bool = True) -> tuple[JobResult, Snapshot]:
    """Run a job to its end, and fetch its result."""
    over = Event()
    request = replace(request, ended=over.set)
    last = list(run_job(request, settings, [StabilityEngine(settings), Darker()], root, Event()))[-1]
    assert last.result is not None
    assert over.wait(30)
    if fetched:
        FinishedJob.of(last.result, last.rows, settings).fetched()
    return last.result, last


def leave(request: JobRequest, settings: Settings, root: Path, when: Callable[[Snapshot], bool]) -> None:
    """Close the page as soon as something is true, and wait until the server has noticed."""
    over = Event()
    request = JobRequest(**{**vars(request), "ended": over.set})
    job = run_job(request, settings, [StabilityEngine(settings), Darker()], root, Event())
    while not when(next(job)):
        pass
    job.close()
    assert over.wait(30)


def wait_for_its_end(worker: heartbeat._Worker[Any]) -> None:
    while not worker.ended:
        time.sleep(0.01)


def found_by(visitor: str, root: Path) -> InterruptedJob | None:
    return interrupted_job(root, root / JOBS_FOLDER, visitor)


def test_a_visitor_who_leaves_finds_what_was_paid_for(
    photos: Path, root: Path, settings: Settings, emulator: Emulator
) -> None:
    emulator.control(latency=0.3)
    leave(request_for(photos, settings), settings, root, lambda snapshot: snapshot.done >= 2)
    emulator.control(latency=0)
    charged = emulator.stats()["charged"]
    assert 2 * PRICE <= charged < 8 * PRICE
    assert found_by("bert", root) is None
    found = found_by("anna", root)
    assert found is not None
    assert found.answers * PRICE == charged, "also what was in flight"
    *_, packed = pack_answers(found)
    assert packed.path is not None
    assert packed.path.name.endswith(f"-{found.answers}-images.zip")
    recipe = found.recipe()
    assert recipe is not None
    again = JobRequest(
        lambda folder, stop: gather(inputs_of(found), limits(settings)), recipe, False, paid=found.path, visitor="anna"
    )
    result, last = finish(again, settings, root)
    assert (result.report["variations"], len(last.rows)) == (8, 8)
    assert result.report["credits"] == 8 * PRICE == emulator.stats()["charged"]
    assert Ledger(CreditLimits.from_settings(settings)).spent() == 8 * PRICE
    assert found_by("anna", root) is None


@pytest.mark.parametrize("stopped", ["as it is left", "before it knows that it is left"])
def test_the_same_request_continues_an_interrupted_job_and_nobody_elses(
    photos: Path, root: Path, settings: Settings, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, stopped: str
) -> None:
    if stopped == "before it knows that it is left":
        monkeypatch.setattr(heartbeat._Worker, "abandon", wait_for_its_end)
    emulator.control(latency=0.2)
    leave(request_for(photos, settings, "anna"), settings, root, lambda snapshot: snapshot.done >= 2)
    emulator.control(latency=0)
    charged = emulator.stats()["charged"]
    finish(request_for(photos, settings, "bert"), settings, root)
    assert emulator.stats()["charged"] == charged + 8 * PRICE
    result, _ = finish(request_for(photos, settings, "anna"), settings, root)
    assert emulator.stats()["charged"] == 16 * PRICE
    seed = result.plan.recipe.seed
    result, _ = finish(request_for(photos, settings, "anna"), settings, root)
    assert result.plan.recipe.seed != seed, "a job that was handed over is not continued"
    assert emulator.stats()["charged"] == 24 * PRICE


@pytest.mark.parametrize("lost", ["the connection", "the result", "the server"])
def test_a_result_that_was_announced_and_not_fetched_is_the_answer_to_the_same_request(
    photos: Path, root: Path, settings: Settings, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    emulator.fault("filtered", times=1)
    first, shown = finish(request_for(photos, settings), settings, root, fetched=False)
    charged = emulator.stats()["charged"]
    assert (first.report["variations"], charged) == (7, 8 * PRICE)
    assert found_by("anna", root) is None, "it is not interrupted"
    finish(request_for(photos, settings, "bert"), settings, root)
    charged_to_bert = 8 * PRICE
    if lost == "the result":
        shutil.rmtree(first.folder)
        charged_to_bert += PRICE  # what was charged for no image is asked for again
    if lost == "the server":
        monkeypatch.setattr(paid_jobs, "_THIS_SERVER", "another")
        assert found_by("anna", root) is not None
    again, last = finish(request_for(photos, settings), settings, root)
    assert emulator.stats()["charged"] == charged + charged_to_bert
    if lost == "the result":
        return
    assert again.report == first.report
    assert again.zip_path == first.zip_path
    assert last.rows == shown.rows
    finish(request_for(photos, settings), settings, root)
    assert emulator.stats()["charged"] == charged + charged_to_bert + 8 * PRICE, "it was fetched: this is a new job"


def test_a_seed_asks_for_the_same_images_until_they_expire(
    photos: Path, root: Path, settings: Settings, emulator: Emulator
) -> None:
    recipe = Recipe(engine="stability", filters=False, seed=5)
    for _ in range(3):
        result, _ = finish(request_for(photos, settings, recipe=recipe), settings, root)
        assert result.report["variations"] == 8
    assert emulator.stats()["charged"] == 8 * PRICE
    cleanup.sweep(root, keep_hours=0)
    finish(request_for(photos, settings, recipe=recipe), settings, root)
    assert emulator.stats()["charged"] == 16 * PRICE


def test_nothing_is_left_of_a_job_that_paid_for_nothing(
    photos: Path, root: Path, settings: Settings, emulator: Emulator
) -> None:
    emulator.fault("never", times=-1, seconds=0.5)
    leave(request_for(photos, settings), settings, root, lambda snapshot: snapshot.expected > 0)
    assert [path for path in root.rglob("*") if path.is_file()] == []
    assert not list((root / JOBS_FOLDER).iterdir())
    assert not list((root / PAID_JOBS).iterdir())


def test_what_was_charged_for_nothing_counts_when_the_same_is_asked_for_again(
    photos: Path, root: Path, settings: Settings, emulator: Emulator
) -> None:
    emulator.fault("filtered", times=4)
    emulator.control(latency=0.2)
    leave(request_for(photos, settings), settings, root, lambda _: emulator.stats()["charged"] >= PRICE)
    emulator.control(latency=0)
    result, _ = finish(request_for(photos, settings), settings, root)
    assert result.report["credits"] == emulator.stats()["charged"]
    assert result.report["credits"] > result.report["variations"] * PRICE


def test_a_server_that_ends_has_handed_nothing_over(
    photos: Path, root: Path, settings: Settings, emulator: Emulator
) -> None:
    """The result is announced, but nobody can fetch it any more."""
    ending = Event()
    ending.set()
    finish(request_for(photos, settings, ending=ending), settings, root)
    result, _ = finish(request_for(photos, settings), settings, root)
    assert result.report["variations"] == 8
    assert result.report["credits"] == emulator.stats()["charged"] == 8 * PRICE


def test_a_job_that_a_limit_cut_short_is_continued_by_the_same_request(
    photos: Path, root: Path, settings: Settings, emulator: Emulator
) -> None:
    limited = settings.model_copy(update={"credits_per_job": 3 * PRICE})
    for _ in range(2):  # the second time, the limit is still reached
        result, _ = finish(request_for(photos, limited), limited, root)
        assert (result.report["variations"], result.report["stopped"]) == (3, False)
        assert emulator.stats()["charged"] == 3 * PRICE
    result, _ = finish(request_for(photos, settings), settings, root)
    assert result.report["variations"] == 8
    assert result.report["credits"] == emulator.stats()["charged"] == 8 * PRICE


def test_the_rest_of_a_stopped_job_keeps_its_limit_and_buys_nothing_twice(
    photos: Path, root: Path, settings: Settings, emulator: Emulator
) -> None:
    limited = settings.model_copy(update={"credits_per_job": 17.5, "credits_on_cap": "stop"})
    engines = [StabilityEngine(limited), Darker()]
    result, last = finish(request_for(photos, settings), limited, root)
    job = FinishedJob.of(result, last.rows, limited)
    for _ in range(2):
        assert (job.report["variations"], job.report["credits"]) == (3, 15)
        job.price_rest(engines)
        assert "the limit of 2.5 credits allows 0 of them" in str(job.rest_cost)
        result, last = finish(rest_of(job), limited, root)
        job.add(result, last.rows, ["all"])
    assert emulator.stats()["charged"] == 15
    job.price_rest([StabilityEngine(settings)])
    assert str(job.rest_cost) == "up to 25 credits (5 images at 5)"
    result, last = finish(rest_of(job), settings, root)
    job.add(result, last.rows, ["all"])
    assert (job.report["variations"], job.report["credits"]) == (8, 40)
    assert emulator.stats()["charged"] == 8 * PRICE


def rest_of(job: FinishedJob) -> JobRequest:
    sources = job.sources_for_rerun()
    return JobRequest(lambda folder, stop: sources, job.plan.recipe, False, 1, job.checkpoint(), paid=job.paid)


def test_what_was_charged_and_is_no_image_is_not_bought_again(
    photos: Path, root: Path, settings: Settings, emulator: Emulator
) -> None:
    emulator.fault("filtered", times=2)
    result, last = finish(request_for(photos, settings), settings, root)
    job = FinishedJob.of(result, last.rows, settings)
    assert job.report["variations"] == 6
    assert job.incomplete_sources() == []
    result, last = finish(rest_of(job), settings, root)
    assert emulator.stats()["charged"] == 8 * PRICE == result.report["credits"]


def test_a_disk_that_fills_keeps_what_is_finished_and_what_was_received(
    photos: Path, tmp_path: Path, settings: Settings, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(free_space, "MIN_FREE_BYTES", 0)
    with small_disk(tmp_path / "disk", megabytes=2) as root:
        request = request_for(photos, settings)
        job = run_job(request, settings, [StabilityEngine(settings), Darker()], root, Event())
        last = Snapshot()
        filled = 0
        emulator.control(latency=0.5)  # so that the disk is full before the rest is there
        for last in job:
            if last.done >= 2 and not filled:
                filled = fill(root).stat().st_size
        emulator.control(latency=0)
        assert last.result is not None
        report = last.result.report
        assert 0 < report["variations"] < 8
        assert report["credits"] == emulator.stats()["charged"]
        assert report["stopped"]
        (root / "ballast").unlink()
        assert found_by("anna", root) is not None, "in another tab"
        finished = FinishedJob.of(last.result, last.rows, settings)
        result, last = finish(rest_of(finished), settings, root)
        finished.add(result, last.rows, ["all"])
        assert (finished.report["variations"], finished.report["credits"]) == (8, 8 * PRICE)
        assert emulator.stats()["charged"] == 8 * PRICE
        assert found_by("anna", root) is None


def test_a_result_that_could_not_be_saved_to_its_end_is_shown_and_offered(
    photos: Path, root: Path, settings: Settings, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    added: list[Outcome] = []
    add = ZipWriter.add

    def full(self: ZipWriter, outcome: Outcome) -> None:
        if len(added) == 3:
            raise OutputError("the ZIP cannot be written any more")
        add(self, outcome)
        added.append(outcome)

    with monkeypatch.context() as patched:
        patched.setattr(ZipWriter, "add", full)
        result, last = finish(request_for(photos, settings), settings, root)
    assert (result.report["variations"], len(last.rows), result.report["stopped"]) == (3, 3, True)
    assert "Stopped, since the result could not be saved: the ZIP cannot be written" in str(result.report["notices"])
    charged = emulator.stats()["charged"]
    assert result.report["credits"] == charged > 3 * PRICE
    found = found_by("anna", root)
    assert found is not None, "in another tab"
    assert found.answers * PRICE == charged
    job = FinishedJob.of(result, last.rows, settings)
    result, last = finish(rest_of(job), settings, root)
    job.add(result, last.rows, ["all"])
    assert (job.report["variations"], job.report["credits"]) == (8, 8 * PRICE)
    assert emulator.stats()["charged"] == 8 * PRICE
    assert found_by("anna", root) is None
