"""Any labelled set converted to YOLO."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import trainers
from tests.support.dataset_runs import LABELLED, converted, notices
from tests.support.expected_boxes import assert_boxes, expected_boxes, named_by_masks


@pytest.mark.parametrize("name", [n for n in LABELLED if not n.startswith("yolo")])
def test_to_yolo(name: str, tmp_path: Path) -> None:
    out, job = converted(name, "yolo", tmp_path)
    has_masks = name in {"coco", "masks beside"}  # outlines run along the middle of the last pixels
    for split in ("train", "val", "test"):
        found = trainers.ultralytics(out / "data.yaml", split)
        assert_boxes(found, named_by_masks(name, expected_boxes(split)), tolerance=1.001 if has_masks else 1e-3)
    if name == "coco":
        assert "bitmaps (RLE) were written as the polygons around them" in notices(job)
        assert "crowds were written as single objects" in notices(job)
        assert "never seen" in (out / "data.yaml").read_text("utf-8")  # a class without a picture stays a class
    if name == "voc":
        assert "attributes of objects (difficult, truncated, own fields) were left out" in notices(job)
