"""Any labelled set converted to Pascal VOC."""

from __future__ import annotations

from pathlib import Path

import pytest
import supervision as sv

from tests.support import trainers
from tests.support.dataset_runs import LABELLED, converted, notices
from tests.support.expected_boxes import assert_boxes, expected_boxes, named_by_masks


@pytest.mark.parametrize("name", [n for n in LABELLED if n != "voc"])
def test_to_voc(name: str, tmp_path: Path) -> None:
    out, job = converted(name, "voc", tmp_path)
    data = sv.DetectionDataset.from_pascal_voc(str(out / "JPEGImages"), str(out / "Annotations"))
    everything = expected_boxes("train") | expected_boxes("val") | expected_boxes("test")
    assert_boxes(trainers.supervision(data), named_by_masks(name, everything), tolerance=1.001)
    lists = {split: (out / f"ImageSets/Main/{split}.txt").read_text("utf-8").split("\n") for split in ("train", "val")}
    assert "one__v2" in lists["train"]
    assert lists["val"] == ["three", ""]
    if name in {"coco", "yolo polygons", "masks beside"}:
        assert "polygons and bitmaps were written as the boxes around them" in notices(job)
