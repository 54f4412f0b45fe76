"""Engines that charge: one worker at a time, and nothing is bought twice, whoever was killed when."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from augmentai.cluster import ClusterError, merge, plan, run_shards, status
from augmentai.dataset.manifest import PAID_ANSWERS
from tests.support.emulator_fixture import Emulator, emulator, emulator_process  # noqa: F401
from tests.support.hosted_job import KEY, PRICE
from tests.support.paid_runs import cat_photos
from tests.support.shared_runs import written

RECIPE = {"engine": "stability", "seed": 5, "filters": False, "variations": 2}


@pytest.fixture
def hosted(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:  # noqa: F811
    for name in [name for name in os.environ if name.startswith(("STABILITY", "AUGMENTAI"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("STABILITY_API_KEY", KEY)
    monkeypatch.setenv("STABILITY_API_BASE", emulator.url)
    monkeypatch.setenv("AUGMENTAI_STABILITY_ENDPOINT", "structure")
    monkeypatch.setenv("AUGMENTAI_STABILITY_CONCURRENCY", "2")
    return emulator


def test_more_than_one_worker_is_refused_in_words(tmp_path: Path, hosted: Emulator) -> None:
    folder = cat_photos(tmp_path / "set", 3)
    plan(folder, tmp_path / "plan", shard_size=1, **RECIPE)
    with pytest.raises(ClusterError, match="2 workers, and the engine charges credits"):
        run_shards(tmp_path / "plan", workers=2)
    plan(folder, "memory://paid", **RECIPE)
    with pytest.raises(ClusterError, match="plan into a folder of this machine or of a shared disk"):
        run_shards("memory://paid")
    assert hosted.stats()["charged"] == 0


def test_what_was_paid_for_before_a_kill_is_not_bought_again(tmp_path: Path, hosted: Emulator) -> None:
    folder = cat_photos(tmp_path / "set", 6)
    planned = plan(folder, tmp_path / "plan", shard_size=3, **RECIPE)
    assert planned.plan.estimate is not None
    hosted.control(latency=0.3)
    command = [sys.executable, "-m", "augmentai", "run-shards", str(tmp_path / "plan")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    answers = tmp_path / "plan/paid" / PAID_ANSWERS
    deadline = time.monotonic() + 90
    while len([one for one in answers.glob("*") if one.suffix != ".part"]) < 3:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert status(tmp_path / "plan").done == 0
    bought = hosted.stats()["charged"]
    hosted.control(latency=0.0)
    assert run_shards(tmp_path / "plan").status.is_complete
    in_flight = 2  # requests whose answers the kill has lost
    assert 12 * PRICE <= hosted.stats()["charged"] <= (12 + in_flight) * PRICE
    assert bought >= 3 * PRICE
    assert not list(answers.glob("*"))  # nothing waits any more
    merge(tmp_path / "plan", tmp_path / "merged")
    assert sum('"status": "ok"' in line for line in written(tmp_path / "merged")["manifest.jsonl"]) == 12


def test_an_account_that_runs_dry_leaves_the_shard_to_the_next_run(tmp_path: Path, hosted: Emulator) -> None:
    folder = cat_photos(tmp_path / "set", 4)
    plan(folder, tmp_path / "plan", shard_size=2, **RECIPE)
    hosted.control(credits=6 * PRICE)
    found = run_shards(tmp_path / "plan").status
    assert (found.done, list(found.failed)) == (1, [1])
    assert "variations were left: stability:" in found.failed[1]
    hosted.control(credits=100 * PRICE)
    assert run_shards(tmp_path / "plan").status.is_complete
    assert hosted.stats()["charged"] == 8 * PRICE
    merge(tmp_path / "plan", tmp_path / "merged")
