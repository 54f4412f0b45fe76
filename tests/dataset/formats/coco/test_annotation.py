"""One annotation of COCO: parsed, measured, and broken ones reported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from augmentai.dataset.formats.coco.annotation import polygon_area
from tests.support.dataset_runs import failures
from tests.support.labelled_sets import (
    coco,
)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.update(bbox=[1, 2, 3]), "bbox is [1, 2, 3]; expected [x, y, width, height] in pixels"),
        (lambda a: a.update(bbox=[1, 2, -3, 4]), "expected a width and a height above 0"),
        (lambda a: a.update(bbox=["1", 2, 3, 4]), "bbox is ['1', 2, 3, 4]"),
        (lambda a: a.update(category_id=99), "category_id is 99, which is not among its categories"),
        (lambda a: a.update(segmentation=[[1, 2, 3]]), "segmentation has [1, 2, 3]; expected pairs of x and y"),
        (lambda a: a.update(segmentation={"size": [1, 2], "counts": [2]}), "the size of its RLE is [1, 2]"),
        (lambda a: a.update(segmentation={"size": [48, 64], "counts": [5]}), "add up to 5; expected 3072 pixels"),
        (
            lambda a: a.update(segmentation={"size": [48, 64], "counts": [1.5]}),
            "the counts of its RLE are not all whole numbers",
        ),
        (lambda a: a.update(segmentation={"size": [48, 64]}), "the counts of its RLE are None"),
    ],
)
def test_a_broken_annotation(change: Any, message: str, tmp_path: Path) -> None:
    files = coco()
    content = json.loads(files["annotations/instances_train.json"])
    change(content["annotations"][0])
    files["annotations/instances_train.json"] = json.dumps(content).encode()
    found, job = failures(files, tmp_path)
    assert list(found) == ["train/one.jpg"]
    assert found["train/one.jpg"].startswith("annotations/instances_train.json, annotation 1: ")
    assert message in found["train/one.jpg"]
    assert job.report.variations == 2


def test_area_of_a_triangle() -> None:
    assert polygon_area(((0, 0), (4, 0), (0, 3))) == 6
