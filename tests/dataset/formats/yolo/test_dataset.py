"""YOLO sets as Ultralytics and supervision read them."""

from __future__ import annotations

from pathlib import Path

import pytest
import supervision as sv

from tests.support import trainers
from tests.support.expected_boxes import assert_boxes, expected_boxes
from tests.support.labelled_sets import (
    CATEGORIES,
    COLOURS,
    LAYOUTS,
    TRAIN,
    augmented,
    contents,
    gathered,
    voc,
    write,
    yolo,
)


@pytest.mark.parametrize("name", ["yolo", "yolo, split first", "yolo polygons"])
def test_yolo_as_ultralytics_and_supervision_read_it(name: str, tmp_path: Path) -> None:
    augmented([write(tmp_path / "in", LAYOUTS[name][1])], tmp_path / "out")
    for split in ("train", "val", "test"):
        assert_boxes(trainers.ultralytics(tmp_path / "out" / "data.yaml", split), expected_boxes(split))
    folders = ("train/images", "train/labels") if "first" in name else ("images/train", "labels/train")
    data = sv.DetectionDataset.from_yolo(*(str(tmp_path / "out" / f) for f in folders), str(tmp_path / "out/data.yaml"))
    assert_boxes(trainers.supervision(data), expected_boxes("train"), tolerance=1.01 if "polygons" in name else 0.01)
    kept = (tmp_path / "out" / "data.yaml").read_text("utf-8")
    assert "nc: 3" in kept
    assert "made_by: someone" in kept


def test_boxes_are_on_the_pixels_they_were_drawn_on(tmp_path: Path) -> None:
    augmented([write(tmp_path / "in", yolo())], tmp_path / "out")
    boxes = trainers.ultralytics(tmp_path / "out" / "data.yaml", "train")
    for stem in ("one", "two ü"):
        for index in (1, 2):
            seen = trainers.by_eye(tmp_path / f"out/images/train/{stem}__v{index}.jpg", COLOURS, (90 - index) / 100)
            assert_boxes({stem: seen}, {stem: boxes[f"{stem}__v{index}"]}, tolerance=1.01)


@pytest.mark.parametrize("to", ["same", "yolo"])
def test_ultralytics_opens_a_set_without_validation_images(tmp_path: Path, to: str) -> None:
    """It refuses a set without val. A notice and the file itself say that training images stand in."""
    files = yolo() if to == "same" else voc()
    job = augmented([write(tmp_path / "in", files)], tmp_path / "left", splits="leave-out", to=to)
    text = (tmp_path / "left/data.yaml").read_text("utf-8")
    assert "test:" not in text
    boxes = trainers.ultralytics(tmp_path / "left/data.yaml", "val")
    assert {name for name in boxes if "__v" not in name} == set(TRAIN)
    assert "Replace val with your own" in text
    assert any("no validation images" in notice for notice in job.report.as_dict()["notices"])
    job = augmented([tmp_path / "in"], tmp_path / "copied", to=to)
    assert "Replace val" not in (tmp_path / "copied/data.yaml").read_text("utf-8")
    assert set(trainers.ultralytics(tmp_path / "copied/data.yaml", "val")) == {"three"}
    assert not any("no validation images" in notice for notice in job.report.as_dict()["notices"])


def test_yolo_without_data_yaml(tmp_path: Path) -> None:
    files = {Path(n).name: d for n, d in yolo().items() if n != "data.yaml"}
    files["classes.txt"] = "\n".join(CATEGORIES).encode()
    augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1)
    found = contents(tmp_path / "out")
    assert found["one__v1.txt"] == files["one.txt"]
    assert found["classes.txt"] == files["classes.txt"]
    one = next(s for s in gathered(tmp_path / "in").sources if s.path == "one.jpg")
    assert one.labels is not None
    assert [shape.category for shape in one.labels.load().shapes] == ["red car", "bus"]


def test_captions_are_not_labels(tmp_path: Path) -> None:
    files = {"a.jpg": yolo()["images/train/one.jpg"], "a.txt": b"a red car and a bus, 4 k"}
    assert gathered(write(tmp_path / "in", files)).layout.name == "folders"


@pytest.mark.parametrize("names", ["classes.txt", "obj.names", "coco.names", "_darknet.labels", "labels.txt"])
def test_names_in_a_list_of_their_own(names: str, tmp_path: Path) -> None:
    files = {f"train/{Path(n).name}": d for n, d in yolo().items() if n != "data.yaml" and "/train/" in n}
    files[f"train/{names}"] = "\n".join(CATEGORIES).encode()
    augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1)
    found = gathered(tmp_path / "out")
    assert found.layout.class_names() == CATEGORIES
    assert contents(tmp_path / "out")[f"train/{names}"] == files[f"train/{names}"]
