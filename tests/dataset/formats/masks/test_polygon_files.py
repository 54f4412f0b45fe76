"""Cityscapes: outlines, class numbers, instances and colours of one image move together."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.support.labelled_sets import Files, augmented, contents, gathered, write
from tests.support.mask_sets import in_file

SIZE_WH = (160, 80)
CAR = [[40, 20], [100, 20], [100, 60], [40, 60]]
KINDS = ("labelIds", "instanceIds", "color")


def city(broken: bool = False) -> Files:
    """One image for training, one for validation."""
    pixels = np.random.default_rng(0).integers(100, 140, (SIZE_WH[1], SIZE_WH[0], 3), np.uint8)
    scene = Image.fromarray(pixels)
    ImageDraw.Draw(scene).rectangle((40, 20, 99, 59), fill=(250, 10, 10))
    area = np.zeros((SIZE_WH[1], SIZE_WH[0]), bool)
    area[20:60, 40:100] = True
    colour = Image.new("RGBA", SIZE_WH, (128, 64, 128, 255))
    ImageDraw.Draw(colour).rectangle((40, 20, 99, 59), fill=(0, 0, 142, 255))
    masks = {
        "labelIds": Image.fromarray(np.where(area, 26, 7).astype(np.uint8)),
        "instanceIds": Image.fromarray(np.where(area, 26_000, 7).astype(np.uint16)),
        "color": colour,
    }
    outlines = {"imgHeight": SIZE_WH[1], "imgWidth": SIZE_WH[0], "objects": [{"label": "car", "polygon": CAR}]}
    if broken:
        outlines["objects"] = [{"label": "car", "polygon": [["left", 1]]}]
    files: Files = {}
    for split, town in (("train", "aachen"), ("val", "munster")):
        files[f"leftImg8bit/{split}/{town}/{town}_000000_000019_leftImg8bit.png"] = in_file(scene, "a.png")
        for kind, mask in masks.items():
            files[f"gtFine/{split}/{town}/{town}_000000_000019_gtFine_{kind}.png"] = in_file(mask, "a.png")
        files[f"gtFine/{split}/{town}/{town}_000000_000019_gtFine_polygons.json"] = json.dumps(outlines).encode()
    return files


@pytest.mark.parametrize("geometry", ["none", "strong"])
def test_everything_of_an_image_moves_together(geometry: str, tmp_path: Path) -> None:
    given = write(tmp_path / "in", city())
    found = gathered(given)
    assert found.notices == ()
    assert not found.unread_labels.kinds
    augmented([given], tmp_path / "out", variations=2, geometry=geometry)
    made = contents(tmp_path / "out")
    for tag in ("__v1", "__v2"):
        image = np.asarray(
            Image.open(io.BytesIO(made[f"leftImg8bit/train/aachen/aachen_000000_000019_leftImg8bit{tag}.png"])), int
        )
        red = (image[..., 0] > 150) & (image[..., 1] < 60)
        stem = f"gtFine/train/aachen/aachen_000000_000019{tag}_gtFine"
        ids, instances, colours = (np.asarray(Image.open(io.BytesIO(made[f"{stem}_{kind}.png"]))) for kind in KINDS)
        outlines = json.loads(made[f"{stem}_polygons.json"])
        assert (outlines["imgWidth"], outlines["imgHeight"]) == SIZE_WH
        drawn = Image.new("1", SIZE_WH)
        for one in outlines["objects"]:
            assert one["label"] == "car"
            ImageDraw.Draw(drawn).polygon([tuple(point) for point in one["polygon"]], fill=1)
        for area in (ids == 26, instances == 26_000, colours[..., 2] == 142, np.asarray(drawn)):
            assert (area & red).sum() / (area | red).sum() > 0.93
    assert not any("munster" in name and "__v" in name for name in made)


def test_the_outlines_name_the_classes(tmp_path: Path) -> None:
    augmented([write(tmp_path / "in", city())], tmp_path / "out", variations=1, to="coco")
    found = json.loads(contents(tmp_path / "out")["annotations/instances_train.json"])
    assert [category["name"] for category in found["categories"]] == ["car"]
    assert found["annotations"][0]["bbox"] == [40, 20, 60, 40]


def test_a_broken_file_costs_its_image(tmp_path: Path) -> None:
    job = augmented([write(tmp_path / "in", city(broken=True))], tmp_path / "out", variations=1)
    (failure,) = job.report.failures
    assert "aachen_000000_000019_gtFine_polygons.json, object 1: x of point 1 of car is 'left'" in failure["reason"]
