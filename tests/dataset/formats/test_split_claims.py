"""An image that one file trains on and another holds out: held out in every format, and reported."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.support.image_files import png
from tests.support.labelled_sets import Files, gathered, write

SIZE_WH = (32, 24)
A, B = png(SIZE_WH, 1), png(SIZE_WH, 2)
BOX = b"0 0.5 0.5 0.2 0.2\n"
YOLO: Files = {"images/a.png": A, "images/b.png": B, "labels/a.txt": BOX, "labels/b.txt": BOX}
YAML = b"names: [cat]\ntrain: %s\nval: %s\n"
FLAT: Files = {"a.png": A, "b.png": B}
HEAD = "filename,xmin,ymin,xmax,ymax,class"


def coco(*names: str) -> bytes:
    size = {"width": SIZE_WH[0], "height": SIZE_WH[1]}
    images = [{"id": i, "file_name": name, **size} for i, name in enumerate(names)]
    rows = [{"id": i, "image_id": i, "category_id": 1, "bbox": [1, 2, 3, 4]} for i in range(len(names))]
    return json.dumps({"images": images, "annotations": rows, "categories": [{"id": 1, "name": "cat"}]}).encode()


def supervisely(*tags: str) -> bytes:
    size = {"width": SIZE_WH[0], "height": SIZE_WH[1]}
    return json.dumps({"size": size, "tags": [{"name": tag, "value": None} for tag in tags], "objects": []}).encode()


def rows(*values: str, head: str = HEAD) -> bytes:
    return "".join(f"{line}\n" for line in (head, *values)).encode()


def cvat(*images: tuple[str, str]) -> bytes:
    listed = (
        f'<image id="{i}" name="{name}" subset="{subset}" width="32" height="24">'
        '<box label="cat" xtl="1" ytl="2" xbr="9" ybr="12"/></image>'
        for i, (name, subset) in enumerate(images)
    )
    return f"<annotations>{''.join(listed)}</annotations>".encode()


A_ROW, B_ROW = "a.png,1,2,9,12,cat", "b.png,1,2,9,12,cat"
# Sets of which b is for training and held out, a for training alone.
CONTRADICTED: dict[str, Files] = {
    "yolo, lists": YOLO
    | {
        "data.yaml": YAML % (b"train.txt", b"val.txt"),
        "train.txt": b"images/a.png\nimages/b.png\n",
        "val.txt": b"images/b.png\n",
    },
    "yolo, the list of validation first": YOLO
    | {
        "data.yaml": b"val: val.txt\ntrain: [train.txt]\nnames: [cat]\n",
        "train.txt": b"images/b.png\nimages/a.png\n",
        "val.txt": b"images/b.png\n",
    },
    "yolo, a folder in a folder": {
        "images/a.png": A,
        "images/val/b.png": B,
        "labels/a.txt": BOX,
        "labels/val/b.txt": BOX,
        "data.yaml": YAML % (b"images", b"images/val"),
    },
    "yolo, a folder and a list": YOLO | {"data.yaml": YAML % (b"images", b"held.txt"), "held.txt": b"./images/b.png\n"},
    "yolo, a list that data.yaml does not name": YOLO
    | {"data.yaml": b"names: [cat]\ntrain: images\n", "test.txt": b"images/b.png\n"},
    "darknet": YOLO
    | {
        "obj.data": b"classes = 1\ntrain = train.txt\nvalid = valid.txt\nnames = obj.names\n",
        "obj.names": b"cat\n",
        "train.txt": b"images/a.png\nimages/b.png\n",
        "valid.txt": b"images/b.png\n",
    },
    "csv, two files": FLAT | {"train_labels.csv": rows(A_ROW, B_ROW), "test_labels.csv": rows(B_ROW)},
    "csv, the held-out file first": FLAT | {"a_val.csv": rows(B_ROW), "b_train.csv": rows(A_ROW, B_ROW)},
    "csv, rows of one file": FLAT
    | {"boxes.csv": rows(A_ROW + ",train", B_ROW + ",train", B_ROW + ",test", head=HEAD + ",split")},
    "csv, and a list beside it": FLAT | {"train_labels.csv": rows(A_ROW, B_ROW), "val.txt": b"b.png\n"},
    "cvat": FLAT | {"annotations.xml": cvat(("a.png", "Train"), ("b.png", "Test"), ("b.png", "Train"))},
    "coco": FLAT | {"instances_train.json": coco("a.png", "b.png"), "instances_val.json": coco("b.png")},
    "voc": {
        "JPEGImages/a.png": A,
        "JPEGImages/b.png": B,
        "ImageSets/Main/train.txt": b"a\nb\n",
        "ImageSets/Main/val.txt": b"b\n",
    },
    "folders": {"x/a.png": A, "y/b.png": B, "train.txt": b"x/a.png\ny/b.png\n", "test.txt": b"y/b.png\n"},
    "folders, a table": {
        "x/a.png": A,
        "y/b.png": B,
        "splits.csv": rows("x/a.png,train", "y/b.png,test", "y/b.png,train", head="path,split"),
    },
    "imagefolder": FLAT
    | {
        "metadata.csv": rows("a.png,train", "b.png,train", "b.png,test", head="file_name,split"),
    },
    "supervisely": {
        "meta.json": b'{"classes": [], "tags": []}',
        "ds/img/a.png": A,
        "ds/img/b.png": B,
        "ds/ann/a.png.json": supervisely("train"),
        "ds/ann/b.png.json": supervisely("val", "train"),
    },
}


@pytest.mark.parametrize("name", CONTRADICTED)
def test_what_one_file_holds_out_is_never_augmented(name: str, tmp_path: Path) -> None:
    found = gathered(write(tmp_path / "in", CONTRADICTED[name]))
    assert [Path(source.path).name for source in found.sources] == ["a.png"]
    assert [Path(source.path).name for source in found.holdout] == ["b.png"]
    assert any(re.search(r"\bb(\.png)?\).*held out, so not augmented", words) for words in found.layout.notices)


def test_a_set_that_validates_on_its_training_images_is_augmented(tmp_path: Path) -> None:
    files = YOLO | {"data.yaml": YAML % (b"images", b"images")}
    found = gathered(write(tmp_path / "in", files))
    assert [source.split for source in found.sources] == ["train", "train"]
    assert any("all training images are held out by another list too" in words for words in found.layout.notices)
