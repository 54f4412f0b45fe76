"""Files of a set that cannot be read for a while: nothing that depends on them is taken for complete."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from augmentai.cluster import ClusterError, merge, plan, run_shards
from augmentai.cluster.plan_folder import PlanFolder
from augmentai.cluster.shard_run import ShardMaker
from augmentai.settings import Settings
from augmentai.storage import open_store
from augmentai.storage.cache import received_files
from tests.support import labelled_sets
from tests.support.s3_server import BUCKET, S3Server
from tests.support.shared_runs import QUICK, assert_same, photos, single

URL = f"s3://{BUCKET}/set"
BORROWING = {**QUICK, "operations": ["mosaic(probability=1)"]}


@pytest.fixture(autouse=True)
def nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every read asks the store, as if other files had taken the place in the cache."""
    monkeypatch.setattr("augmentai.storage.cache._MOST_BYTES", 0)
    received_files.cache_clear()
    yield
    received_files.cache_clear()


def upload(folder: Path) -> None:
    store = open_store(URL)
    for path in folder.rglob("*"):
        if path.is_file():
            store.put(path.relative_to(folder).as_posix(), path.read_bytes())


def busy(name: str) -> Callable[[str, str], int | None]:
    """Answers nobody who wants this file."""
    return lambda method, path: 503 if method == "GET" and path.endswith(name) else None


def assert_same_but_for_its_place(one: Path, other: Path) -> None:
    for folder in (one, other):
        (folder / "recipe.yaml").unlink()  # it names the set where it was
    assert_same(one, other)


def test_a_worker_without_the_disk_of_the_set_completes_nothing(tmp_path: Path) -> None:
    folder = photos(tmp_path / "set", {"cats": 4})
    plan(folder, tmp_path / "plan", shard_size=2, **QUICK)
    folder.rename(tmp_path / "elsewhere")
    found = run_shards(tmp_path / "plan").status
    assert (found.done, len(found.failed)) == (0, 2)
    assert "2 files of the set could not be read (cats/00.jpg: " in found.failed[0]
    (tmp_path / "elsewhere").rename(folder)
    assert run_shards(tmp_path / "plan").status.is_complete
    merge(tmp_path / "plan", tmp_path / "merged")
    assert_same(tmp_path / "merged", single(folder, tmp_path, **QUICK))


@pytest.mark.parametrize("recipe", [pytest.param(QUICK, id="an image"), pytest.param(BORROWING, id="a donor")])
def test_an_image_that_a_busy_store_keeps_back_is_in_the_result_later(
    tmp_path: Path, s3: S3Server, recipe: dict[str, object]
) -> None:
    folder = photos(tmp_path / "set", {"cats": 3})
    upload(folder)
    plan(URL, tmp_path / "plan", shard_size=1, **recipe)
    s3.fault = busy("set/cats/02.jpg")
    found = run_shards(tmp_path / "plan").status
    assert found.failed.keys() == ({2} if recipe is QUICK else {0, 1, 2})
    assert "cats/02.jpg" in found.failed[2]
    s3.fault = lambda method, path: None
    assert run_shards(tmp_path / "plan").status.is_complete
    merge(tmp_path / "plan", tmp_path / "merged")
    assert_same_but_for_its_place(tmp_path / "merged", single(folder, tmp_path, **recipe))


@pytest.mark.parametrize("is_listed", [False, True], ids=["known by its row", "known by a list of the set"])
def test_a_mask_that_a_busy_store_keeps_back_fails_its_shard(tmp_path: Path, s3: S3Server, is_listed: bool) -> None:
    upload(labelled_sets.write(tmp_path / "set", labelled_sets.masks()))
    plan(URL, tmp_path / "plan", **QUICK, to="coco" if is_listed else "same")
    maker = ShardMaker(PlanFolder(open_store(tmp_path / "plan")), Settings())
    # If the set is listed, its masks have been compared with the plan by now.
    assert (maker._gathered is not None) is is_listed
    s3.fault = busy("masks/train/one.png")
    with pytest.raises(ClusterError, match=r"masks/train/one\.png: the store does not answer"):
        maker.make(0)
    s3.fault = lambda method, path: None
    stats = maker.make(0)
    assert stats is not None
    assert stats.failed == 0


def test_a_plan_leaves_no_image_out_that_a_busy_store_keeps_back(tmp_path: Path, s3: S3Server) -> None:
    upload(photos(tmp_path / "set", {"cats": 3}))
    s3.fault = busy("set/cats/02.jpg")
    with pytest.raises(ClusterError, match=r"1 file of the set could not be read .*Run the same command again"):
        plan(URL, tmp_path / "plan", **QUICK)
    s3.fault = lambda method, path: 503 if "list-type" in path or path.rstrip("/").endswith(BUCKET) else None
    with pytest.raises(ClusterError, match=r"does not answer .*run the same command later"):
        plan(URL, tmp_path / "plan", **QUICK)
    s3.fault = lambda method, path: None
    plan(URL, tmp_path / "plan", **QUICK)
    assert json.loads((tmp_path / "plan/shards.json").read_text())["total"] == 6


@pytest.mark.parametrize("kind", ["folder", "tar"])
def test_a_merge_leaves_no_original_out(tmp_path: Path, s3: S3Server, kind: str) -> None:
    folder = photos(tmp_path / "set", {"cats": 3})
    upload(folder)
    plan(URL, tmp_path / "plan", **QUICK)
    run_shards(tmp_path / "plan")
    s3.fault = busy("set/cats/02.jpg")
    with pytest.raises(ClusterError, match=r"cats/02\.jpg.*run the same command again"):
        merge(tmp_path / "plan", tmp_path / "merged", kind)
    s3.fault = lambda method, path: None
    merge(tmp_path / "plan", tmp_path / "merged", kind)
    if kind == "folder":
        assert_same_but_for_its_place(tmp_path / "merged", single(folder, tmp_path, **QUICK))
