"""Sentences about images in labels and lists are carried, and it is said that they may be untrue for variations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.image_files import jpeg
from tests.support.labelled_sets import Files, gathered, write

IMAGES: Files = {f"images/{stem}.jpg": jpeg(seed=seed) for seed, stem in enumerate("abc")}
SENTENCE = "a car on the left of the street"


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


def rows(**fields: str) -> bytes:
    return b"".join(as_json({"file_name": name, **fields}) + b"\n" for name in IMAGES)


def records(sentence: str) -> bytes:
    splits = zip(("train", "train", "test"), IMAGES, strict=True)
    return as_json({"images": [{"filename": n, "split": s, "sentences": [{"raw": sentence}]} for s, n in splits]})


COCO_IMAGES = [{"id": n, "file_name": name, "width": 48, "height": 32} for n, name in enumerate(IMAGES)]
COCO = {"images": COCO_IMAGES, "annotations": [{"id": 1, "image_id": 0, "caption": SENTENCE}], "categories": []}
TALK = [{"id": "a", "image": "a.jpg", "conversations": [{"value": "<image>\nWhat is on the left side?"}]}]

# name: (label files, whether they have sentences)
CASES: dict[str, tuple[Files, bool]] = {
    "a column of metadata": ({"metadata.jsonl": rows(text=SENTENCE)}, True),
    "captions of COCO": ({"captions_train.json": as_json(COCO)}, True),
    "Karpathy": ({"dataset.json": records(SENTENCE)}, True),
    "questions and answers": ({"train.json": as_json(TALK)}, True),
    "a table of splits": ({"split.csv": f"image,split,note\na.jpg,train,{SENTENCE}\nb.jpg,test,\n".encode()}, True),
    # names of classes, and of files, are no sentences
    "a class of two words": ({"metadata.jsonl": rows(text="traffic light")}, False),
    "records without": ({"dataset.json": records("")}, False),
    "a list of paths": (
        {"train.txt": b"/images/a.jpg /set/images/a.png 1 1 0 0\n", "test.txt": b"images/b.jpg\n"},
        False,
    ),
    "a list": ({"train.txt": b"images/a.jpg\n", "test.txt": b"images/b.jpg\n"}, False),
}


@pytest.mark.parametrize(("files", "has_sentences"), CASES.values(), ids=CASES)
def test_sentences_are_reported(tmp_path: Path, files: Files, has_sentences: bool) -> None:
    notices = gathered(write(tmp_path / "set", IMAGES | files)).notices
    assert any("check that the captions stay true" in notice for notice in notices) is has_sentences
