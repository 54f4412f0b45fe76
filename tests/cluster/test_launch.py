"""Workers and drivers that are killed, in any order and number: nothing is made twice, and nothing is lost."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from augmentai.cli import cluster as cli
from augmentai.cluster import ClusterError, merge, plan, run_shards, status
from augmentai.cluster.heartbeat import note_failure
from augmentai.cluster.plan_folder import PlanFolder
from augmentai.cluster.shard_run import ShardMaker
from augmentai.cluster.step import MakeShards
from augmentai.settings import Settings
from augmentai.storage import open_store
from tests.support.shared_runs import QUICK, assert_same, photos, single

SLOW: dict[str, Any] = {**QUICK, "engine": "gan", "operations": [], "filters": False}
COMMAND = [sys.executable, "-m", "augmentai", "run-shards"]


def tars(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "shards").glob("*.tar")}


def begin(url: Path, workers: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*COMMAND, str(url), "--workers", str(workers)], stdout=subprocess.DEVNULL)


def wait_for(there: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 120
    while not (found := there()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def workers_of(driver: psutil.Process) -> list[psutil.Process]:
    return [one for one in driver.children() if "augmentai.cluster.worker" in one.cmdline()]


def has_made(url: Path, count: int = 1) -> bool:
    return len(list(url.glob("shards/*_stats.json"))) >= count


def test_a_killed_worker_costs_time_and_nothing_else(tmp_path: Path) -> None:
    folder = photos(tmp_path / "set", {"cats": 14, "dogs": 10})
    plan(folder, tmp_path / "plan", shard_size=3, **SLOW)
    driver = begin(tmp_path / "plan", workers=2)
    wait_for(lambda: has_made(tmp_path / "plan"))
    worker = workers_of(psutil.Process(driver.pid))[0]
    children = worker.children(recursive=True)
    worker.kill()
    assert psutil.wait_procs(children, timeout=60)[1] == [], "what it had started ends too"
    assert driver.wait(120) == 0
    assert status(tmp_path / "plan").is_complete
    merge(tmp_path / "plan", tmp_path / "merged")
    assert_same(tmp_path / "merged", single(folder, tmp_path, **SLOW))


def test_a_killed_driver_takes_its_workers_along_and_is_run_again(tmp_path: Path) -> None:
    folder = photos(tmp_path / "set", {"cats": 8, "dogs": 8})
    plan(folder, tmp_path / "plan", shard_size=2, **SLOW)
    driver = begin(tmp_path / "plan", workers=2)
    wait_for(lambda: has_made(tmp_path / "plan", 2))
    workers = workers_of(psutil.Process(driver.pid))
    children = psutil.Process(driver.pid).children(recursive=True)
    driver.kill()
    driver.wait()
    assert psutil.wait_procs(children, timeout=60)[1] == []
    assert not any(worker.is_running() for worker in workers)
    kept = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("plan/shards/*_stats.json")}
    half = tmp_path / "plan/shards/00007.tar"
    if "00007_stats.json" not in kept:
        half.write_bytes(b"half of it")  # as a worker leaves it that is killed before its stats are written
    moved = (tmp_path / "plan").rename(tmp_path / "moved")
    assert run_shards(moved).status.is_complete
    again = {path.name: path.stat().st_mtime_ns for path in moved.glob("shards/*_stats.json")}
    assert kept.items() <= again.items()
    merge(moved, tmp_path / "merged")
    assert_same(tmp_path / "merged", single(folder, tmp_path, **SLOW))


def test_any_order_and_number_of_workers_writes_the_same_tars(tmp_path: Path) -> None:
    folder = photos(tmp_path / "set", {"cats": 6, "dogs": 5})
    for name in ("one", "many"):
        plan(folder, tmp_path / name, shard_size=2, **QUICK)
    run_shards(tmp_path / "one")
    run_shards(tmp_path / "many", workers=3, tasks=4)
    assert tars(tmp_path / "one") == tars(tmp_path / "many")
    lost = next((tmp_path / "many/shards").glob("*_stats.json"))
    lost.unlink()
    before = tars(tmp_path / "many")
    assert run_shards(tmp_path / "many").status.done == 6
    assert tars(tmp_path / "many") == before


def in_rounds(monkeypatch: pytest.MonkeyPatch, does: Callable[[int, list[int]], None]) -> list[int]:
    """Replaces the workers of each round. Returns how many shards each was to make, once it was launched."""
    begun: list[int] = []

    def launched(folder: Any, where: str, shards: list[int], resources: Any, logs: str) -> None:
        begun.append(len(shards))
        does(len(begun), shards)

    monkeypatch.setattr("augmentai.cluster.launch._launch", launched)
    return begun


def test_a_storm_of_kills_does_not_end_a_launch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan(photos(tmp_path / "set", {"cats": 3}), tmp_path / "plan", shard_size=1, **QUICK)
    maker = ShardMaker(PlanFolder(open_store(tmp_path / "plan")), Settings())

    def killed_early(number: int, shards: list[int]) -> None:
        if number % 6 == 0:
            maker.make(shards[0])

    begun = in_rounds(monkeypatch, killed_early)
    assert run_shards(tmp_path / "plan").status.is_complete
    assert begun == [3] * 6 + [2] * 6 + [1] * 6


def test_a_shard_that_always_fails_or_ends_its_worker_ends_the_launch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plan(photos(tmp_path / "set", {"cats": 2}), tmp_path / "plan", shard_size=1, **QUICK)
    store = open_store(tmp_path / "plan")

    def fails(number: int, shards: list[int]) -> None:
        for shard in shards:
            note_failure(store, shard, OSError("no room"))

    failing = in_rounds(monkeypatch, fails)
    assert run_shards(tmp_path / "plan").status.failed == {0: "no room", 1: "no room"}
    assert len(failing) == 2
    lost = in_rounds(monkeypatch, lambda number, shards: None)
    assert not run_shards(tmp_path / "plan").status.done
    assert 2 < len(lost) < 20
    assert cli.run_shards(tmp_path / "plan", "local") == 2
    assert f"next: augmentai run-shards {tmp_path / 'plan'} (makes what is left: 2 shards)" in capsys.readouterr().out


def test_a_worker_that_ends_by_a_fault_of_its_own_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan(photos(tmp_path / "set", {"cats": 2}), tmp_path / "plan", shard_size=1, **QUICK)

    def broken(maker: ShardMaker, shard: int) -> None:
        raise RuntimeError("an engine broke")

    monkeypatch.setattr(ShardMaker, "make", broken)
    with pytest.raises(RuntimeError, match="an engine broke"):
        next(MakeShards(str(tmp_path / "plan"), [0, 1])(None), None)
    assert status(tmp_path / "plan").failed == {0: "an engine broke"}


def test_there_are_never_more_workers_than_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan(photos(tmp_path / "set", {"cats": 5}), tmp_path / "plan", shard_size=1, **QUICK)
    begun: list[subprocess.Popen[bytes]] = []
    at_work: list[int] = []

    class Counted(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            begun.append(self)
            at_work.append(sum(one.poll() is None for one in begun))

    monkeypatch.setattr("augmentai.cluster.launch.subprocess.Popen", Counted)
    assert run_shards(tmp_path / "plan", workers=2, tasks=5).status.is_complete
    assert (len(begun), max(at_work)) == (5, 2)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stop_ends_the_command_and_its_workers(tmp_path: Path, workers: int) -> None:
    plan(photos(tmp_path / "set", {"cats": 40}), tmp_path / "plan", shard_size=1, **SLOW)
    driver = begin(tmp_path / "plan", workers)
    wait_for(lambda: has_made(tmp_path / "plan"))
    at_work = psutil.Process(driver.pid).children()
    driver.terminate()
    assert driver.wait(60) != 0
    psutil.wait_procs(at_work, timeout=60)
    assert not any(worker.is_running() for worker in at_work)
    assert not status(tmp_path / "plan").is_complete


def test_stats_that_are_damaged_do_not_say_that_a_shard_is_complete(tmp_path: Path) -> None:
    folder = photos(tmp_path / "set", {"cats": 3})
    plan(folder, tmp_path / "plan", shard_size=1, **QUICK)
    run_shards(tmp_path / "plan")
    (tmp_path / "plan/shards/00001_stats.json").write_text('{"plan": "')
    assert status(tmp_path / "plan").done == 2
    assert run_shards(tmp_path / "plan").status.is_complete
    merge(tmp_path / "plan", tmp_path / "merged")
    assert_same(tmp_path / "merged", single(folder, tmp_path, **QUICK))


def test_a_plan_that_was_changed_is_refused_with_the_difference(tmp_path: Path) -> None:
    folder = photos(tmp_path / "set", {"cats": 3})
    plan(folder, tmp_path / "plan", **QUICK)
    recipe = tmp_path / "plan/recipe.yaml"
    planned = recipe.read_text()
    recipe.write_text(planned.replace("seed: 7", "seed: 8"))
    with pytest.raises(ClusterError, match="seed was 7, now 8"):
        run_shards(tmp_path / "plan")
    recipe.write_text(planned)
    rows = tmp_path / "plan/plan.parquet"
    rows.write_bytes(rows.read_bytes() + b" ")
    with pytest.raises(ClusterError, match=r"plan\.parquet is not the file that was planned"):
        run_shards(tmp_path / "plan")


def test_shards_of_another_plan_are_refused(tmp_path: Path) -> None:
    folder = photos(tmp_path / "set", {"cats": 3})
    plan(folder, tmp_path / "plan", **QUICK)
    run_shards(tmp_path / "plan")
    stats = tmp_path / "plan/shards/00000_stats.json"
    stats.write_text(json.dumps({**json.loads(stats.read_text()), "plan": "another"}))
    with pytest.raises(ClusterError, match="made by another plan"):
        run_shards(tmp_path / "plan")


def test_a_set_that_changed_since_is_refused(tmp_path: Path) -> None:
    from tests.support import labelled_sets

    folder = labelled_sets.write(tmp_path / "set", labelled_sets.yolo())
    plan(folder, tmp_path / "plan", **{**QUICK, "filters": False})
    label = next(folder.rglob("one.txt"))
    label.write_text(label.read_text() * 2)
    found = run_shards(tmp_path / "plan").status
    assert "label files changed" in found.failed[0]


def test_the_memory_of_a_process_has_one_worker(tmp_path: Path) -> None:
    folder = photos(tmp_path / "set", {"cats": 3})
    plan(folder, "memory://plans/one", shard_size=1, **QUICK)
    with pytest.raises(ClusterError, match="no other worker can read"):
        run_shards("memory://plans/one", workers=2)
    assert run_shards("memory://plans/one").status.is_complete
    merge("memory://plans/one", tmp_path / "merged")
    assert_same(tmp_path / "merged", single(folder, tmp_path, **QUICK))
