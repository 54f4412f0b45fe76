"""Any labelled layout into any other: boxes stay where they were, and what cannot be held is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import supervision as sv
from PIL import Image

from augmentai.recipe import RecipeError
from tests.dataset.formats.test_detect import EXPECTED, alike, expected
from tests.support import trainers
from tests.support.labelled_sets import (
    COLOURS,
    LAYOUTS,
    PICTURES,
    as_zip,
    augmented,
    class_folders,
    contents,
    write,
    yolo,
)

LABELLED = ["yolo", "yolo polygons", "coco", "voc", "imagefolder jsonl", "masks beside"]


def named(name: str, boxes: trainers.Boxes) -> trainers.Boxes:
    """Masks know numbers where the others know names."""
    if not name.startswith("masks"):
        return boxes
    numbers = {category: str(number) for number, category in enumerate(COLOURS, 1)}
    return {stem: [(numbers[c], box) for c, box in things] for stem, things in boxes.items()}


def notices(job: Any) -> str:
    return "\n".join(job.report.as_dict()["notices"])


def converted(name: str, to: str, tmp_path: Path, **recipe: Any) -> tuple[Path, Any]:
    given = write(tmp_path / "in", LAYOUTS[name][1])
    job = augmented([given], tmp_path / "out", to=to, **recipe)
    assert not job.report.failures
    return tmp_path / "out", job


@pytest.mark.parametrize("name", [n for n in LABELLED if not n.startswith("yolo")])
def test_to_yolo(name: str, tmp_path: Path) -> None:
    out, job = converted(name, "yolo", tmp_path)
    has_masks = name in {"coco", "masks beside"}  # outlines run along the middle of the last pixels
    for split in ("train", "val", "test"):
        found = trainers.ultralytics(out / "data.yaml", split)
        alike(found, named(name, expected(split)), tolerance=1.001 if has_masks else 1e-3)
    if name == "coco":
        assert "bitmaps (RLE) were written as the polygons around them" in notices(job)
        assert "crowds were written as single objects" in notices(job)
        assert "never seen" in (out / "data.yaml").read_text("utf-8")  # a class without a picture stays a class
    if name == "voc":
        assert "attributes of objects (difficult, truncated, own fields) were left out" in notices(job)


@pytest.mark.parametrize("name", [n for n in LABELLED if n != "coco"])
def test_to_coco(name: str, tmp_path: Path) -> None:
    out, _ = converted(name, "coco", tmp_path)
    for split in ("train", "val", "test"):
        file = out / f"annotations/instances_{split}.json"
        alike(trainers.pycocotools(file, out / split), named(name, expected(split)), tolerance=1.001)
        data = sv.DetectionDataset.from_coco(str(out / split), str(file))
        alike(trainers.supervision(data), named(name, expected(split)), tolerance=1.001)
    content = trainers.json_of(out / "annotations/instances_train.json")
    if name == "yolo polygons":
        assert all(len(a["segmentation"][0]) == 8 for a in content["annotations"])
    if name == "voc":
        assert {(a["difficult"], a["pose"]) for a in content["annotations"]} == {(0, "Left"), (1, "Left")}


@pytest.mark.parametrize("name", [n for n in LABELLED if n != "voc"])
def test_to_voc(name: str, tmp_path: Path) -> None:
    out, job = converted(name, "voc", tmp_path)
    data = sv.DetectionDataset.from_pascal_voc(str(out / "JPEGImages"), str(out / "Annotations"))
    everything = expected("train") | expected("val") | expected("test")
    alike(trainers.supervision(data), named(name, everything), tolerance=1.001)
    lists = {split: (out / f"ImageSets/Main/{split}.txt").read_text("utf-8").split("\n") for split in ("train", "val")}
    assert "one__v2" in lists["train"]
    assert lists["val"] == ["three", ""]
    if name in {"coco", "yolo polygons", "masks beside"}:
        assert "polygons and bitmaps were written as the boxes around them" in notices(job)


@pytest.mark.parametrize("name", [*LABELLED[:4], "masks beside", "class folders with splits"])
def test_to_imagefolder(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    out, _ = converted(name, "imagefolder", tmp_path)
    loaded = trainers.loads_as_imagefolder(out, tmp_path / "cache")
    assert {split: len(rows) for split, rows in loaded.items()} == {"train": 9, "validation": 1, "test": 1}
    if name.startswith("class"):
        assert sorted(set(loaded["train"]["label"])) == sorted(["red car", "車", "nothing"])
        return
    row = loaded["validation"][0]["objects"]
    found = [(c, (x, y, x + w, y + h)) for (x, y, w, h), c in zip(row["bbox"], row["categories"], strict=True)]
    alike({"three": found}, named(name, {"three": EXPECTED["three"]}), tolerance=1.001)


def test_there_and_back_again(tmp_path: Path) -> None:
    """YOLO to COCO to VOC to YOLO: boxes of whole pixels arrive where they began."""
    place = write(tmp_path / "0", yolo())
    for step, to in enumerate(("coco", "voc", "yolo"), 1):
        augmented([place], tmp_path / str(step), to=to, variations=1)
        place = tmp_path / str(step)
        for own in ("manifest.jsonl", "recipe.yaml", "dataset_card.md", "contact_sheet.svg"):
            (place / own).unlink(missing_ok=True)
    found = trainers.ultralytics(place / "data.yaml", "val")
    alike(found, expected("val"))
    alike({"one": trainers.ultralytics(place / "data.yaml", "train")["one"]}, {"one": EXPECTED["one"]})


def test_geometry_and_conversion_together(tmp_path: Path) -> None:
    """Mirrored boxes lie on mirrored pixels, in the other layout."""
    out, _ = converted("voc", "coco", tmp_path, geometry="flip", variations=4)
    boxes = trainers.pycocotools(out / "annotations/instances_train.json", out / "train")
    mirrored = 0
    for index in range(1, 5):
        seen = trainers.by_eye(out / f"train/one__v{index}.jpg", COLOURS, (90 - index) / 100)
        alike({"one": seen}, {"one": boxes[f"one__v{index}"]}, tolerance=1.01)
        mirrored += boxes[f"one__v{index}"] != EXPECTED["one"]
    assert mirrored


def test_what_has_no_labels_cannot_become_yolo(tmp_path: Path) -> None:
    given = write(tmp_path / "in", class_folders())
    with pytest.raises(RecipeError, match="the set has no boxes, polygons or masks to write"):
        augmented([given], tmp_path / "out", to="yolo")
    assert not (tmp_path / "out").exists()


def test_equal_stems_get_labels_of_their_own(tmp_path: Path) -> None:
    """a.jpg and a.png share one label file in YOLO; in COCO they do not, and converted they must not."""
    photo = LAYOUTS["coco"][1]["train/one.jpg"]
    import io

    other = io.BytesIO()
    Image.open(io.BytesIO(photo)).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(other, "PNG")
    content = {
        "images": [{"id": i, "file_name": n, "width": 64, "height": 48} for i, n in enumerate(("a.jpg", "a.png"))],
        "categories": [{"id": 1, "name": "bus"}],
        "annotations": [{"id": i, "image_id": i, "category_id": 1, "bbox": [i, 0, 10, 10]} for i in (0, 1)],
    }
    files = {"a.jpg": photo, "a.png": other.getvalue(), "labels.json": json.dumps(content).encode()}
    augmented([write(tmp_path / "in", files)], tmp_path / "out", to="yolo", variations=1)
    labels = {n: d for n, d in contents(tmp_path / "out").items() if n.endswith(".txt")}
    assert len(labels) == 4
    assert len(set(labels.values())) == 2


def test_from_a_zip_to_a_zip(tmp_path: Path) -> None:
    import zipfile

    augmented([as_zip(tmp_path / "in.zip", LAYOUTS["coco"][1])], tmp_path / "out.zip", to="yolo", variations=1)
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        archive.extractall(tmp_path / "out")
    found = trainers.ultralytics(tmp_path / "out/data.yaml", "val")
    assert [len(things) for things in found.values()] == [len(t) for split, _, t in PICTURES if split == "val"]
    assert np.allclose(next(iter(found.values()))[0][1], EXPECTED["three"][0][1], atol=1.001)
