"""Paid runs to a URL: what was paid for and did not reach the store is on this machine, and is not bought again."""

# ruff: noqa: F811 (fixtures come in by import)

from __future__ import annotations

import json
from pathlib import Path

import pytest

from augmentai.dataset.atomic_files import OutputError
from augmentai.pipeline.run_to_place import look_ahead_to, run_to_place
from augmentai.settings import Settings
from augmentai.storage import Store, open_store
from tests.support.emulator_fixture import Emulator, emulator, emulator_process  # noqa: F401
from tests.support.hosted_job import PRICE, settings_for
from tests.support.paid_runs import cat_photos, job_over
from tests.support.s3_server import BUCKET, S3Server

PHOTOS = 8


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return cat_photos(tmp_path / "photos", PHOTOS)


@pytest.fixture
def out(s3: S3Server) -> Store:
    return open_store(f"s3://{BUCKET}/larger")


@pytest.fixture
def settings(emulator: Emulator, tmp_path: Path) -> Settings:
    return settings_for(emulator, credits_per_day=1000, state=tmp_path / "state")


def to_the_end(photos: Path, out: Store, settings: Settings) -> float:
    """The credits that the report counts."""
    job = job_over(photos, settings)
    for _ in run_to_place(job, out, [photos]):
        pass
    return float(job.report.as_dict()["credits"])


def credits_in(out: Store) -> float:
    return sum(json.loads(line).get("credits", 0) for line in out.read("manifest.jsonl").splitlines())


def kept(settings: Settings) -> list[Path]:
    return [path for path in (settings.state / "paid").glob("*") if path.is_dir()]


def test_what_a_store_did_not_take_is_not_bought_again(
    photos: Path, out: Store, settings: Settings, emulator: Emulator, s3: S3Server
) -> None:
    taken = [1]  # recipe.yaml

    def fault(method: str, path: str) -> int | None:
        taken[0] -= method == "PUT"
        return 403 if taken[0] < 0 else None

    s3.fault = fault
    with pytest.raises(OutputError, match=r"access denied.*what was paid for is in .*paid"):
        to_the_end(photos, out, settings)
    charged = emulator.stats()["charged"]
    assert charged > 0
    assert len(kept(settings)) == 1
    s3.fault = lambda method, path: None
    ahead = job_over(photos, settings)
    look_ahead_to(ahead, out, [photos])
    assert ahead.left_to_buy * PRICE == PHOTOS * PRICE - charged
    assert to_the_end(photos, out, settings) == PHOTOS * PRICE
    assert emulator.stats()["charged"] == PHOTOS * PRICE == credits_in(out)
    assert kept(settings) == []


def test_a_stopped_run_is_resumed_at_no_further_cost(
    photos: Path, out: Store, settings: Settings, emulator: Emulator
) -> None:
    emulator.control(latency=0.1)
    job = job_over(photos, settings.model_copy(update={"stability_concurrency": 1}))
    for _ in run_to_place(job, out, [photos]):
        job.stop.set()
    emulator.control(latency=0)
    assert 0 < emulator.stats()["charged"] < PHOTOS * PRICE
    to_the_end(photos, out, settings)
    assert emulator.stats()["charged"] == PHOTOS * PRICE == credits_in(out)
    assert to_the_end(photos, out, settings) == PHOTOS * PRICE  # nothing is left to do
    assert emulator.stats()["charged"] == PHOTOS * PRICE
    assert kept(settings) == []
