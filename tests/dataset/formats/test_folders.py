"""Class folders and splits, and sets that are neither."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import trainers
from tests.support.image_files import jpeg
from tests.support.labelled_sets import (
    CATEGORIES,
    LAYOUTS,
    TRAIN,
    augmented,
    gathered,
    write,
    yolo,
)


@pytest.mark.parametrize("name", [name for name in LAYOUTS if "imagefolder" in name or "class" in name])
def test_folders_load_as_imagefolder(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    augmented([write(tmp_path / "in", LAYOUTS[name][1])], tmp_path / "out")
    loaded = trainers.loads_as_imagefolder(tmp_path / "out", tmp_path / "cache")
    if name == "class folders":
        assert len(loaded["train"]) == 15
        assert loaded["train"].features["label"].names == sorted([*CATEGORIES, "nothing"])
        return
    assert {split: len(rows) for split, rows in loaded.items()} == {"train": 9, "validation": 1, "test": 1}
    if "imagefolder" in name:
        texts = sorted(loaded["train"]["text"])
        assert texts == sorted(f'{stem}, "seen"' for stem in TRAIN for _ in range(3))
    if name == "imagefolder jsonl":
        found = {len(row["objects"]["bbox"]) for row in loaded["train"]}
        assert found == {0, 1, 2}


def test_splits_below_classes(tmp_path: Path) -> None:
    photo = yolo()["images/train/one.jpg"]
    files = {
        f"{label}/{split}/a.jpg": photo + f"{label}{split}".encode()
        for label in ("cats", "dogs")
        for split in ("train", "test")
    }
    found = gathered(write(tmp_path / "in", files))
    assert {s.path: s.label for s in found.sources} == {"cats/train/a.jpg": "cats", "dogs/train/a.jpg": "dogs"}


@pytest.mark.parametrize(
    ("folders", "labels"),
    [
        pytest.param(["data"], {None}, id="the only folder"),
        pytest.param(["img1"], {None}, id="numbered"),
        pytest.param(["My Photos"], {None}, id="two words"),
        pytest.param(["train/data", "val/data"], {None}, id="in splits"),
        pytest.param(["cats"], {"cats"}, id="a class alone"),
        pytest.param(["data", "cats"], {"data", "cats"}, id="beside a class"),
        pytest.param(["2024"], {"2024"}, id="a number"),
    ],
)
def test_a_folder_that_says_nothing_is_no_class(folders: list[str], labels: set[str | None], tmp_path: Path) -> None:
    files = {f"{folder}/{n}{i}.jpg": jpeg(seed=2 * n + i) for n, folder in enumerate(folders) for i in range(2)}
    found = gathered(write(tmp_path / "in", files))
    assert {source.label for source in (*found.sources, *found.holdout)} == labels


@pytest.mark.parametrize(
    ("folders", "splits"),
    [
        pytest.param(["tr", "te"], {"train", "test"}, id="short"),
        pytest.param(["TR", "VA", "TE"], {"train", "val", "test"}, id="short and large"),
        pytest.param(["tr", "es"], {None}, id="languages"),
    ],
)
def test_short_names_of_splits(folders: list[str], splits: set[str | None], tmp_path: Path) -> None:
    files = {f"{folder}/cats/{n}.jpg": jpeg(seed=n) for n, folder in enumerate(folders)}
    found = gathered(write(tmp_path / "in", files))
    assert {source.split for source in (*found.sources, *found.holdout)} == splits
