"""YOLO's poses: keypoints move with the pixels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from tests.support import trainers
from tests.support.dataset_runs import failures
from tests.support.labelled_sets import (
    CATEGORIES,
    COLOURS,
    IMAGES,
    SIZE_WH,
    Files,
    augmented,
    photo,
    write,
    yolo,
)

OBJECTS = {stem: objects for split, stem, objects in IMAGES if split == "train" and objects}


def pose(dimensions: int) -> Files:
    """Each object with two keypoints, in the middle of its left and right half; one of the first is not labelled."""
    width, height = SIZE_WH
    files: Files = {}
    for stem, objects in OBJECTS.items():
        lines = []
        for number, (category, x0, y0, x1, y1) in enumerate(objects):
            values = [(x0 + x1) / 2 / width, (y0 + y1) / 2 / height, (x1 - x0) / width, (y1 - y0) / height]
            for place, share in enumerate((0.25, 0.75)):
                marked = not (number == 0 and place == 1 and dimensions == 3)
                point = [(x0 + share * (x1 - x0)) / width, (y0 + y1) / 2 / height] if marked else [0, 0]
                values += [*point, *([2 * marked] if dimensions == 3 else [])]
            lines.append(f"{CATEGORIES.index(category)} " + " ".join(map(str, values)))
        files[f"images/train/{stem}.jpg"] = photo(objects)
        files[f"labels/train/{stem}.txt"] = ("\n".join(lines) + "\n").encode()
    names = {"names": CATEGORIES, "kpt_shape": [2, dimensions], "flip_idx": [1, 0]}
    files["data.yaml"] = yaml.safe_dump({**names, "train": "images/train", "val": "images/train"}).encode()
    return files


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("geometry", ["none", "flip", "light", "strong"])
def test_poses_move_with_the_pixels(tmp_path: Path, dimensions: int, geometry: str) -> None:
    files = pose(dimensions)
    out = tmp_path / "out"
    augmented([write(tmp_path / "in", files)], out, geometry=geometry, variations=4)
    content = yaml.safe_load((out / "data.yaml").read_text("utf-8"))
    assert (content["kpt_shape"], content["flip_idx"]) == ([2, dimensions], [1, 0])
    seen = 0
    for label in sorted((out / "labels/train").glob("*.txt")):
        with Image.open(out / f"images/train/{label.stem}.jpg") as opened:
            pixels = np.asarray(opened.convert("RGB")).astype(int)
        for line in label.read_text("utf-8").splitlines():
            number, *words = line.split()
            assert len(words) == 4 + 2 * dimensions, line
            x, w = float(words[0]), float(words[2])
            points = np.array(words[4:], float).reshape(2, dimensions)
            if points[:, :2].all():  # the first keypoint is the left one, in a mirrored image as well
                assert points[0][0] < points[1][0] or geometry == "strong", "left and right were swapped"
            for point in points:
                if not point[:2].any():
                    continue
                column, row = int(point[0] * SIZE_WH[0]), int(point[1] * SIZE_WH[1])
                colour = np.array(COLOURS[CATEGORIES[int(number)]])
                assert np.abs(pixels[row, column] - colour).max() < 60, (label, line)
                assert abs(point[0] - x) <= w / 2 + 1e-6
                seen += 1
    assert seen >= 10
    lines = [json.loads(line) for line in (out / "manifest.jsonl").read_text("utf-8").splitlines()]
    mirrored = [line for line in lines if line["status"] == "ok" and '"mirrored": true' in json.dumps(line)]
    assert bool(mirrored) == (geometry != "none")
    if geometry == "none":
        assert (out / "labels/train/one__v1.txt").read_bytes() == files["labels/train/one.txt"]


def test_poses_converted_to_other_formats(tmp_path: Path) -> None:
    given = write(tmp_path / "in", pose(3))
    augmented([given], tmp_path / "coco", to="coco")
    annotations = trainers.json_of(next((tmp_path / "coco").rglob("*.json")))["annotations"]
    assert all(len(annotation["keypoints"]) == 6 for annotation in annotations)
    assert {annotation["num_keypoints"] for annotation in annotations} == {1, 2}
    for to in ("voc", "imagefolder"):
        notices = augmented([given], tmp_path / to, to=to).report.as_dict()["notices"]
        assert any("keypoints were left out" in notice for notice in notices)
    notices = augmented([write(tmp_path / "boxes", yolo())], tmp_path / "plain", to="voc").report.as_dict()["notices"]
    assert not any("keypoints" in notice for notice in notices)


@pytest.mark.parametrize(
    ("says", "is_flipped"),
    [
        ({"kpt_shape": [2, 3], "flip_idx": [1, 0]}, True),
        ({"kpt_shape": [2, 3], "kpt_names": {0: ["left_end", "right_end"]}}, True),  # as Ultralytics names them
        ({"kpt_shape": [2, 3]}, False),  # nothing says which change places
        ({"kpt_shape": [2, 3], "flip_idx": [1]}, False),  # not for each keypoint
        ({}, False),  # not even that these are keypoints
    ],
)
def test_poses_are_flipped_only_if_the_set_says_how(says: dict[str, object], is_flipped: bool, tmp_path: Path) -> None:
    content = {"names": CATEGORIES, "train": "images/train", "val": "images/train", **says}
    files = {**pose(3), "data.yaml": yaml.safe_dump(content).encode()}
    job = augmented([write(tmp_path / "in", files)], tmp_path / "out", geometry="flip", variations=4)
    manifest = (tmp_path / "out/manifest.jsonl").read_text("utf-8")
    assert ('"mirrored": true' in manifest) == is_flipped
    notices = " ".join(job.report.as_dict()["notices"])
    assert ("images with keypoints are never flipped" in notices) == (not is_flipped)
    assert ("read as poses of 2 keypoints" in notices) == (not says)
    for label in (tmp_path / "out/labels/train").glob("*__v*.txt"):
        assert all(len(line.split()) == 11 for line in label.read_text("utf-8").splitlines())


@pytest.mark.parametrize("count", [10**12, 0, -1])
def test_a_number_of_keypoints_that_cannot_be_is_reported(count: int, tmp_path: Path) -> None:
    content = {"names": CATEGORIES, "kpt_shape": [count, 3]}
    found, _ = failures(pose(3) | {"data.yaml": yaml.safe_dump(content).encode()}, tmp_path)
    assert (
        found["data.yaml"] == f"data.yaml: kpt_shape is [{count}, 3]; expected 1 to 10,000 keypoints of 2 or 3 numbers"
    )


def test_a_pose_of_another_length_is_reported(tmp_path: Path) -> None:
    files = pose(3) | {"labels/train/one.txt": b"0 0.5 0.5 0.2 0.2 0.5 0.5 0.6 0.6\n"}
    found, _ = failures(files, tmp_path)
    (reason,) = found.values()
    assert reason.startswith("labels/train/one.txt, line 1: found 8 numbers after the class; expected 4 (a box) or 10")
