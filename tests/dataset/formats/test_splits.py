"""Which folders are splits, and which only have the name of one."""

from __future__ import annotations

from pathlib import Path

from tests.support.dataset_runs import found_splits
from tests.support.labelled_sets import (
    yolo,
)


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    photo = yolo()["images/train/one.jpg"]
    files = {f"{label}/{i}.jpg": photo + bytes([i]) for i, label in enumerate(("train", "car", "plane"))}
    assert set(found_splits(tmp_path, files).values()) == {None}
