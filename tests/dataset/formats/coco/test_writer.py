"""Any labelled set converted to COCO."""

from __future__ import annotations

from pathlib import Path

import pytest
import supervision as sv

from tests.support import trainers
from tests.support.dataset_runs import LABELLED, converted, notices
from tests.support.expected_boxes import assert_boxes, expected_boxes, named_by_masks
from tests.support.labelled_sets import augmented, write, yolo


@pytest.mark.parametrize("name", [n for n in LABELLED if n != "coco"])
def test_to_coco(name: str, tmp_path: Path) -> None:
    out, _ = converted(name, "coco", tmp_path)
    for split in ("train", "val", "test"):
        file = out / f"annotations/instances_{split}.json"
        assert_boxes(
            trainers.pycocotools(file, out / split), named_by_masks(name, expected_boxes(split)), tolerance=1.001
        )
        data = sv.DetectionDataset.from_coco(str(out / split), str(file))
        assert_boxes(trainers.supervision(data), named_by_masks(name, expected_boxes(split)), tolerance=1.001)
    content = trainers.json_of(out / "annotations/instances_train.json")
    if name == "yolo polygons":
        assert all(len(a["segmentation"][0]) == 8 for a in content["annotations"])
    if name == "voc":
        assert {(a["difficult"], a["pose"]) for a in content["annotations"]} == {(0, "Left"), (1, "Left")}


def test_lost_names_of_keypoints_are_reported(tmp_path: Path) -> None:
    files = yolo() | {"data.yaml": b"names: [bus]\nkpt_shape: [2, 3]\nflip_idx: [1, 0]\ntrain: images/train\n"}
    files = {name: data for name, data in files.items() if "/val" not in name and "/test" not in name}
    files |= {name: b"0 0.5 0.5 0.4 0.4 0.4 0.5 2 0.6 0.5 2\n" for name in files if name.endswith(".txt")}
    job = augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1, to="coco")
    assert "does not say which left and right ones change places" in notices(job)
