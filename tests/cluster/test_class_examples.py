"""Whether repainted images still show their class is judged by the whole set, whoever makes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from augmentai import run
from augmentai.backbone import BackboneError
from augmentai.cluster import merge, plan, run_shards
from augmentai.cluster.plan_folder import PlanFolder
from augmentai.engines.base import Task
from augmentai.recipe import Thresholds
from augmentai.storage import open_store
from tests.support.class_sets import class_folders, part_of
from tests.support.scripted_engine import Scripted
from tests.support.shared_runs import assert_same

RECIPE: dict[str, Any] = {
    "engine": "gan",
    "geometry": "none",
    "seed": 3,
    "variations": 1,
    "thresholds": Thresholds(semantic=0, drift=0, duplicate=0, near_copy=0),
}


class Repainting(Scripted):
    """Paints a cup where a cat was, at the first attempt of two images."""

    repaints = True

    def __init__(self) -> None:
        super().__init__(self.painted, repainted=True)

    @staticmethod
    def painted(task: Task) -> Any:
        if task.source.path in {"cat/0.png", "cat/2.png"} and not task.attempt:
            return part_of("cup", 3)
        return task.photo.rgb.point(lambda value: int(value * 0.8))


@pytest.fixture(autouse=True)
def _repainted(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("engines", *(f"cluster.{name}" for name in ("launch", "parts", "planning", "shard_run"))):
        monkeypatch.setattr(f"augmentai.{module}.available", lambda settings: [Repainting()])


def class_set(folder: Path) -> Path:
    for source in class_folders():
        path = folder / source.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source.read())
    return folder


def rejected(folder: Path) -> int:
    return (folder / "manifest.jsonl").read_text().count('"other_class"')


def test_workers_reject_what_a_single_run_rejects(tmp_path: Path) -> None:
    folder = class_set(tmp_path / "set")
    plan(folder, tmp_path / "plan", shard_size=3, **RECIPE)
    assert run_shards(tmp_path / "plan").status.is_complete
    merge(tmp_path / "plan", tmp_path / "merged")
    run(folder, tmp_path / "single", **RECIPE)
    assert rejected(tmp_path / "single") == 2
    assert_same(tmp_path / "merged", tmp_path / "single")


@pytest.mark.parametrize("how", [{"filters": False}, {"repaint": "background"}])
def test_nothing_is_measured_that_is_not_judged(tmp_path: Path, how: dict[str, Any]) -> None:
    plan(class_set(tmp_path / "set"), tmp_path / "plan", **{**RECIPE, **how})
    folder = PlanFolder(open_store(tmp_path / "plan"))
    assert folder.facts["classes"] == {}
    assert not (tmp_path / "plan/examples.parquet").exists()


def test_a_network_that_cannot_be_had_costs_no_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise BackboneError("the weights are gone")

    monkeypatch.setattr("augmentai.pipeline.whole_set.load_backbone", fail)
    folder, recipe = class_set(tmp_path / "set"), {**RECIPE, "thresholds": Thresholds(drift=0)}
    plan(folder, tmp_path / "plan", **recipe)
    assert run_shards(tmp_path / "plan").status.is_complete
    merge(tmp_path / "plan", tmp_path / "merged")
    run(folder, tmp_path / "single", **recipe)
    assert_same(tmp_path / "merged", tmp_path / "single")
