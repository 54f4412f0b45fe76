"""A merged set as tars and as Parquet files, read by the libraries that trainings use."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest
from PIL import Image

from augmentai.cluster import ClusterError, merge, plan, run_shards, series
from tests.support import labelled_sets
from tests.support.image_files import encoded
from tests.support.shared_runs import QUICK, photos, single


def shards_of(folder: Path, tmp_path: Path) -> Path:
    plan(folder, tmp_path / "plan", shard_size=2, **QUICK)
    run_shards(tmp_path / "plan")
    return tmp_path / "plan"


def images_in(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.jpg")}


def test_a_series_of_tars_holds_every_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series, "FILE_BYTES", 4000)
    folder = photos(tmp_path / "set", {"cats": 3, "dogs": 2})
    assert merge(shards_of(folder, tmp_path), tmp_path / "tars", kind="tar").done == 10
    found: dict[str, bytes] = {}
    tars = sorted((tmp_path / "tars").glob("*.tar"))
    assert len(tars) > 2
    for path in tars:
        with tarfile.open(path) as tar:
            files = {one.name: tar.extractfile(one).read() for one in tar}  # type: ignore[union-attr]
        for name, data in files.items():
            if name.endswith(".json"):
                about = json.loads(data)
                found[about["file"]] = files[name.removesuffix("json") + "jpg"]
                assert about["label"] in {"cats", "dogs"}
    assert found == images_in(single(folder, tmp_path, **QUICK))


def test_shards_and_series_are_read_by_webdataset(tmp_path: Path) -> None:
    import webdataset

    folder = photos(tmp_path / "set", {"cats": 3, "dogs": 2})
    url = shards_of(folder, tmp_path)
    tars = [str(path) for path in sorted((url / "shards").glob("*.tar"))]
    samples = list(webdataset.WebDataset(tars, shardshuffle=False).decode("pil"))
    assert len(samples) == 10
    assert {sample["json"]["label"] for sample in samples} == {"cats", "dogs"}
    assert all(sample["jpg"].size == (64, 48) for sample in samples)


def test_parquet_files_are_read_by_datasets(tmp_path: Path) -> None:
    from datasets import load_dataset

    folder = labelled_sets.write(tmp_path / "set", labelled_sets.yolo())
    url = shards_of(folder, tmp_path)
    merge(url, tmp_path / "parquet", kind="parquet")
    rows = load_dataset(str(tmp_path / "parquet"), split="train", cache_dir=str(tmp_path / "cache"))
    alone = single(folder, tmp_path, **QUICK)
    assert {row["file"] for row in rows} == set(images_in(alone))
    for row in rows:
        assert row["image"].size == labelled_sets.SIZE_WH
        for file in row["label_files"]:
            assert (alone / file["path"]).read_bytes() == file["bytes"]
    assert any(row["label_files"] for row in rows if row["manifest"])


def test_images_that_differ_in_their_ending_alone_are_two_samples(tmp_path: Path) -> None:
    folder = photos(tmp_path / "set", {"cats": 1})
    (folder / "cats/00.png").write_bytes(encoded(Image.effect_noise((64, 48), 90), "PNG"))
    plan(folder, tmp_path / "plan", **QUICK)
    run_shards(tmp_path / "plan")
    merge(tmp_path / "plan", tmp_path / "tars", "tar")
    with tarfile.open(tmp_path / "tars/00000.tar") as tar:
        names = tar.getnames()
    assert len(set(names)) == len(names)
    assert {"cats/00.jpg", "cats/00%2Epng.png"} < set(names)


@pytest.mark.parametrize("name", ["mine.txt", "series.json"])
def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path, name: str) -> None:
    url = shards_of(photos(tmp_path / "set", {"cats": 2}), tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / name).write_text("mine")
    with pytest.raises(ClusterError, match="holds other files"):
        merge(url, tmp_path / "other", kind="tar")
