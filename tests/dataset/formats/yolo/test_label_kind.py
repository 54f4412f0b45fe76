"""Rotated rectangles (OBB) are told from polygons and keep four corners, whatever moves them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import supervision as sv
from PIL import Image, ImageDraw
from shapely.geometry import Polygon

from augmentai.dataset.file_tree import Entry
from augmentai.dataset.formats.yolo.label_kind import LabelKind, kind_of_labels
from tests.support.image_files import encoded
from tests.support.labelled_sets import Files, augmented, write
from tests.support.ultralytics_reader import read_set

SIZE_WH = (120, 90)
BOX, CORNERS = "0 0.5 0.5 0.2 0.2", "0 0.1 0.1 0.3 0.2 0.2 0.4 0 0.3"
TRIANGLE, POSE = "0 0.1 0.1 0.3 0.2 0.2 0.4", "0 0.5 0.5 0.4 0.4 0.4 0.4 2 0.6 0.6 1 0 0 0 0.5 0.5 2"

FLAT_POSE, PENTAGON = "0 0.5 0.5 0.4 0.4 0.35 0.35 0.6 0.65 0 0", "0 0.5 0.1 0.9 0.4 0.7 0.9 0.3 0.9 0.1 0.4"


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([BOX], LabelKind(True)),
        ([CORNERS, f"{CORNERS}\n{CORNERS}", ""], LabelKind(True, oriented=True)),  # nine numbers throughout
        ([CORNERS, TRIANGLE], LabelKind(True)),  # polygons, one of which has four corners
        ([CORNERS, BOX], LabelKind(True)),
        ([POSE, POSE], LabelKind(True, keypoints=4)),  # four keypoints with their visibility
        ([POSE, BOX], LabelKind(True)),  # not throughout
        ([FLAT_POSE] * 3, LabelKind(True, keypoints=3, dimensions=2)),  # keypoints without visibilities
        ([FLAT_POSE] * 2, LabelKind(True)),  # too few to tell them from polygons
        ([FLAT_POSE, FLAT_POSE, PENTAGON], LabelKind(True)),
        ([PENTAGON] * 3, LabelKind(True)),
        (["0 0.5 0.5 0.4 0.4 0.9 0.9 2"], LabelKind(False)),  # a keypoint far from its box is something else
        (["a red car", "a bus"], LabelKind(False)),  # captions
        (["a red car", BOX, BOX], LabelKind(True)),  # most of them
        ([], LabelKind(False)),
    ],
)
def test_kind(texts: list[str], expected: LabelKind, tmp_path: Path) -> None:
    entries = []
    for number, text in enumerate(texts):
        (tmp_path / f"{number}.txt").write_text(text)
        entries.append(Entry(f"{number}.txt", "", file=tmp_path / f"{number}.txt"))
    assert kind_of_labels(entries) == expected


def ships() -> Files:
    """A rotated rectangle in each image, in the middle and at the borders."""
    files: Files = {"data.yaml": b"train: images/train\nval: images/train\nnames: [ship]\n"}
    places = [(60, 45, 50, 14, 0.4), (18, 20, 40, 12, 1.0), (105, 70, 44, 20, 2.3), (60, 8, 60, 12, 0.1)]
    for number, (x, y, width, height, angle) in enumerate(places):
        across = np.array([math.cos(angle), math.sin(angle)]) * width / 2
        down = np.array([-math.sin(angle), math.cos(angle)]) * height / 2
        corners = [np.array([x, y]) + a * across + b * down for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
        corners = [corner.clip(0, SIZE_WH) for corner in corners]
        image = Image.new("RGB", SIZE_WH, (20, 60, 200))
        ImageDraw.Draw(image).polygon([tuple(corner) for corner in corners], fill=(250, 250, 40))
        files[f"images/train/{number}.png"] = encoded(image)
        words = " ".join(f"{value:.6f}" for corner in corners for value in corner / SIZE_WH)
        files[f"labels/train/{number}.txt"] = f"0 {words}\n".encode()
    return files


@pytest.mark.parametrize("to", ["same", "yolo"])
@pytest.mark.parametrize("geometry", ["flip", "light", "strong"])
def test_rotated_rectangles_keep_four_corners_on_their_pixels(to: str, geometry: str, tmp_path: Path) -> None:
    augmented([write(tmp_path / "in", ships())], tmp_path / "out", geometry=geometry, variations=8, to=to)
    seen = 0
    for path, read in read_set(tmp_path / "out/data.yaml", "train", "obb").items():
        with Image.open(tmp_path / "out" / path) as opened:
            pixels = np.asarray(opened.convert("RGB")).astype(int)
        painted = pixels[..., 0] > 110
        for corners in read.points:
            drawn = Image.new("1", SIZE_WH)
            ImageDraw.Draw(drawn).polygon([tuple(corner) for corner in corners], fill=1)
            mask = np.asarray(drawn)
            assert (mask & painted).sum() / (mask | painted).sum() > 0.8, path
            assert Polygon(corners).is_valid
            seen += 1
    assert seen > 20


def test_supervision_reads_the_corners(tmp_path: Path) -> None:
    augmented([write(tmp_path / "in", ships())], tmp_path / "out", geometry="strong", variations=2)
    places = (str(tmp_path / "out" / place) for place in ("images/train", "labels/train", "data.yaml"))
    data = sv.DetectionDataset.from_yolo(*places, is_obb=True)
    assert len(data) == 12
    assert {len(detections.xyxy) for _, _, detections in data} <= {0, 1}
