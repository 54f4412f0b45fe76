"""How far a plan is, by its files alone."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from augmentai.cluster import ClusterError, plan, run_shards, status
from augmentai.cluster.heartbeat import Heartbeat, note_failure
from augmentai.storage import open_store
from tests.support.shared_runs import QUICK, photos

PLANS: dict[str, Any] = {"shard_size": 2, **QUICK}


def test_a_plan_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    plan(photos(tmp_path / "set", {"cats": 5}), tmp_path / "plan", **PLANS)
    store = open_store(tmp_path / "plan")
    begun = status(tmp_path / "plan")
    assert (begun.shards, begun.done, begun.total, begun.per_second) == (3, 0, 10, None)
    assert begun.words == "0 of 3 shards done; 0 of 10 variations"
    with Heartbeat(store, 1, 4) as heartbeat:
        heartbeat.made = 3
        heartbeat._write()
        assert (status(tmp_path / "plan").running, status(tmp_path / "plan").variations) == (1, 3)
    assert status(tmp_path / "plan").running == 0
    note_failure(store, 2, OSError("the disk is full"))
    assert status(tmp_path / "plan").failed == {2: "the disk is full"}
    assert status(tmp_path / "plan").words == "0 of 3 shards done, 1 failed; 0 of 10 variations"
    done = run_shards(tmp_path / "plan").status
    assert done.is_complete
    assert (done.variations, done.failed, done.lost) == (10, {}, 0)
    assert done.per_second is not None
    assert done.per_second > 0
    assert json.loads(json.dumps(done.as_dict()))["done"] == 3


def test_a_worker_that_does_not_answer_any_more_is_lost(tmp_path: Path) -> None:
    plan(photos(tmp_path / "set", {"cats": 3}), tmp_path / "plan", **PLANS)
    note = {"worker": "a:1", "started": time.time() - 900, "seen": time.time() - 600, "made": 1, "variations": 4}
    (tmp_path / "plan/running").mkdir()
    (tmp_path / "plan/running/00000.json").write_text(json.dumps(note))
    found = status(tmp_path / "plan")
    assert (found.running, found.lost) == (0, 1)


def test_a_folder_without_a_plan_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="there is no complete plan; run: augmentai plan SET -o"):
        status(tmp_path)
    (tmp_path / "shards.json").write_text("{")
    with pytest.raises(ClusterError, match="is damaged"):
        status(tmp_path)
