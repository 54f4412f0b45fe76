"""JSON with a record per image that names its split, as Karpathy's captions have it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.image_files import jpeg
from tests.support.labelled_sets import Files, augmented, contents, gathered, write

SPLITS = ["train", "restval", "val", "test"]
PHOTOS: Files = {f"val2014/COCO_val2014_{i}.jpg": jpeg(seed=i) for i in range(4)}


def record(number: int, **more: Any) -> dict[str, Any]:
    sentences = [{"raw": "a dog", "tokens": ["a", "dog"], "imgid": number, "sentid": 10 + number}]
    own = {"filepath": "val2014", "filename": f"COCO_val2014_{number}.jpg", "split": SPLITS[number], "imgid": number}
    return {**own, "sentids": [10 + number], "sentences": sentences, "cocoid": 500 + number, **more}


KARPATHY = {"dataset": "coco", "images": [record(i) for i in range(4)]}
PLAIN = [
    {"image": f"COCO_val2014_{i}.jpg", "split": SPLITS[i].replace("restval", "train"), "text": "a"} for i in range(4)
]


@pytest.mark.parametrize("content", [KARPATHY, PLAIN], ids=["Karpathy", "a list"])
def test_records_say_the_splits_and_gain_the_variations(content: Any, tmp_path: Path) -> None:
    given = write(tmp_path / "in", PHOTOS | {"dataset_coco.json": json.dumps(content).encode()})
    job = augmented([given], tmp_path / "out", variations=1)
    assert {Path(s.path).stem[-1]: s.split for s in (*job.gathered.sources, *job.gathered.holdout)} == {
        "0": "train",
        "1": "train",
        "2": "val",
        "3": "test",
    }
    assert not job.gathered.unread_labels.kinds
    made = json.loads(contents(tmp_path / "out")["dataset_coco.json"])
    records = made["images"] if isinstance(made, dict) else made
    assert records[:4] == (content["images"] if isinstance(content, dict) else content)
    assert [Path(one.get("filename", one.get("image"))).name for one in records[4:]] == [
        "COCO_val2014_0__v1.jpg",
        "COCO_val2014_1__v1.jpg",
    ]
    if isinstance(content, dict):
        assert [(one["imgid"], one["cocoid"], one["sentids"]) for one in records[4:]] == [
            (4, 504, [14]),
            (5, 505, [15]),
        ]
        assert [(one["sentences"][0]["imgid"], one["sentences"][0]["raw"]) for one in records[4:]] == [
            (4, "a dog"),
            (5, "a dog"),
        ]


OTHERS = {
    "boxes": {"images": [record(i, bbox=[1, 2, 3, 4]) for i in range(4)]},
    "other images": {"images": [{**record(i), "filename": f"x{i}.jpg"} for i in range(4)]},
    "no splits": {"images": [{**record(i), "split": "somewhere"} for i in range(4)]},
}


@pytest.mark.parametrize("content", OTHERS.values(), ids=OTHERS)
def test_what_is_not_carried_is_named(content: Any, tmp_path: Path) -> None:
    found = gathered(write(tmp_path / "in", PHOTOS | {"dataset_coco.json": json.dumps(content).encode()}))
    assert "dataset_coco.json" in "\n".join(found.notices)


def test_the_split_by_the_name_of_the_image(tmp_path: Path) -> None:
    content = {f"COCO_val2014_{i}.jpg": split.replace("restval", "training") for i, split in enumerate(SPLITS)}
    given = write(tmp_path / "in", PHOTOS | {"split.json": json.dumps(content).encode()})
    job = augmented([given], tmp_path / "out", variations=1)
    assert [source.split for source in job.gathered.holdout] == ["val", "test"]
    made = {f"COCO_val2014_{i}__v1.jpg": content[f"COCO_val2014_{i}.jpg"] for i in range(2)}
    assert json.loads(contents(tmp_path / "out")["split.json"]) == content | made
