"""ImageFolder rows that name more files than their picture, and YOLO's poses: what lies beside moves along."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from tests.support import trainers
from tests.support.labelled_sets import (
    COLOURS,
    PICTURES,
    SIZE_WH,
    Files,
    augmented,
    contents,
    mask_of,
    photo,
    write,
    yolo,
)

THINGS = {stem: things for split, stem, things in PICTURES if split == "train" and things}
CATEGORIES = list(COLOURS)


def rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metadata.jsonl").read_text("utf-8").splitlines()]


def with_masks(mask_name: str = "masks/{}.png") -> Files:
    files: Files = {}
    told = []
    for number, (stem, things) in enumerate(THINGS.items()):
        mask = mask_name.format(stem if "{}" in mask_name else number)
        files[f"train/{stem}.jpg"] = photo(things)
        files[f"train/{mask}"] = mask_of(things)
        told.append({"file_name": f"{stem}.jpg", "mask_file_name": mask, "note": stem})
    files["train/metadata.jsonl"] = "".join(json.dumps(row) + "\n" for row in told).encode()
    return files


@pytest.mark.parametrize("geometry", ["none", "light", "strong"])
@pytest.mark.parametrize("mask_name", ["masks/{}.png", "{}_mask.png", "masks/same.png"])
def test_masks_that_a_column_names_move_with_the_pixels(tmp_path: Path, mask_name: str, geometry: str) -> None:
    files = with_masks(mask_name)
    if mask_name == "masks/same.png":  # one mask for all
        files = {name: data for name, data in files.items() if "two" not in name}
        files["train/other.jpg"] = photo([*THINGS["one"], ("bus", 0, 0, 4, 4)])
        told = [{"file_name": f"{stem}.jpg", "mask_file_name": mask_name} for stem in ("one", "other")]
        files["train/metadata.jsonl"] = "".join(json.dumps(row) + "\n" for row in told).encode()
        files[f"train/{mask_name}"] = mask_of(THINGS["one"])
    out = tmp_path / "out"
    job = augmented([write(tmp_path / "in", files)], out, geometry=geometry)
    assert job.report.sources == 2, "a mask was taken for a source"
    assert job.report.variations == 4
    told = rows(out / "train")
    assert len(told) == 6
    assert len({row["file_name"] for row in told}) == 6
    if "{}" in mask_name:
        assert len({row["mask_file_name"] for row in told}) == 6
    for row in told:
        with Image.open(out / "train" / row["mask_file_name"]) as opened:
            mask = np.asarray(opened)
        with Image.open(out / "train" / row["file_name"]) as opened:
            pixels = np.asarray(opened.convert("RGB")).astype(int)
        assert mask.shape == pixels.shape[:2]
        coloured = (pixels.max(-1) - pixels.min(-1)) > 60
        if row["file_name"].startswith("other"):
            continue  # its mask was drawn for the other picture
        if "__v" in row["file_name"] or geometry == "none":
            agree = (coloured == (mask > 0)).mean()
            assert agree > 0.95, (row, agree)
    assert {name.rpartition("/")[2] for name in contents(out)} >= {row["file_name"] for row in told}
    loaded = trainers.loads_as_imagefolder(out, tmp_path / "cache")
    assert loaded["train"].num_rows == 6


def test_what_is_no_mask_is_carried_and_told_of(tmp_path: Path) -> None:
    files = with_masks()
    told = [json.loads(line) for line in files["train/metadata.jsonl"].decode().splitlines()]
    for number, row in enumerate(told):
        files[f"train/before/{number}.jpg"] = photo([("bus", number, 0, 9, 9)])
        files[f"train/words/{number}.txt"] = b"a word"
        row |= {"before_file_name": f"before/{number}.jpg", "words_file_name": f"words/{number}.txt"}
        row["sound_file_name"] = f"{number}.wav"
    files["train/metadata.jsonl"] = "".join(json.dumps(row) + "\n" for row in told).encode()
    out = tmp_path / "out"
    job = augmented([write(tmp_path / "in", files)], out, geometry="light", originals="none")
    assert job.report.sources == 2
    for row in rows(out / "train"):
        assert "__v" in row["file_name"]
        for column in ("before_file_name", "words_file_name"):
            assert (out / "train" / row[column]).read_bytes() == files[f"train/{row[column]}"]
    notices = " ".join(job.report.as_dict()["notices"])
    assert "sound_file_name names 2 file(s) that are missing" in notices
    assert "the images that before_file_name names are not masks and are copied unchanged" in notices
    assert "words_file_name" not in notices


def pose(dimensions: int) -> Files:
    """Each thing with two keypoints: middles of its left and right half; of the first thing one is not marked."""
    width, height = SIZE_WH
    files: Files = {}
    for stem, things in THINGS.items():
        lines = []
        for number, (category, x0, y0, x1, y1) in enumerate(things):
            values = [(x0 + x1) / 2 / width, (y0 + y1) / 2 / height, (x1 - x0) / width, (y1 - y0) / height]
            for place, share in enumerate((0.25, 0.75)):
                marked = not (number == 0 and place == 1 and dimensions == 3)
                point = [(x0 + share * (x1 - x0)) / width, (y0 + y1) / 2 / height] if marked else [0, 0]
                values += [*point, *([2 * marked] if dimensions == 3 else [])]
            lines.append(f"{CATEGORIES.index(category)} " + " ".join(map(str, values)))
        files[f"images/train/{stem}.jpg"] = photo(things)
        files[f"labels/train/{stem}.txt"] = ("\n".join(lines) + "\n").encode()
    names = {"names": CATEGORIES, "kpt_shape": [2, dimensions], "flip_idx": [1, 0]}
    files["data.yaml"] = yaml.safe_dump({**names, "train": "images/train", "val": "images/train"}).encode()
    return files


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("geometry", ["none", "light", "strong"])
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
            for place, point in enumerate(points):
                if not point[:2].any():
                    continue
                column, row = int(point[0] * SIZE_WH[0]), int(point[1] * SIZE_WH[1])
                colour = np.array(COLOURS[CATEGORIES[int(number)]])
                assert np.abs(pixels[row, column] - colour).max() < 60, (label, line)
                assert abs(point[0] - x) <= w / 2 + 1e-6
                assert (point[0] < x) == (place == 0) or geometry == "strong", "left and right were swapped"
                seen += 1
    assert seen >= 10
    if geometry == "none":
        assert (out / "labels/train/one__v1.txt").read_bytes() == files["labels/train/one.txt"]


def test_poses_to_other_layouts(tmp_path: Path) -> None:
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
