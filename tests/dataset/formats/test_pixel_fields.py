"""Fields of people and tools that are places in an image: recognised by their names, or by what they hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from augmentai.dataset.formats.pixel_fields import fields_in_pixels, is_in_pixels
from tests.support.dataset_runs import notices
from tests.support.image_files import jpeg
from tests.support.labelled_sets import augmented, coco, contents, write

PLACES: dict[str, Any] = {
    "rotated_box": [1, 2, 3, 4, 30],
    "center": [5, 6],
    "keypoints_3d": [[1, 2, 3]],
    "rle": "0 5 3 2",
    "x1": 4,
    "bbox_xmin": 4,
    "xc": 3,
    "roi": {"x": 3, "y": 4},
    # a side of the image, or of what it shows, which a mirrored image shows on the other
    "side": "left",
    "Laterality": "Right",
    "attributes.pose": "left side",
    "facing_left": True,
    "attributes.leftTurn": "no",
    # by what they hold
    "head": [10, 20, 30, 40],
    "faces": [[1, 2, 3, 4], [5, 6, 7, 8]],
    "track": [[1, 2], [3, 4], [5, 6]],
    "hand": "[10, 20, 30, 40]",
    "tail": {"left": 3, "top": 4},
    "parts": [{"x": 1, "y": 2}],
}
OTHERS: dict[str, Any] = {
    "caption": "a cat, 3 years",
    "pose": "Frontal",
    "view": "rear",
    "position": 3,
    "location": "left lung",
    "label": "left",
    "age": 4,
    "num_keypoints": 5,
    "has_box": True,
    "left": True,
    "left_unattended": 3,
    "inbox": "yes",
    "pointer": 3,
    "colour": [1, 2, 3, 255],
    "embedding": [[0.1, 0.2], [0.3, 0.4]],
    "scores": [0.1, 0.2, 0.3, 0.4],
    "tags": ["a", "b", "c", "d"],
    "years": [2001, 2002],
    "phone": "123",
    "centre_name": "north",
}


@pytest.mark.parametrize(("name", "value"), PLACES.items(), ids=PLACES)
def test_places(name: str, value: Any) -> None:
    assert is_in_pixels(name, value)


@pytest.mark.parametrize(("name", "value"), OTHERS.items(), ids=OTHERS)
def test_other_fields(name: str, value: Any) -> None:
    assert not is_in_pixels(name, value)


def test_the_size_of_an_image_is_no_place_but_beside_x_and_y() -> None:
    assert not fields_in_pixels({"width": 64, "height": 48, "left": "hand"})
    assert fields_in_pixels({"x": 1, "y": 2, "width": 3, "height": 4}) == ["x", "y", "width", "height"]


MOVED = {"operations": ["flip(probability=1)"], "variations": 1}


def test_coco_annotations_lose_them_where_pixels_move(tmp_path: Path) -> None:
    files = coco()
    content = json.loads(files["annotations/instances_train.json"])
    for annotation in content["annotations"]:
        annotation.update({**PLACES, **OTHERS, "attributes": {"roi": [1, 2, 3, 4], "age": 4}})
    files["annotations/instances_train.json"] = json.dumps(content).encode()
    job = augmented([write(tmp_path / "in", files)], tmp_path / "out", **MOVED)
    made = json.loads(contents(tmp_path / "out")["annotations/instances_train.json"])
    names = {image["id"]: image["file_name"] for image in made["images"]}
    for annotation in made["annotations"]:
        moved = "__v1" in names[annotation["image_id"]]
        assert (annotation.keys() & PLACES.keys() == set()) == moved
        assert annotation["attributes"] == ({"age": 4} if moved else {"roi": [1, 2, 3, 4], "age": 4})
        assert OTHERS.items() <= annotation.items()
    for name in (*PLACES, "attributes.roi"):
        assert f"`{name}` is removed from geometrically transformed images" in notices(job)


@pytest.mark.parametrize("kind", ["metadata.jsonl", "metadata.csv"])
def test_columns_of_an_image_folder(kind: str, tmp_path: Path) -> None:
    row = {"file_name": "a.jpg", "x": 1, "y": 2, "w": 3, "h": 4, "head": "[1, 2, 3, 4]", "text": "a cat"}
    table = (
        json.dumps(row)
        if kind == "metadata.jsonl"
        else 'file_name,x,y,w,h,head,text\na.jpg,1,2,3,4,"[1, 2, 3, 4]",a cat'
    )
    augmented([write(tmp_path / "in", {"a.jpg": jpeg(), kind: table.encode()})], tmp_path / "out", **MOVED)
    last = contents(tmp_path / "out")[kind].decode().splitlines()[-1]
    made = json.loads(last) if kind == "metadata.jsonl" else last
    assert made in ({"file_name": "a__v1.jpg", "text": "a cat"}, "a__v1.jpg,,,,,,a cat")
