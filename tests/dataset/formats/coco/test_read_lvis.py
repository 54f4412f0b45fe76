"""LVIS: images that are named by coco_url alone, and what it says of classes in each image."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support import trainers
from tests.support.coco_files import BOX, photos
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


def test_to_another_format(tmp_path: Path) -> None:
    augmented([write(tmp_path / "in", lvis())], tmp_path / "out", variations=1, to="voc")
    sheets = [data.decode() for name, data in contents(tmp_path / "out").items() if name.endswith(".xml")]
    assert sum(text.count("<name>airplane</name>") for text in sheets) == 6
