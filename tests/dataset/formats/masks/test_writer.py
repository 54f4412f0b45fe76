"""Sets with outlines and bitmaps written as masks: which pixel has which class, and what is lost."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from augmentai.recipe import RecipeError
from tests.support.labelled_sets import (
    CATEGORIES,
    IMAGES,
    SIZE_WH,
    augmented,
    coco,
    contents,
    gathered,
    photo,
    voc,
    write,
    yolo,
)
from tests.support.tool_sets import supervisely_file, supervisely_meta


def pixels_of(data: bytes) -> np.ndarray[Any, Any]:
    image = Image.open(io.BytesIO(data))
    assert image.mode == "P"
    return np.asarray(image)


def expected_mask(objects: list[tuple[str, int, int, int, int]]) -> np.ndarray[Any, Any]:
    values = np.zeros((SIZE_WH[1], SIZE_WH[0]), np.uint8)
    for category, x0, y0, x1, y1 in objects:
        values[y0:y1, x0:x1] = CATEGORIES.index(category) + 1
    return values


def test_polygons_become_masks_of_the_same_pixels(tmp_path: Path) -> None:
    augmented(
        [write(tmp_path / "in", yolo(polygons=True))], tmp_path / "out", variations=1, to="masks", geometry="flip"
    )
    made = contents(tmp_path / "out")
    assert made["classes.txt"].decode().splitlines() == ["background", *CATEGORIES]
    for split, stem, objects in IMAGES:
        assert np.array_equal(pixels_of(made[f"masks/{split}/{stem}.png"]), expected_mask(objects)), stem
    again = gathered(tmp_path / "out")
    assert again.layout.name == "masks"
    assert {source.split for source in again.holdout} == {"val", "test"}
    for stem in ("one", "two ü"):
        mask = pixels_of(made[f"masks/train/{stem}__v1.png"])
        image = np.asarray(Image.open(io.BytesIO(made[f"images/train/{stem}__v1.jpg"])), int)
        colourful = np.ptp(image, axis=-1) > 60
        assert (colourful & (mask > 0)).sum() / (colourful | (mask > 0)).sum() > 0.93


def test_bitmaps_are_kept_and_pixels_of_boxes_are_of_no_class(tmp_path: Path) -> None:
    """The fourth object of the set has a box alone."""
    files = coco()
    name = "annotations/instances_train.json"
    content = json.loads(files[name])
    for annotation in content["annotations"]:
        if annotation["category_id"] == 17:  # the bus
            del annotation["segmentation"]
    files[name] = json.dumps(content).encode()
    job = augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1, to="masks")
    mask = pixels_of(contents(tmp_path / "out")["masks/train/one.png"])
    expected = expected_mask(IMAGES[0][2])
    assert np.array_equal(mask, np.where(expected == 2, 255, expected))
    words = " ".join(map(str, vars(job.report).values()))
    assert "the pixels of boxes without an outline are of no class (255)" in words
    assert "objects of one class were merged" in words


def test_boxes_alone_are_refused(tmp_path: Path) -> None:
    given = write(tmp_path / "in", voc())
    with pytest.raises(RecipeError, match="to is masks, and the set has no outlines or masks"):
        augmented([given], tmp_path / "out", variations=1, to="masks")


def test_small_objects_are_on_top_and_holes_are_open(tmp_path: Path) -> None:
    plate = {"exterior": [[4, 4], [44, 4], [44, 40], [4, 40]], "interior": [[[30, 10], [40, 10], [40, 20], [30, 20]]]}
    cup = {"exterior": [[10, 10], [20, 10], [20, 20], [10, 20]], "interior": []}
    objects = [
        {"classTitle": name, "geometryType": "polygon", "points": points}
        for name, points in (("cup", cup), ("plate", plate))
    ]
    files = {"ds/img/a.jpg": photo([]), "meta.json": supervisely_meta("plate", "cup")}
    files["ds/ann/a.jpg.json"] = supervisely_file(objects, SIZE_WH)
    job = augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1, to="masks")
    expected = np.zeros((SIZE_WH[1], SIZE_WH[0]), np.uint8)
    expected[4:40, 4:44] = 1
    expected[10:20, 30:40] = 0
    expected[10:20, 10:20] = 2
    made = contents(tmp_path / "out")
    assert np.array_equal(pixels_of(next(made[name] for name in made if name.endswith("a.png"))), expected)
    assert "where objects overlap, the smaller one was kept" in " ".join(map(str, vars(job.report).values()))


def test_more_classes_than_a_byte_holds(tmp_path: Path) -> None:
    names = [f"class {number}" for number in range(300)]
    square = {"exterior": [[4, 4], [14, 4], [14, 14], [4, 14]], "interior": []}
    files = {"ds/img/a.jpg": photo([]), "meta.json": supervisely_meta(*names)}
    files["ds/ann/a.jpg.json"] = supervisely_file(
        [{"classTitle": names[299], "geometryType": "polygon", "points": square}], SIZE_WH
    )
    augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1, to="masks")
    made = contents(tmp_path / "out")
    mask = Image.open(io.BytesIO(next(made[name] for name in made if name.endswith("a.png"))))
    assert mask.mode == "I;16"
    assert set(np.unique(np.asarray(mask))) == {0, 300}


@pytest.mark.parametrize("to", ["coco", "yolo"])
def test_there_and_back(to: str, tmp_path: Path) -> None:
    augmented([write(tmp_path / "in", yolo(polygons=True))], tmp_path / "masks", variations=1, to="masks")
    augmented([tmp_path / "masks"], tmp_path / "out", variations=1, to=to)
    again = gathered(tmp_path / "out")
    assert set(again.layout.class_names()) == set(CATEGORIES)
    assert json.dumps(sorted(source.split or "" for source in again.holdout)) == '["test", "val"]'
