"""Labels in two formats, or in two files of one, are compared before a run, and a difference is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.labelled_sets import RED, Files, gathered, photo, voc_xml, write, yolo_line

LINE = yolo_line(*RED)
YOLO: Files = {
    "images/a.jpg": photo([RED]),
    "labels/a.txt": LINE.encode(),
    "data.yaml": b"names: [red car, bus, person]\n",
}
MOVED = (RED[0], RED[1] + 9, *RED[2:])
TWO: dict[str, tuple[Files, str]] = {
    "YOLO and VOC that agree": (
        {**YOLO, "Annotations/a.xml": voc_xml("a", [RED])},
        "they agree in 1 compared image",
    ),
    "YOLO and VOC that differ": (
        {**YOLO, "Annotations/a.xml": voc_xml("a", [MOVED])},
        "they differ in 1 of 1 compared image (images/a.jpg: red car at",
    ),
    "an object more": (
        {**YOLO, "Annotations/a.xml": voc_xml("a", [RED, MOVED])},
        "here, 2 objects there)",
    ),
    "two tables of metadata": (
        {
            "a.jpg": photo([RED]),
            "metadata.csv": b"file_name,text\na.jpg,a red car\n",
            "metadata.jsonl": json.dumps({"file_name": "a.jpg", "text": "a bus"}).encode() + b"\n",
        },
        "differs from another file about 1 image (a.jpg: text is 'a red car' in metadata.csv, 'a bus' here)",
    ),
    "two tables of classes": (
        {
            "a.jpg": photo([RED]),
            "one_classes.csv": b"filename,car,bus\na.jpg,1,0\n",
            "two_classes.csv": b"filename,car,bus\na.jpg,0,1\n",
        },
        "1 image has another class in another label file (a.jpg: car and bus); the first is used",
    ),
}


@pytest.mark.parametrize(("files", "words"), TWO.values(), ids=TWO)
def test_two_sayings_about_an_image_are_compared(files: Files, words: str, tmp_path: Path) -> None:
    assert words in "\n".join(gathered(write(tmp_path, files)).notices)
