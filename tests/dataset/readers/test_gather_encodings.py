"""Label files as other systems and tools save them: the class names come out as they were meant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from augmentai.dataset.readers.gather import gather
from tests.support.gathered import LIMITS
from tests.support.image_files import jpeg
from tests.support.labelled_sets import Files, write

NAME = "汽車"
BOX = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 20, 20], "area": 400, "iscrowd": 0}
COCO = json.dumps(
    {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 48, "height": 32}],
        "categories": [{"id": 1, "name": NAME}],
        "annotations": [BOX],
    },
    ensure_ascii=False,
)
VOC = (
    "<annotation><size><width>48</width><height>32</height></size><object>"
    f"<name>{NAME}</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>20</xmax><ymax>20</ymax></bndbox></object></annotation>"
)
LINE = "0 .5 .5 .2 .2\n"

CASES: list[tuple[str, Files, str]] = [  # what it is, its label files, the one whose encoding is guessed
    ("YOLO", {"labels/a.txt": LINE.encode(), "classes.txt": NAME.encode("utf-16")}, ""),
    ("YOLO", {"labels/a.txt": LINE.encode(), "classes.txt": NAME.encode("utf-32")}, ""),
    ("YOLO", {"labels/a.txt": LINE.encode(), "classes.txt": NAME.encode("cp950")}, "classes.txt"),
    ("YOLO", {"labels/a.txt": LINE.encode("utf-16"), "data.yaml": f"names: [{NAME}]".encode("utf-16")}, ""),
    ("YOLO", {"labels/a.txt": LINE.encode("utf-8-sig"), "data.yaml": f"names: [{NAME}]".encode("utf-8-sig")}, ""),
    ("COCO", {"annotations.json": COCO.encode("utf-8-sig")}, ""),
    ("COCO", {"annotations.json": COCO.encode("utf-16")}, ""),
    ("COCO", {"annotations.json": COCO.encode("cp950")}, "annotations.json"),
    ("VOC", {"images/a.xml": VOC.encode("utf-16")}, ""),
    ("VOC", {"images/a.xml": VOC.encode("cp950")}, "images/a.xml"),
    ("VOC", {"images/a.xml": f'<?xml version="1.0" encoding="big5"?>{VOC}'.encode("cp950")}, ""),
    ("ImageFolder", {"metadata.csv": f"file_name,label\nimages/a.jpg,{NAME}".encode("cp950")}, "metadata.csv"),
]


@pytest.mark.parametrize(("kind", "files", "guessed"), CASES)
def test_class_names_in_any_encoding(tmp_path: Path, kind: str, files: Files, guessed: str) -> None:
    gathered = gather([write(tmp_path, {"images/a.jpg": jpeg(), **files})], LIMITS)
    assert gathered.failures == ()
    (source,) = gathered.sources
    found: Any = source.labels.load().shapes if source.labels else ()
    assert ([shape.category for shape in found] or [source.label]) == [NAME]
    said = [notice for notice in gathered.notices if "not UTF-8" in notice]
    expected = "read as Chinese (Big5): save as UTF-8 if the class names are wrong"
    assert said == ([f"{guessed} is not UTF-8; {expected}"] if guessed else [])


def test_a_label_file_with_nul_is_reported(tmp_path: Path) -> None:
    files = {"images/a.jpg": jpeg(), "labels/a.txt": LINE.encode(), "classes.txt": b"car\0\0\0\0"}
    gathered = gather([write(tmp_path, files)], LIMITS)
    assert "classes.txt contains NUL" in str((gathered.failures, gathered.notices))
