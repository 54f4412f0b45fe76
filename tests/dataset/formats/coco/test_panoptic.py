"""COCO panoptic: segments move with the pixels, and the list of segments says what is there."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.support import trainers
from tests.support.coco_files import image, photos
from tests.support.dataset_runs import notices
from tests.support.image_files import encoded
from tests.support.labelled_sets import Files, augmented, contents, gathered, write

WIDTH, HEIGHT = 32, 24
ROAD, CAR, DOG = 5, 9 + 256, 200_000
COLOURS = {number: (number & 255, number >> 8 & 255, number >> 16) for number in (ROAD, CAR, DOG)}
CATEGORIES = [
    {"id": 3, "name": "car", "isthing": 1},
    {"id": 18, "name": "dog", "isthing": 1},
    {"id": 100, "name": "road", "isthing": 0},
]
PNG = "annotations/panoptic_train2017/a.png"
JSON = "annotations/panoptic_train2017.json"


def segments_png() -> bytes:
    """A road with a car on it; a dog at the very edge; nothing in the last row."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[:-1] = COLOURS[ROAD]
    pixels[4:14, 6:20] = COLOURS[CAR]
    pixels[0, 31] = COLOURS[DOG]
    return encoded(Image.fromarray(pixels))


def segment(number: int, category: int, box: list[int], area: int) -> dict[str, Any]:
    return {"id": number, "category_id": category, "iscrowd": 0, "bbox": box, "area": area}


def panoptic(png: str = "a.png") -> Files:
    segments = [
        segment(CAR, 3, [6, 4, 14, 10], 140),
        segment(DOG, 18, [31, 0, 1, 1], 1),
        segment(ROAD, 100, [0, 0, 32, 23], 595),
    ]
    listed = {"image_id": 7, "file_name": png, "segments_info": segments, "note": "kept"}
    text = {"images": [image(7, "a.jpg")], "annotations": [listed], "categories": CATEGORIES}
    return photos("train2017/a.jpg") | {PNG: segments_png(), JSON: json.dumps(text).encode()}


def ids(png: bytes) -> np.ndarray[Any, Any]:
    values = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)
    return values @ np.array([1, 256, 65536])


