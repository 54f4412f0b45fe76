"""DOTA sets: read, and written with rotated boxes that keep four corners."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.support import dota_reader
from tests.support.dataset_runs import failures, notices
from tests.support.image_files import encoded
from tests.support.labelled_sets import Files, augmented, contents, gathered, voc, write
from tests.support.ultralytics_reader import read_set

SIZE_WH = (120, 90)
CORNERS = [(30, 20), (78, 38), (71, 57), (23, 39)]
HEADER = "imagesource:GoogleEarth\ngsd:0.146\n"


def planes(labels: str = "labelTxt") -> Files:
    """Two images for training and one for validation, of one rotated plane each."""
    files: Files = {}
    for number, split in enumerate(("train", "train", "val")):
        corners = [(x + 9 * number, y + 5 * number) for x, y in CORNERS]
        image = Image.new("RGB", SIZE_WH, (20, 60, 200))
        ImageDraw.Draw(image).polygon(corners, fill=(250, 250, 40))
        words = " ".join(f"{value:.1f}" for corner in corners for value in corner)
        files[f"{split}/images/P{number}.png"] = encoded(image)
        files[f"{split}/{labels}/P{number}.txt"] = f"{HEADER}{words} small-vehicle {number}\n".encode()
    return files


@pytest.mark.parametrize("labels", ["labelTxt", "labelTxt-v1.0", "annfiles", "labels"])
def test_a_set_is_recognised(labels: str, tmp_path: Path) -> None:
    found = gathered(write(tmp_path / "in", planes(labels)))
    assert found.layout.name == "dota"
    assert [source.split for source in (*found.sources, *found.holdout)] == ["train", "train", "val"]
    assert found.sources[0].labels is not None
    (shape,) = found.sources[0].labels.load().shapes
    assert (shape.category, shape.polygons, shape.oriented) == ("small-vehicle", (tuple(CORNERS),), True)
    augmented([tmp_path / "in"], tmp_path / "out", variations=1)
    out = contents(tmp_path / "out")
    assert out[f"train/{labels}/P1__v1.txt"] == planes(labels)[f"train/{labels}/P1.txt"]
    assert f"val/{labels}/P2__v1.txt" not in out


@pytest.mark.parametrize("geometry", ["flip", "light", "strong"])
def test_corners_stay_four_on_their_pixels(geometry: str, tmp_path: Path) -> None:
    augmented([write(tmp_path / "in", planes())], tmp_path / "out", geometry=geometry, variations=8)
    found = dota_reader.read_set(tmp_path / "out")
    assert len(found) == 19
    for path, objects in found.items():
        pixels = np.asarray(Image.open(tmp_path / "out" / path).convert("RGB")).astype(int)
        painted = pixels[..., 0] > 110
        for _, corners, _ in objects:
            drawn = Image.new("1", SIZE_WH)
            ImageDraw.Draw(drawn).polygon([tuple(corner) for corner in corners], fill=1)
            assert (np.asarray(drawn) & painted).sum() / (np.asarray(drawn) | painted).sum() > 0.8, path
    assert contents(tmp_path / "out")["train/labelTxt/P0__v1.txt"].startswith(HEADER.encode())


def test_converted_to_yolo_and_from_voc(tmp_path: Path) -> None:
    augmented([write(tmp_path / "in", planes())], tmp_path / "yolo", to="yolo", variations=1)
    found = read_set(tmp_path / "yolo/data.yaml", "train", "obb")
    np.testing.assert_allclose(found["images/train/P0.png"].points[0], CORNERS, atol=1e-3)
    job = augmented([write(tmp_path / "voc", voc())], tmp_path / "dota", to="dota", variations=1)
    objects = dota_reader.read_set(tmp_path / "dota")["train/images/one__v1.jpg"]
    assert [(name, difficult) for name, _, difficult in objects] == [("red-car", 0), ("bus", 1)]
    np.testing.assert_allclose(objects[0][1], [[4, 6], [24, 6], [24, 20], [4, 20]])
    assert "spaces in class names were written as hyphens" in notices(job)


def test_a_broken_file_is_reported(tmp_path: Path) -> None:
    found, job = failures(planes() | {"train/labelTxt/P1.txt": b"1 2 3 4 plane\n"}, tmp_path)
    assert list(found) == ["train/images/P1.png"]
    assert found["train/images/P1.png"].startswith("train/labelTxt/P1.txt, line 1: found")
    assert job.report.variations == 1
