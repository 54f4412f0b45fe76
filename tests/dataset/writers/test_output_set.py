"""What a finished set holds: originals, splits, links, and the names of its files."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support import trainers
from tests.support.expected_boxes import assert_boxes, expected_boxes
from tests.support.labelled_sets import (
    TRAIN,
    as_zip,
    augmented,
    coco,
    contents,
    write,
    yolo,
)


def test_without_originals_and_other_splits(tmp_path: Path) -> None:
    given = write(tmp_path / "in", coco())
    augmented([given], tmp_path / "out", originals="none", splits="leave-out")
    made = {f"train/{stem}__v{i}.jpg" for stem in TRAIN for i in (1, 2)}
    assert set(contents(tmp_path / "out")) == made | {"annotations/instances_train.json"}
    boxes = trainers.pycocotools(tmp_path / "out/annotations/instances_train.json", tmp_path / "out/train")
    assert_boxes(boxes, {stem: objects for stem, objects in expected_boxes("train").items() if "__v" in stem})


def test_originals_may_be_linked(tmp_path: Path) -> None:
    given = write(tmp_path / "in", yolo())
    augmented([given], tmp_path / "out", originals="link")
    for name in ("images/train/one.jpg", "images/val/three.jpg"):
        assert (tmp_path / "out" / name).samefile(given / name)
    augmented([as_zip(tmp_path / "in.zip", yolo())], tmp_path / "unzipped", originals="link")  # nothing to link to
    assert (tmp_path / "unzipped/my set/images/train/one.jpg").read_bytes() == yolo()["images/train/one.jpg"]


def test_loose_photos_come_without_originals(tmp_path: Path) -> None:
    """Whoever gives a few photos has them; a set that trains at once needs its originals."""
    files = {"a.jpg": yolo()["images/train/one.jpg"]}
    augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1)
    assert set(contents(tmp_path / "out")) == {"a__v1.jpg"}
    augmented([tmp_path / "in"], tmp_path / "copied", variations=1, originals="copy")
    assert contents(tmp_path / "copied")["a.jpg"] == files["a.jpg"]


def test_an_original_is_never_overwritten_by_a_variation(tmp_path: Path) -> None:
    files = {"cats/a.jpg": yolo()["images/train/one.jpg"], "cats/a__v1.jpg": yolo()["images/val/three.jpg"]}
    augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1)
    found = contents(tmp_path / "out")
    assert {name: found[name] for name in files} == files
    assert len(found) == 4


def test_manifest_names_label_files_and_splits(tmp_path: Path) -> None:
    augmented([write(tmp_path / "in", yolo())], tmp_path / "out", variations=1)
    lines = [json.loads(line) for line in (tmp_path / "out/manifest.jsonl").read_text("utf-8").splitlines()]
    by_source = {line["source"]: line for line in lines}
    assert by_source["images/train/one.jpg"]["label_files"] == ["labels/train/one__v1.txt"]
    assert {line["split"] for line in lines} == {"train"}
    assert "label_files" not in by_source["images/train/empty.jpg"]
