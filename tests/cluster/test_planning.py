"""A plan: written once, resumed where it was interrupted, and never replaced by another one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from augmentai.cluster import ClusterError, plan
from augmentai.cluster.listing import Listing
from augmentai.cluster.plan_rows import Rows
from augmentai.dataset.file_tree import Entry
from augmentai.storage import open_store
from tests.support import labelled_sets
from tests.support.shared_runs import QUICK, photos


def test_a_row_for_each_image_in_shards_of_one_size(tmp_path: Path) -> None:
    folder = photos(tmp_path / "set", {"cats": 4, "dogs": 1})
    listed = plan(folder, tmp_path / "plan", shard_size=2, balance=True, **QUICK).folder.list
    assert [(shard.sources, shard.variations) for shard in listed.shards] == [(1, 3)]  # cats are enough
    plain = plan(folder, tmp_path / "plain", shard_size=2, **QUICK).folder
    assert [shard.sources for shard in plain.list.shards] == [2, 2, 1]
    rows = plain.rows()
    assert [row.path for row in rows.group(0)] == ["cats/00.jpg", "cats/01.jpg"]
    assert {row.stem for row in rows} == {f"cats/0{number}" for number in range(4)} | {"dogs/00"}
    rows.close()


def test_the_same_plan_is_left_as_it_is_and_another_one_refused(tmp_path: Path) -> None:
    folder = photos(tmp_path / "set", {"cats": 3})
    first = plan(folder, tmp_path / "plan", **{**QUICK, "seed": 0})
    before = (tmp_path / "plan/shards.json").read_bytes()
    assert plan(folder, tmp_path / "plan", **{**QUICK, "seed": 0}).resumed
    assert (tmp_path / "plan/shards.json").read_bytes() == before
    seed = first.folder.record.recipe.seed
    with pytest.raises(ClusterError, match=f"seed was {seed}, now 9"):
        plan(folder, tmp_path / "plan", **{**QUICK, "seed": 9})
    with pytest.raises(ClusterError, match="the shard size was 1000, now 5"):
        plan(folder, tmp_path / "plan", shard_size=5, **{**QUICK, "seed": 0})
    (folder / "cats/new.jpg").write_bytes((folder / "cats/00.jpg").read_bytes() + b"\0")
    with pytest.raises(ClusterError, match="there were 3 sources, now 4"):
        plan(folder, tmp_path / "plan", **{**QUICK, "seed": 0})


def test_hashes_of_an_interrupted_plan_are_used_again_but_not_those_of_changed_files(tmp_path: Path) -> None:
    folder = photos(tmp_path / "set", {"cats": 3})
    plan(folder, tmp_path / "plan", **QUICK)
    (tmp_path / "plan/shards.json").unlink()
    part = tmp_path / "plan/listing/000000.jsonl"
    lines = [json.loads(line) for line in part.read_text().splitlines()]
    assert sorted(line[0] for line in lines) == ["cats/00.jpg", "cats/01.jpg", "cats/02.jpg"]
    marked = [[*line[:4], "ab" * 32] if line[0] == "cats/00.jpg" else line for line in lines]
    part.write_text("\n".join(map(json.dumps, marked)))
    (folder / "cats/01.jpg").write_bytes((folder / "cats/02.jpg").read_bytes() + b"\0")
    found = {row.path: row.sha256 for row in plan(folder, tmp_path / "plan", **QUICK).folder.rows()}
    assert found["cats/00.jpg"] == "ab" * 32  # taken over, and compared with the file when that is read
    assert found["cats/01.jpg"] not in {line[4] for line in lines}


def test_a_listing_is_written_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("augmentai.cluster.listing._FILES_PER_PART", 2)
    listing = Listing(open_store(tmp_path))
    for number in range(5):
        listing.found(Entry(f"{number}.jpg", ""), 10, "1", f"hash {number}")
    again = Listing(open_store(tmp_path))
    assert [again.of(Entry(f"{n}.jpg", ""), 10, "1") for n in (0, 3, 4)] == ["hash 0", "hash 3", None]
    assert again.of(Entry("0.jpg", ""), 10, "2") is None
    assert Listing(open_store(tmp_path), any_version=True).of(Entry("0.jpg", ""), 10, "2") == "hash 0"


@pytest.mark.parametrize(
    ("files", "recipe", "in_rows"),
    [
        (labelled_sets.class_folders(), {}, True),
        (labelled_sets.class_folders(splits=True), {}, True),
        (labelled_sets.class_folders(), {"to": "imagefolder"}, False),
        (labelled_sets.yolo(), {}, True),
        (labelled_sets.yolo(), {"operations": ["copy_paste"]}, True),
        (labelled_sets.yolo(), {"to": "voc"}, False),
        (labelled_sets.voc(), {}, True),
        (labelled_sets.coco(), {}, True),
        (labelled_sets.coco(), {"to": "yolo"}, False),
        (labelled_sets.masks(), {}, True),
        (labelled_sets.imagefolder(), {}, False),
    ],
)
def test_workers_list_a_set_themselves_only_if_rows_cannot_say_all(
    tmp_path: Path, files: labelled_sets.Files, recipe: dict[str, Any], in_rows: bool
) -> None:
    folder = labelled_sets.write(tmp_path / "set", files)
    planned = plan(folder, tmp_path / "plan", **{**QUICK, **recipe}).folder
    assert planned.list.in_rows is in_rows
    rows = Rows(planned.store, "plan.parquet")
    assert len(rows) == sum(shard.sources for shard in planned.list.shards)
    rows.close()


@pytest.mark.parametrize("name", ["a.jpg", "recipe.yaml"])
def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, name: str) -> None:
    folder = photos(tmp_path / "set", {"cats": 2})
    (tmp_path / "plan").mkdir()
    (tmp_path / "plan" / name).write_bytes(b"mine")
    with pytest.raises(ClusterError, match="choose a new or empty folder"):
        plan(folder, tmp_path / "plan", **QUICK)
    assert [path.name for path in (tmp_path / "plan").iterdir()] == [name]
    assert (tmp_path / "plan" / name).read_bytes() == b"mine"


def test_a_damaged_part_of_a_listing_costs_reading_again(tmp_path: Path) -> None:
    folder = photos(tmp_path / "set", {"cats": 2})
    plan(folder, tmp_path / "plan", **QUICK)
    planned = (tmp_path / "plan/plan.parquet").read_bytes()
    (tmp_path / "plan/shards.json").unlink()
    (tmp_path / "plan/listing/000000.jsonl").write_text('["cats/00')
    assert not plan(folder, tmp_path / "plan", **QUICK).resumed
    assert (tmp_path / "plan/plan.parquet").read_bytes() == planned


def test_a_set_without_images_is_no_plan(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    with pytest.raises(ClusterError, match="no image to plan for"):
        plan(tmp_path / "set", tmp_path / "plan", **QUICK)
    with pytest.raises(ClusterError, match="shard size is 0"):
        plan(tmp_path / "set", tmp_path / "plan", shard_size=0, **QUICK)
