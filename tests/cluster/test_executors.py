"""datatrove's executors: Slurm by an emulation of `sbatch`, Ray by a cluster of this machine that loses a worker."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from augmentai.cluster import ClusterError, merge, plan, run_shards, status
from augmentai.cluster.executors import Resources, executor_for
from tests.support.shared_runs import QUICK, assert_same, photos, single
from tests.support.slurm_emulator import slurm_commands

SLOW: dict[str, Any] = {**QUICK, "engine": "gan", "operations": [], "filters": False}


def test_slurm_runs_an_array_of_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = slurm_commands(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    folder = photos(tmp_path / "set", {"cats": 4, "dogs": 3})
    plan(folder, tmp_path / "plan", shard_size=2, **QUICK)
    with pytest.raises(ClusterError, match="needs a partition and a time limit"):
        run_shards(tmp_path / "plan", on="slurm", workers=2)
    resources = {"workers": 2, "partition": "cpu", "time": "1:00:00", "cpus": 2, "memory_gb": 4, "gpus": 1}
    assert run_shards(tmp_path / "plan", on="slurm", **resources).waits
    script = log.read_text().partition("\n--\n")[0]
    for asked in ("array=0-1%2", "partition=cpu", "time=1:00:00", "cpus-per-task=2", "mem-per-cpu=2G", "gpus=1"):
        assert f"#SBATCH --{asked}\n" in script
    assert status(tmp_path / "plan").is_complete
    merge(tmp_path / "plan", tmp_path / "merged")
    assert_same(tmp_path / "merged", single(folder, tmp_path, **QUICK))


@pytest.fixture
def ray_cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    import ray

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=100 << 20)
    yield
    ray.shutdown()


def test_ray_makes_again_what_a_worker_had_in_hand_when_it_was_killed(tmp_path: Path, ray_cluster: None) -> None:
    folder = photos(tmp_path / "set", {"cats": 8, "dogs": 6})
    plan(folder, tmp_path / "plan", shard_size=2, **SLOW)
    killed: list[int] = []

    def kill_one() -> None:
        """A process that has made a shard: neither its pool nor the actor around that notices by itself."""
        while not killed:
            for path in tmp_path.glob("plan/running/*.json"):
                try:
                    worker = int(path.read_text().partition(f"{os.uname().nodename}:")[2].partition('"')[0])
                except (OSError, ValueError):
                    continue
                if list(tmp_path.glob("plan/shards/*_stats.json")):
                    psutil.Process(worker).kill()
                    killed.append(worker)
                    return
            time.sleep(0.02)

    thread = threading.Thread(target=kill_one, daemon=True)
    thread.start()
    found = run_shards(tmp_path / "plan", on="ray", workers=1, memory_gb=0.5).status
    thread.join(1)
    assert killed
    assert found.is_complete, found
    merge(tmp_path / "plan", tmp_path / "merged")
    assert_same(tmp_path / "merged", single(folder, tmp_path, **SLOW))


def test_hf_jobs_say_what_they_need(tmp_path: Path) -> None:
    plan(photos(tmp_path / "set", {"cats": 2}), tmp_path / "plan", **QUICK)
    with pytest.raises(ClusterError, match="cannot read this machine's disk"):
        run_shards(tmp_path / "plan", on="hf-jobs")
    with pytest.raises(ClusterError, match="add --install"):
        executor_for("hf-jobs", "memory://plan", [0], Resources(), "memory://plan/logs")
    resources = Resources(workers=3, flavor="t4-small", time="6h", install="augmentai[cluster] @ file:///wheel")
    executor: Any = executor_for("hf-jobs", "memory://plan", range(7), resources, "memory://plan/logs")
    assert (executor.tasks, executor.workers, executor.flavor, executor.timeout) == (3, 3, "t4-small", "6h")
    assert executor.dependencies[-1] == "augmentai[cluster] @ file:///wheel"
