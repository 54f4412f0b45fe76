"""Bitmaps to polygons: the same as supervision draws, quickly, and of masks with soft edges one thing each."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from augmentai.annotations import Labels, Polygon
from augmentai.dataset.formats.mask_polygons import mask_to_polygons
from augmentai.dataset.formats.object_shapes import classes_in, objects_in
from augmentai.dataset.formats.supervision_import import supervision
from augmentai.dataset.manifest import OWN_FILES
from tests.support import trainers
from tests.support.image_files import encoded
from tests.support.labelled_sets import SIZE_WH, augmented, mask_of, photo, write

LABELS = {"yolo": {".yaml"}, "coco": {".json"}, "voc": {".xml"}, "imagefolder": {".jsonl"}}


def by_supervision(mask: np.ndarray) -> list[Polygon]:
    supervision()
    from supervision.dataset.utils import approximate_mask_with_polygons

    found = approximate_mask_with_polygons(mask, bridge_holes=True)
    return sorted(tuple((float(x), float(y)) for x, y in ring) for ring in found)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8, 0.97])
def test_they_are_supervisions(share: float) -> None:
    dice = np.random.default_rng(int(share * 100))
    for _ in range(60):
        mask = dice.random(dice.integers(1, 14, 2)) < share
        assert sorted(mask_to_polygons(mask)) == by_supervision(mask), mask.astype(int)


def test_of_large_areas_too() -> None:
    dice = np.random.default_rng(1)
    for _ in range(5):
        field = Image.fromarray(dice.integers(0, 255, (6, 8), dtype=np.uint8)).resize(
            (160, 120), Image.Resampling.BICUBIC
        )
        mask = np.asarray(field) > 140
        assert sorted(mask_to_polygons(mask)) == by_supervision(mask)


@pytest.mark.parametrize("mask", [np.zeros((3, 4), bool), np.eye(1, dtype=bool), np.ones((1, 9), bool)])
def test_what_has_no_area_has_no_polygon(mask: np.ndarray) -> None:
    assert mask_to_polygons(mask) == []


def test_a_soft_edge_is_no_class() -> None:
    """White on black, drawn with a brush: of the greys around it none is a thing."""
    hard = np.zeros((60, 80), np.uint8)
    hard[10:30, 10:40] = 255
    hard[40:43, 50:70] = 255  # hardly wider than its edge
    soft = Image.fromarray(hard).filter(ImageFilter.GaussianBlur(1))
    assert len(set(np.asarray(soft).ravel().tolist())) > 10
    for mask in (soft, Image.fromarray(hard)):
        labels = Labels(mask=mask)
        assert classes_in(labels) == {"255"}
        boxes = [shape.box for shape in objects_in(labels)]
        assert len(boxes) == 2
        for found, drawn in zip(boxes, [(10, 10, 40, 30), (50, 40, 70, 43)], strict=True):
            assert found is not None
            np.testing.assert_allclose(found, drawn, atol=1)


def test_classes_are_no_soft_edge() -> None:
    """Small areas of several classes with the border that Pascal VOC draws around each."""
    values = np.zeros((60, 80), np.uint8)
    for number, left in enumerate((5, 25, 45), 1):
        values[10:22, left : left + 12] = 255
        values[12:20, left + 2 : left + 10] = number
    assert classes_in(Labels(mask=Image.fromarray(values))) == {"1", "2", "3"}
    gradient = np.tile(np.arange(0, 240, 30, dtype=np.uint8), (20, 1)).repeat(10, 1)
    assert len(classes_in(Labels(mask=Image.fromarray(gradient)))) == 7


@pytest.mark.parametrize("to", ["yolo", "coco", "voc", "imagefolder"])
def test_class_folders_name_what_masks_only_mark(tmp_path: Path, to: str) -> None:
    """Defects by kind, each folder with masks of white on black: the kind is the class."""
    thing = [("bus", 4, 6, 24, 20)]
    white = Image.fromarray(np.asarray(Image.open(io.BytesIO(mask_of(thing)))).astype(bool).astype(np.uint8) * 255)
    files = {}
    for number, kind in enumerate(("crack", "hole, deep", "free")):
        mask = white if kind != "free" else Image.new("L", SIZE_WH)
        files[f"{kind}/{number}.jpg"] = photo([*thing, ("red car", 40 + number, 0, 60, 9)])
        files[f"{kind}/{number}.png"] = encoded(mask, "PNG")
    job = augmented([write(tmp_path / "in", files)], tmp_path / "out", to=to)
    assert job.gathered.layout.name == "masks"
    held = [path for path in (tmp_path / "out").rglob("*") if path.suffix in LABELS[to] and path.name not in OWN_FILES]
    text = b"".join(path.read_bytes() for path in held)
    assert b"crack" in text
    assert b"hole, deep" in text
    assert b"255" not in text
    if to == "coco":
        told = trainers.json_of(tmp_path / "out/annotations/instances.json")
        assert [category["name"] for category in told["categories"]] == ["crack", "hole, deep"], (
            "what is free is a class"
        )
        boxes = trainers.pycocotools(tmp_path / "out/annotations/instances.json", tmp_path / "out/images")
        assert {stem: [name for name, _ in things] for stem, things in boxes.items() if "__" not in stem} == {
            "0": ["crack"],
            "1": ["hole, deep"],
            "2": [],
        }
