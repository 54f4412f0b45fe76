"""Any labelled set converted to YOLO."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from tests.support import trainers
from tests.support.dataset_runs import LABELLED, converted, notices
from tests.support.expected_boxes import assert_boxes, expected_boxes, named_by_masks
from tests.support.image_files import encoded
from tests.support.labelled_sets import Files, augmented, contents, write
from tests.support.ultralytics_reader import read_set


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


# Boxes in an image of 100x80 pixels, and the part of each that is in it; None if nothing is.
BEYOND = [
    ((80, 10, 180, 30), (80, 10, 100, 30)),  # far beyond the right edge
    ((-40, 20, 20, 50), (0, 20, 20, 50)),  # beyond the left one
    ((85, 60, 120, 100), (85, 60, 100, 80)),  # beyond a corner
    ((-10, -10, 110, 90), (0, 0, 100, 80)),  # around the image
    ((20, 10, 50, 40), (20, 10, 50, 40)),  # inside
    ((120, 10, 150, 40), None),  # beside the image
]


def coco_of(annotations: list[dict[str, Any]], **category: Any) -> Files:
    """One image of 100x80 pixels with these annotations."""
    content = {
        "images": [{"id": 1, "file_name": "a.png", "width": 100, "height": 80}],
        "annotations": [
            {"id": number, "image_id": 1, "category_id": 1, "iscrowd": 0, **one}
            for number, one in enumerate(annotations, 1)
        ],
        "categories": [{"id": 1, "name": "car", **category}],
    }
    return {"annotations.json": json.dumps(content).encode(), "a.png": encoded(Image.new("RGB", (100, 80), "gray"))}


def corners_of(box: tuple[int, int, int, int]) -> list[list[int]]:
    x0, y0, x1, y1 = box
    return [[x0, y0, x1, y0, x1, y1, x0, y1]]


def as_coco(box: tuple[int, int, int, int]) -> Files:
    x0, y0, x1, y1 = box
    return coco_of([{"bbox": [x0, y0, x1 - x0, y1 - y0]}, {"bbox": [1, 1, 3, 3]}])


def as_coco_polygon(box: tuple[int, int, int, int]) -> Files:
    return coco_of([{"segmentation": corners_of(one)} for one in (box, (1, 1, 4, 4))])


def as_voc(box: tuple[int, int, int, int]) -> Files:
    objects = "".join(
        f"<object><name>car</name><bndbox><xmin>{x0 + 1}</xmin><ymin>{y0 + 1}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax>"
        "</bndbox></object>"
        for x0, y0, x1, y1 in (box, (1, 1, 4, 4))
    )
    size = "<size><width>100</width><height>80</height><depth>3</depth></size>"
    xml = f"<annotation><filename>a.png</filename>{size}{objects}</annotation>"
    return {"Annotations/a.xml": xml.encode(), "JPEGImages/a.png": as_coco(box)["a.png"]}


@pytest.mark.parametrize(("box", "expected"), BEYOND)
@pytest.mark.parametrize("source", [as_coco, as_coco_polygon, as_voc])
def test_corners_are_clamped_to_the_image(
    source: Any, box: tuple[int, int, int, int], expected: tuple[int, ...] | None, tmp_path: Path
) -> None:
    job = augmented([write(tmp_path / "in", source(box))], tmp_path / "out", to="yolo", variations=1)
    task = "segment" if source is as_coco_polygon else "detect"
    images = read_set(tmp_path / "out/data.yaml", "train", task)
    assert len(images) == 2
    for read in images.values():
        boxes = [box for box in (expected, (1, 1, 4, 4)) if box is not None]
        np.testing.assert_allclose(sorted(read.boxes.tolist()), sorted(boxes), atol=1e-4)
    assert ("objects outside of their image were left out" in notices(job)) == (expected is None)


POINTS = [30, 20, 2, 60, 20, 1, 0, 0, 0, -5, 30, 2]  # the third is not labelled, the fourth beyond the image
EYES = ["left_eye", "right_eye", "left_ear", "right_ear"]


@pytest.mark.parametrize(
    ("category", "flip_idx"),
    [
        ({"keypoints": EYES}, [1, 0, 3, 2]),  # as COCO names them
        ({"keypoints": ["a", "b", "c", "d"]}, None),  # names that say nothing
        ({}, None),
    ],
)
@pytest.mark.parametrize("geometry", ["none", "flip"])
def test_keypoints_become_poses(
    category: dict[str, Any], flip_idx: list[int] | None, geometry: str, tmp_path: Path
) -> None:
    person = {"bbox": [20, 10, 50, 40], "keypoints": POINTS, "segmentation": corners_of((20, 10, 70, 50))}
    files = coco_of([person], **category)
    job = augmented([write(tmp_path / "in", files)], tmp_path / "out", to="yolo", variations=6, geometry=geometry)
    content = yaml.safe_load((tmp_path / "out/data.yaml").read_text("utf-8"))
    assert content["kpt_shape"] == [4, 3]
    assert "outlines were left out" in notices(job)
    found = set()
    for read in read_set(tmp_path / "out/data.yaml", "train", "pose").values():
        left, right, *rest = read.points[0].round(3).tolist()
        assert rest == [[0, 0], [0, 0]]
        found.add((tuple(left), tuple(right), tuple(read.boxes[0].round(3).tolist())))
    still, mirrored = ((30, 20), (60, 20), (20, 10, 70, 50)), ((40, 20), (70, 20), (30, 10, 80, 50))
    assert found == ({still, mirrored} if geometry == "flip" and flip_idx else {still})
    assert content.get("flip_idx") == flip_idx


def test_a_few_keypoints_do_not_make_poses(tmp_path: Path) -> None:
    annotations = [{"segmentation": corners_of((10 * i, 10, 10 * i + 8, 30))} for i in range(4)]
    annotations[0]["keypoints"] = POINTS
    job = augmented([write(tmp_path / "in", coco_of(annotations))], tmp_path / "out", to="yolo", variations=1)
    assert "keypoints were left out" in notices(job)
    assert len(next(iter(read_set(tmp_path / "out/data.yaml", "train", "segment").values())).boxes) == 4
    assert "labels/a.txt" in contents(tmp_path / "out")


def test_boxes_beside_rotated_boxes_have_four_corners_as_well(tmp_path: Path) -> None:
    """Ultralytics reads the lines of an OBB set as corners; of five numbers it would make nothing."""
    rotated = {"label": "car", "shape_type": "rotation", "points": [[30, 20], [60, 35], [55, 45], [25, 30]]}
    box = {"label": "car", "shape_type": "rectangle", "points": [[10, 10], [30, 40]]}
    files: Files = {}
    for name, shape in (("a", rotated), ("b", box)):
        content = {"shapes": [shape], "imagePath": f"{name}.png", "imageHeight": 80, "imageWidth": 100}
        files[f"{name}.json"] = json.dumps(content).encode()
        files[f"{name}.png"] = encoded(Image.new("RGB", (100, 80), "red" if name == "a" else "blue"))
    augmented([write(tmp_path / "in", files)], tmp_path / "out", to="yolo", geometry="strong", variations=4)
    found = read_set(tmp_path / "out/data.yaml", "train", "obb")
    np.testing.assert_allclose(found["images/a.png"].points[0], rotated["points"], atol=1e-3)
    np.testing.assert_allclose(found["images/b.png"].points[0], [[10, 10], [30, 10], [30, 40], [10, 40]], atol=1e-3)
