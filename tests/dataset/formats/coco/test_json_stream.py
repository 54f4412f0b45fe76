"""JSON that tools write and JSON does not have, and files made to break a reader."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support import trainers
from tests.support.coco_files import annotation, content, image, objects, photos
from tests.support.labelled_sets import augmented, gathered, write

PLAIN = content([image(1, "a.jpg")], [annotation(1, 1)])
LABELS = {"a.jpg": [("car", (4.0, 3.0, 14.0, 11.0))]}


@pytest.mark.parametrize(
    "data",
    [
        PLAIN,
        b"\xef\xbb\xbf" + PLAIN,  # Windows
        PLAIN.decode().encode("utf-16"),
        PLAIN.decode().encode("utf-16-be").join([b"\xfe\xff", b""]),
        PLAIN.replace(b'"area": 80', b'"area": NaN'),
        PLAIN.replace(b'"area": 80', b'"area": -Infinity, "score": Infinity'),
        PLAIN.replace(b'"area": 80', b'"area": 1e999'),
        PLAIN.replace(b'"iscrowd": 0', b'"iscrowd": 0, "note": "NaN, \\"Infinity\\" and ["'),  # words, not numbers
        PLAIN.replace(b'"iscrowd": 0', b'"iscrowd": 0, "hash": 123456789012345678901234567890'),
        json.dumps(json.loads(PLAIN), indent=400).encode(),
    ],
)
def test_what_json_does_not_have_is_read(data: bytes, tmp_path: Path) -> None:
    given = write(tmp_path / "in", photos("a.jpg") | {"labels.json": data})
    assert objects(gathered(given)) == LABELS
    augmented([given], tmp_path / "out", variations=1)
    written = json.loads(
        (tmp_path / "out/labels.json").read_bytes(),
        parse_constant=lambda word: pytest.fail(f"{word} is no JSON"),
    )
    assert [one["area"] for one in written["annotations"]] == [80, 80]
    assert trainers.pycocotools(tmp_path / "out/labels.json", tmp_path / "out").keys() == {"a", "a__v1"}


def test_a_text_longer_than_what_is_read_at_once(tmp_path: Path) -> None:
    """A quote, a bracket or NaN in it may be where two pieces meet."""
    note = '\\"NaN[{' * 200_000
    data = PLAIN.replace(b'"area": 80', b'"area": NaN').replace(
        b'"id": 1,', b'"id": 1, "note": "%s",' % note.encode(), 1
    )
    assert objects(gathered(write(tmp_path, photos("a.jpg") | {"labels.json": data}))) == LABELS


@pytest.mark.parametrize(
    ("data", "words"),
    [
        # Lists in lists: the memory of a reader grows with their square.
        (PLAIN.replace(b"[4,", b"[" * 90_000 + b"4,"), "labels.json: lists in lists, 100 deep and more"),
        (b'{"images": ' + b'["]",' * 50_000, "labels.json: lists in lists, 100 deep and more"),
        (b'{"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [{"id": ', "labels.json, line 1:"),
        (PLAIN.replace(b'"area": 80', b'"area": ' + b"9" * 5000), "a number of more than 1,000 digits"),
        (PLAIN + b"\xff\xfe", "labels.json"),
    ],
)
def test_a_broken_file_is_refused_by_name(data: bytes, words: str, tmp_path: Path) -> None:
    found = gathered(write(tmp_path, photos("a.jpg") | {"labels.json": data}), layout="coco")
    assert [failure.file for failure in found.failures] == ["labels.json"]
    assert words in found.failures[0].reason
    assert not found.sources


@pytest.mark.parametrize("data", [b"[]", b"{}", b"5", b'{"images": 5}', b'{"images": [[1]]}', b'{"images": {"id": 1}}'])
def test_json_of_something_else(data: bytes, tmp_path: Path) -> None:
    assert gathered(write(tmp_path, photos("a.jpg") | {"notes.json": data})).layout.name == "folders"
