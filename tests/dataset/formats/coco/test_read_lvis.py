"""LVIS: images that are named by coco_url alone, and what it says of classes in each image."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.support import trainers
from tests.support.coco_files import BOX, photos
from tests.support.dataset_runs import notices
from tests.support.labelled_sets import augmented, contents, gathered, write

URL = "http://images.cocodataset.org/train2017/"
NAMES = ("000000000009.jpg", "000000000025.jpg")
CATEGORIES = [
    {"id": 3, "name": "airplane", "synset": "airplane.n.01", "frequency": "f", "image_count": 2, "instance_count": 3},
    {"id": 8, "name": "alligator", "synset": "alligator.n.02", "frequency": "r", "image_count": 1, "instance_count": 1},
    {"id": 9, "name": "never", "synset": "never.n.01", "frequency": "r", "image_count": 0, "instance_count": 0},
]


def lvis() -> dict[str, bytes]:
    images = [
        {
            "id": int(name[:-4]),
            "coco_url": URL + name,
            "width": 32,
            "height": 24,
            "neg_category_ids": [9],
            "not_exhaustive_category_ids": [3],
        }
        for name in NAMES
    ]
    outline = [[4, 3, 14, 3, 14, 11, 4, 11]]
    annotations = [
        {"id": number, "image_id": of, "category_id": category, "bbox": BOX, "segmentation": outline, "area": 80}
        for number, (of, category) in enumerate([(9, 3), (9, 3), (25, 3), (25, 8)], 1)
    ]
    content = {"images": images, "annotations": annotations, "categories": CATEGORIES, "info": {"version": "1"}}
    return {f"train2017/{name}": data for name, data in photos(*NAMES).items()} | {
        "lvis_v1_train.json": json.dumps(content).encode()
    }


def test_lvis_is_recognised_and_written_with_its_fields(tmp_path: Path) -> None:
    given = write(tmp_path / "in", lvis())
    found = gathered(given)
    assert (found.layout.name, found.notices, found.failures) == ("coco", (), ())
    assert [source.split for source in found.sources] == ["train", "train"]
    augmented([given], tmp_path / "out", variations=1)
    written = trainers.json_of(tmp_path / "out/lvis_v1_train.json")
    before = json.loads(lvis()["lvis_v1_train.json"])
    assert written["images"][:2] == before["images"]
    made = written["images"][2:]
    assert [one["coco_url"] for one in made] == [f"{URL}{name[:-4]}__v1.jpg" for name in NAMES]
    assert all(one["neg_category_ids"] == [9] and one["not_exhaustive_category_ids"] == [3] for one in made)
    # As readers of LVIS open an image: its last folder and its name, below a folder of images.
    assert all((tmp_path / "out" / "/".join(one["coco_url"].split("/")[-2:])).is_file() for one in written["images"])
    fields = ("name", "synset", "frequency")
    assert [[one[key] for key in fields] for one in written["categories"]] == [
        [one[key] for key in fields] for one in CATEGORIES
    ]
    counts = [(one["image_count"], one["instance_count"]) for one in written["categories"]]
    assert counts == [(4, 6), (2, 2), (0, 0)]
    assert len(written["annotations"]) == 8


def test_counts_are_of_what_is_left(tmp_path: Path) -> None:
    """Objects that left the image count no more; `frequency` stays, since metrics are compared by it."""
    given = write(tmp_path / "in", lvis())
    augmented([given], tmp_path / "out", variations=4, operations=["crop(scale=0.3..0.4)"])
    written = trainers.json_of(tmp_path / "out/lvis_v1_train.json")
    own = {category["id"]: category for category in CATEGORIES}
    assert 8 <= len(written["annotations"]) < 20
    for category in written["categories"]:
        of_class = [one for one in written["annotations"] if one["category_id"] == category["id"]]
        assert category["instance_count"] == len(of_class)
        assert category["image_count"] == len({one["image_id"] for one in of_class})
        assert category["frequency"] == own[category["id"]]["frequency"]
    assert len(written["images"]) == 10
    assert all(one["neg_category_ids"] == [9] for one in written["images"])


def test_lvis_own_reader_finds_what_is_written(tmp_path: Path) -> None:
    """Its package needs another OpenCV than supervision does, so it is no requirement of the tests."""
    api = pytest.importorskip("lvis", reason="the package lvis is not installed")
    augmented([write(tmp_path / "in", lvis())], tmp_path / "out", variations=1, geometry="flip")
    read = api.LVIS(str(tmp_path / "out/lvis_v1_train.json"))
    assert len(read.get_img_ids()) == 4
    assert len(read.get_ann_ids()) == len(read.anns) == 8
    for category in read.load_cats(read.get_cat_ids()):
        images = read.cat_img_map[category["id"]]
        assert (category["instance_count"], category["image_count"]) == (len(images), len(set(images)))
    for annotation in read.load_anns(read.get_ann_ids()):
        x, y, width, height = annotation["bbox"]
        rows, columns = np.nonzero(read.ann_to_mask(annotation))
        found = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_allclose(found, [x, y, x + width, y + height], atol=1)


def test_to_another_format(tmp_path: Path) -> None:
    job = augmented([write(tmp_path / "in", lvis())], tmp_path / "out", variations=1, to="voc")
    said = "left out: coco_url, frequency, neg_category_ids, not_exhaustive_category_ids, synset"
    assert f"fields of images and classes were {said}" in notices(job)
    sheets = [data.decode() for name, data in contents(tmp_path / "out").items() if name.endswith(".xml")]
    assert sum(text.count("<name>airplane</name>") for text in sheets) == 6
