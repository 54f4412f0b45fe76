"""Conversions in general: boxes stay where they were, whatever the formats."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from augmentai.dataset.manifest import OWN_FILES
from augmentai.recipe import RecipeError
from tests.support import trainers
from tests.support.dataset_runs import converted
from tests.support.expected_boxes import EXPECTED, assert_boxes, expected_boxes
from tests.support.image_files import encoded
from tests.support.labelled_sets import (
    COLOURS,
    IMAGES,
    LAYOUTS,
    SIZE_WH,
    as_zip,
    augmented,
    class_folders,
    contents,
    mask_of,
    photo,
    write,
    yolo,
)

LABELS = {"yolo": {".yaml"}, "coco": {".json"}, "voc": {".xml"}, "imagefolder": {".jsonl"}}


def test_converted_there_and_back(tmp_path: Path) -> None:
    """YOLO to COCO to VOC to YOLO: boxes of whole pixels end where they began."""
    place = write(tmp_path / "0", yolo())
    for step, to in enumerate(("coco", "voc", "yolo"), 1):
        augmented([place], tmp_path / str(step), to=to, variations=1)
        place = tmp_path / str(step)
        for own in ("manifest.jsonl", "recipe.yaml", "dataset_card.md", "contact_sheet.svg"):
            (place / own).unlink(missing_ok=True)
    found = trainers.ultralytics(place / "data.yaml", "val")
    assert_boxes(found, expected_boxes("val"))
    assert_boxes({"one": trainers.ultralytics(place / "data.yaml", "train")["one"]}, {"one": EXPECTED["one"]})


def test_geometry_and_conversion_together(tmp_path: Path) -> None:
    """Mirrored boxes are on mirrored pixels in the other format."""
    out, _ = converted("voc", "coco", tmp_path, geometry="flip", variations=4)
    boxes = trainers.pycocotools(out / "annotations/instances_train.json", out / "train")
    mirrored = 0
    for index in range(1, 5):
        seen = trainers.by_eye(out / f"train/one__v{index}.jpg", COLOURS, (90 - index) / 100)
        assert_boxes({"one": seen}, {"one": boxes[f"one__v{index}"]}, tolerance=1.01)
        mirrored += boxes[f"one__v{index}"] != EXPECTED["one"]
    assert mirrored


def test_a_set_without_labels_cannot_be_converted(tmp_path: Path) -> None:
    given = write(tmp_path / "in", class_folders())
    with pytest.raises(RecipeError, match="the set has no boxes, polygons or masks to write"):
        augmented([given], tmp_path / "out", to="yolo")
    assert not (tmp_path / "out").exists()


def test_images_of_the_same_stem_get_labels_of_their_own(tmp_path: Path) -> None:
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

    augmented([as_zip(tmp_path / "in.zip", LAYOUTS["coco"][1])], tmp_path / "out.zip", to="yolo", variations=1)
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        archive.extractall(tmp_path / "out")
    found = trainers.ultralytics(tmp_path / "out/data.yaml", "val")
    assert [len(objects) for objects in found.values()] == [len(t) for split, _, t in IMAGES if split == "val"]
    assert np.allclose(next(iter(found.values()))[0][1], EXPECTED["three"][0][1], atol=1.001)


@pytest.mark.parametrize("to", ["yolo", "coco", "voc", "imagefolder"])
def test_class_folders_name_the_objects_of_masks(tmp_path: Path, to: str) -> None:
    """Defects by kind, each folder with masks of white on black: the kind is the class."""
    objects = [("bus", 4, 6, 24, 20)]
    white = Image.fromarray(np.asarray(Image.open(io.BytesIO(mask_of(objects)))).astype(bool).astype(np.uint8) * 255)
    files = {}
    for number, kind in enumerate(("crack", "hole, deep", "free")):
        mask = white if kind != "free" else Image.new("L", SIZE_WH)
        files[f"{kind}/{number}.jpg"] = photo([*objects, ("red car", 40 + number, 0, 60, 9)])
        files[f"{kind}/{number}.png"] = encoded(mask, "PNG")
    job = augmented([write(tmp_path / "in", files)], tmp_path / "out", to=to)
    assert job.gathered.layout.name == "masks"
    written = [
        path for path in (tmp_path / "out").rglob("*") if path.suffix in LABELS[to] and path.name not in OWN_FILES
    ]
    text = b"".join(path.read_bytes() for path in written)
    assert b"crack" in text
    assert b"hole, deep" in text
    assert b"255" not in text
    if to == "coco":
        content = trainers.json_of(tmp_path / "out/annotations/instances.json")
        assert [category["name"] for category in content["categories"]] == ["crack", "hole, deep"], (
            "what is free is a class"
        )
        boxes = trainers.pycocotools(tmp_path / "out/annotations/instances.json", tmp_path / "out/images")
        assert {stem: [name for name, _ in objects] for stem, objects in boxes.items() if "__" not in stem} == {
            "0": ["crack"],
            "1": ["hole, deep"],
            "2": [],
        }
