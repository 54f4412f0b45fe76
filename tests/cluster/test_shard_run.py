"""One worker: what it knows of a plan, and when it refuses to make a shard of it."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Event

import pytest

from augmentai.cluster import ClusterError, plan
from augmentai.cluster.plan_folder import PlanFolder
from augmentai.cluster.shard_files import fetch_shard, read_stats
from augmentai.cluster.shard_run import ShardMaker
from augmentai.settings import Settings
from augmentai.storage import open_store
from tests.support import labelled_sets
from tests.support.shared_runs import QUICK, captioned, photos

IN_ROWS = {
    "folders": labelled_sets.class_folders(),
    "captions": captioned(labelled_sets.class_folders()),
    "yolo": labelled_sets.yolo(),
    "yolo with captions": captioned(labelled_sets.yolo(), "captions"),
    "voc": labelled_sets.voc(),
    "coco": labelled_sets.coco(),
    "masks": labelled_sets.masks(),
}


def maker_of(url: Path, stop: Event | None = None, **settings: object) -> ShardMaker:
    return ShardMaker(PlanFolder(open_store(url)), Settings(**settings), stop or Event())  # type: ignore[arg-type]


def test_a_shard_is_a_tar_its_rows_and_its_stats(tmp_path: Path) -> None:
    plan(photos(tmp_path / "set", {"cats": 4}), tmp_path / "plan", shard_size=2, **QUICK)
    stats = maker_of(tmp_path / "plan").make(1)
    assert stats is not None
    assert (stats.variations, stats.failed, stats.engines) == (4, 0, {"none": 4})
    assert sorted(path.name for path in (tmp_path / "plan/shards").iterdir()) == [
        "00001.parquet",
        "00001.tar",
        "00001_stats.json",
    ]
    entries = list(fetch_shard(open_store(tmp_path / "plan"), 1, tmp_path).entries())
    assert [entry["file"] for entry, _ in entries] == [f"cats/0{n}__v{v}.jpg" for n in (2, 3) for v in (1, 2)]
    assert all(files[0][1].startswith(b"\xff\xd8") for _, files in entries)
    assert not list((tmp_path / "plan/running").iterdir())


def test_a_stopped_worker_leaves_nothing_of_its_shard(tmp_path: Path) -> None:
    plan(photos(tmp_path / "set", {"cats": 2}), tmp_path / "plan", **QUICK)
    stop = Event()
    stop.set()
    assert maker_of(tmp_path / "plan", stop).make(0) is None
    assert read_stats(open_store(tmp_path / "plan"), 0) is None


def test_a_worker_with_another_model_refuses(tmp_path: Path) -> None:
    plan(photos(tmp_path / "set", {"cats": 2}), tmp_path / "plan", engine="gan", seed=7)
    with pytest.raises(ClusterError, match=r"planned with gan \(weights .*this worker has no engine that is ready"):
        maker_of(tmp_path / "plan", gan_weights=tmp_path / "elsewhere.safetensors").make(0)


def test_an_image_that_changed_since_is_not_taken_for_the_one_that_was_planned(tmp_path: Path) -> None:
    folder = photos(tmp_path / "set", {"cats": 2})
    plan(folder, tmp_path / "plan", **QUICK)
    (folder / "cats/00.jpg").write_bytes((folder / "cats/01.jpg").read_bytes())
    with pytest.raises(ClusterError, match=r"could not be read \(cats/00\.jpg: the file was changed .*plan the set as"):
        maker_of(tmp_path / "plan").make(0)
    assert read_stats(open_store(tmp_path / "plan"), 0) is None


def test_the_files_of_a_quicker_worker_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan(photos(tmp_path / "set", {"cats": 2}), tmp_path / "plan", **QUICK)
    slower, quicker = maker_of(tmp_path / "plan"), maker_of(tmp_path / "plan")
    check = slower._check_read
    monkeypatch.setattr(slower, "_check_read", lambda state: (quicker.make(0), check(state)))
    slower.make(0)
    assert len(list(fetch_shard(open_store(tmp_path / "plan"), 0, tmp_path).entries())) == 4
    written = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "plan/shards").iterdir()}
    assert max(written, key=written.__getitem__) == "00000_stats.json"
    assert slower.make(0) == quicker.make(0)


@pytest.mark.parametrize("operations", [["flip", "crop"], ["copy_paste(probability=1)", "mosaic"], ["background"]])
@pytest.mark.parametrize("name", sorted(IN_ROWS))
def test_a_worker_that_knows_rows_alone_never_lists_the_set(
    tmp_path: Path, name: str, operations: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = labelled_sets.write(tmp_path / "set", IN_ROWS[name])
    plan(folder, tmp_path / "plan", shard_size=1, **{**QUICK, "filters": False, "operations": operations})
    monkeypatch.setattr("augmentai.cluster.planned_set.gather", None)
    maker = maker_of(tmp_path / "plan")
    assert maker.make(0) is not None
    rows = json.loads((tmp_path / "plan/shards.json").read_text())["shards"]
    assert len(rows) >= 3


def test_labels_in_a_store_are_those_of_the_rows(tmp_path: Path) -> None:
    store = open_store("memory://labelled")
    for path, data in labelled_sets.yolo().items():
        store.put(path, data)
    plan(store.url, tmp_path / "plan", shard_size=1, **{**QUICK, "filters": False})
    assert maker_of(tmp_path / "plan").make(1) is not None
    _, files = next(fetch_shard(open_store(tmp_path / "plan"), 1, tmp_path).entries())
    assert [file for file, _ in files] == ["images/train/one__v1.jpg", "labels/train/one__v1.txt"]
    store.put("labels/train/two \u00fc.txt", b"0 0.5 0.5 0.1 0.1\n")
    with pytest.raises(ClusterError, match="label files changed: labels/train/two"):
        maker_of(tmp_path / "plan").make(2)