@pytest.mark.parametrize("geometry", ["none", "flip", "light", "strong"])
def test_segments_are_those_of_the_pixels(geometry: str, tmp_path: Path) -> None:
    given = write(tmp_path / "in", panoptic())
    job = augmented([given], tmp_path / "out", variations=2, geometry=geometry)
    assert [source.path for source in job.gathered.sources] == ["train2017/a.jpg"]
    assert not job.gathered.notices
    found = contents(tmp_path / "out")
    written = json.loads(found[JSON])
    assert written["categories"] == CATEGORIES
    assert written["annotations"][0] == json.loads(panoptic()[JSON])["annotations"][0]
    for one in written["annotations"]:
        name = next(i["file_name"] for i in written["images"] if i["id"] == one["image_id"])
        assert one["file_name"] == name.replace(".jpg", ".png")
        assert one["note"] == "kept"
        pixels = ids(found[f"annotations/panoptic_train2017/{one['file_name']}"])
        assert set(np.unique(pixels).tolist()) - {0} == {s["id"] for s in one["segments_info"]}
        for segment_ in one["segments_info"]:
            rows, columns = np.nonzero(pixels == segment_["id"])
            assert segment_["area"] == len(rows)
            box = [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
            assert segment_["bbox"] == [int(value) for value in box]


def test_what_left_the_image_is_not_listed(tmp_path: Path) -> None:
    augmented([write(tmp_path / "in", panoptic())], tmp_path / "out", variations=3, geometry="strong")
    made = trainers.json_of(tmp_path / "out" / JSON)["annotations"][1:]
    assert any({s["id"] for s in one["segments_info"]} == {CAR, ROAD} for one in made)


def test_segments_become_objects_of_other_formats(tmp_path: Path) -> None:
    labels = gathered(write(tmp_path / "in", panoptic())).sources[0].labels
    assert labels is not None
    assert not labels.load().shapes
    augmented([tmp_path / "in"], tmp_path / "voc", variations=1, to="voc")
    text = contents(tmp_path / "voc")["Annotations/a__v1.xml"].decode()
    assert [text.count(f"<name>{name}</name>") for name in ("car", "dog", "road")] == [1, 1, 1]
    assert all(
        f"<{tag}>{value}</{tag}>" in text
        for tag, value in zip(("xmin", "ymin", "xmax", "ymax"), (7, 5, 20, 14), strict=True)
    )


def test_segments_become_annotations(tmp_path: Path) -> None:
    """A panoptic set is recognised as COCO and has none of its annotations: to coco writes them. A crowd stays one."""
    files = panoptic()
    content = json.loads(files[JSON])
    content["annotations"][0]["segments_info"][0]["iscrowd"] = 1
    given = write(tmp_path / "in", files | {JSON: json.dumps(content).encode()})
    job = augmented([given], tmp_path / "out", variations=1, to="coco")
    written = trainers.json_of(tmp_path / "out/annotations/instances_train.json")
    classes = {one["id"]: one["name"] for one in written["categories"]}
    found = [(classes[one["category_id"]], one["bbox"], one["area"], one["iscrowd"]) for one in written["annotations"]]
    wanted = [("car", [6, 4, 14, 10], 140, 1), ("dog", [31, 0, 1, 1], 1, 0), ("road", [0, 0, 32, 23], 595, 0)]
    assert sorted(found) == sorted([*wanted, *wanted])
    assert "fields of images and classes were left out: isthing" in notices(job)
    again = augmented([given], tmp_path / "same", variations=1)
    assert not again.report.failures
    assert JSON in contents(tmp_path / "same")
    job = augmented([given], tmp_path / "yolo", variations=1, to="yolo")
    assert "crowds were written as single objects" in notices(job)


def test_a_png_that_no_file_lists_is_no_photograph(tmp_path: Path) -> None:
    files = panoptic() | {PNG.replace("a.png", "b.png"): segments_png()}
    found = gathered(write(tmp_path, files))
    assert [source.path for source in found.sources] == ["train2017/a.jpg"]
    assert found.notices == (f"1 PNG ({PNG.replace('a.png', 'b.png')}) of segments that no file lists; left out",)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({PNG: b""}, f"{PNG} is not a valid PNG"),
        ({PNG: encoded(Image.new("RGB", (5, 5)))}, f"{PNG} has 5x5 pixels; expected 32x24"),
        (
            {JSON: panoptic()[JSON].replace(b'"category_id": 18', b'"category_id": 99')},
            f"{JSON}, segments of a.png: segment 2 is",
        ),
        ({JSON: panoptic()[JSON].replace(b"200000", b'"x"')}, f"{JSON}, segments of a.png: segment 2 is"),
        ({JSON: panoptic()[JSON].replace(b'"a.png"', b'"gone.png"')}, "gone.png, the PNG of its segments, is missing"),
    ],
)
def test_what_does_not_fit_costs_its_image(files: Files, words: str, tmp_path: Path) -> None:
    job = augmented([write(tmp_path / "in", panoptic() | files)], tmp_path / "out", variations=1, geometry="flip")
    reasons = {row["file"]: row["reason"] for row in job.report.failures}
    assert any(words in reason for reason in reasons.values()), reasons
    assert not any("__v" in name for name in contents(tmp_path / "out"))


def test_beside_instances_of_the_same_images(tmp_path: Path) -> None:
    """As COCO has them: objects come from the instances, and the PNG moves along."""
    instances = {
        "images": [image(7, "a.jpg")],
        "annotations": [{"id": 1, "image_id": 7, "category_id": 3, "bbox": [6, 4, 14, 10], "area": 140, "iscrowd": 0}],
        "categories": CATEGORIES[:2],
    }
    files = panoptic() | {"annotations/instances_train2017.json": json.dumps(instances).encode()}
    augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1, geometry="flip", seed=2)
    written = trainers.json_of(tmp_path / "out/annotations/instances_train2017.json")["annotations"][1]
    pixels = ids(contents(tmp_path / "out")[PNG.replace("a.png", "a__v1.png")]) == CAR
    rows, columns = np.nonzero(pixels)
    assert written["bbox"] == [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]


def test_images_of_equal_names_in_folders_of_two_splits(tmp_path: Path) -> None:
    files: Files = {}
    for split, colour in (("train", CAR), ("val", ROAD)):
        pixels = np.full((HEIGHT, WIDTH, 3), COLOURS[colour], np.uint8)
        files[f"{split}/day/a.jpg"] = photos(f"{split}.jpg")[f"{split}.jpg"]
        files[f"annotations/panoptic_{split}/day/a.png"] = encoded(Image.fromarray(pixels))
        segments = [{"id": colour, "category_id": 3 if colour == CAR else 100, "iscrowd": 0}]
        content = {
            "images": [image(1, "day/a.jpg")],
            "annotations": [{"image_id": 1, "file_name": "day/a.png", "segments_info": segments}],
            "categories": CATEGORIES,
        }
        files[f"annotations/panoptic_{split}.json"] = json.dumps(content).encode()
    found = gathered(write(tmp_path / "in", files))
    for source, colour in ((found.sources[0], CAR), (found.holdout[0], ROAD)):
        assert source.labels is not None
        mask = source.labels.load().mask
        assert mask is not None
        assert mask.getpixel((0, 0)) == COLOURS[colour]
