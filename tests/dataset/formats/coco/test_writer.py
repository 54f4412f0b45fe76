"""Any labelled set converted to COCO."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import supervision as sv
import yaml

from augmentai.dataset.formats.coco import values
from tests.support import trainers
from tests.support.dataset_runs import LABELLED, converted
from tests.support.expected_boxes import assert_boxes, expected_boxes, named_by_masks
from tests.support.labelled_sets import Files, augmented, gathered, write, yolo


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


PERSON_PAIRS = [0, *(one for left in range(2, 17, 2) for one in (left, left - 1))]  # nose, left and right eye, ...
PERSON = {"names": ["person"], "kpt_shape": [17, 3], "flip_idx": PERSON_PAIRS}
NAMED = [f"keypoint_{number}" for number in range(1, 18)]


def pose_set(says: dict[str, Any]) -> Files:
    """Images of one object with the keypoints that data.yaml says, each further right and down."""
    count, dimensions = says["kpt_shape"]
    files = {name: data for name, data in yolo().items() if "/val" not in name and "/test" not in name}
    points = [(0.3 + i / 60, 0.3 + i / 80, *([2] * (dimensions - 2))) for i in range(count)]
    line = " ".join(map(str, (0, 0.5, 0.5, 0.4, 0.4, *(value for point in points for value in point)))) + "\n"
    files |= {name: line.encode() for name in files if name.endswith(".txt")}
    return files | {"data.yaml": yaml.safe_dump({"train": "images/train", **says}).encode()}


@pytest.mark.parametrize(
    ("says", "names", "flip_idx"),
    [
        pytest.param(
            {"names": ["bus"], "kpt_shape": [2, 3], "flip_idx": [1, 0]}, NAMED[:2], [1, 0], id="pairs without names"
        ),
        pytest.param({"names": ["bus"], "kpt_shape": [3, 2]}, NAMED[:3], None, id="neither names nor pairs"),
        pytest.param(
            {"names": ["bus"], "kpt_shape": [2, 3], "kpt_names": {0: ["left_end", "right_end"]}},
            ["left_end", "right_end"],
            None,  # the names say it
            id="names that say the pairs",
        ),
        pytest.param(
            {"names": ["bus"], "kpt_shape": [2, 3], "kpt_names": ["bow", "stern"], "flip_idx": [1, 0]},
            ["bow", "stern"],
            [1, 0],
            id="names for all classes, and pairs that they do not say",
        ),
        pytest.param(
            {"names": ["bus"], "kpt_shape": [2, 3], "kpt_names": {0: ["left_end", "right_end"]}, "flip_idx": [0, 1]},
            ["left_end", "right_end"],
            [0, 1],
            id="pairs against the names",
        ),
        pytest.param(PERSON, list(values.PERSON), None, id="COCO's own person"),
        pytest.param({**PERSON, "flip_idx": list(range(17))}, NAMED, list(range(17)), id="some other person"),
    ],
)
def test_keypoints_have_names_and_pairs(
    says: dict[str, Any], names: list[str], flip_idx: list[int] | None, tmp_path: Path
) -> None:
    given = write(tmp_path / "in", pose_set(says))
    augmented([given], tmp_path / "coco", to="coco", variations=1)
    (category,) = trainers.json_of(tmp_path / "coco/annotations/instances_train.json")["categories"]
    assert (category["keypoints"], category["skeleton"], category.get("flip_idx")) == (names, [], flip_idx)
    shapes = [shape for source in gathered(tmp_path / "coco").sources for shape in source.labels.load().shapes]
    (order,) = {shape.flip_order for shape in shapes}
    assert order == tuple(says.get("flip_idx", [1, 0] if "left_end" in names else []))
    # And to YOLO again, where data.yaml says both.
    augmented([tmp_path / "coco"], tmp_path / "yolo", to="yolo", variations=1)
    content = yaml.safe_load((tmp_path / "yolo/data.yaml").read_text("utf-8"))
    assert tuple(content.get("flip_idx", ())) == order
    assert content["kpt_names"] == {0: names}
