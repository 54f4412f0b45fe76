"""Lists of splits as people write them: names, quotes and endings of every kind, and what they say besides."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest

from tests.support.dataset_runs import found_splits
from tests.support.image_files import jpeg
from tests.support.labelled_sets import Files, augmented, contents, gathered, write

STEMS = ("a", "b", "c")
IMAGES: Files = {f"images/{stem}.jpg": jpeg(seed=seed) for seed, stem in enumerate(STEMS)}
EXPECTED = {"images/a.jpg": "train", "images/b.jpg": "train", "images/c.jpg": "test"}
NFC, NFD = "\u30ac.jpg", unicodedata.normalize("NFD", "\u30ac.jpg")
YAML = b"train: [images/a.jpg, images/b.jpg]\ntest:\n  - images/c.jpg\n"
SHORT_CODES = b"fname;set;y\na.jpg;tr;1\nb.jpg;tr;2\nc.jpg;te;1\n"

# name: (lists, the split of each image)
LISTS: dict[str, tuple[Files, dict[str, str]]] = {
    "without an ending": ({"splits/train": b"a\nb\n", "splits/test": b"c\n"}, EXPECTED),
    "in quotes": ({"train.txt": b'"images/a.jpg"\r\n"images/b.jpg"\r\n', "test.txt": b"'images\\c.jpg'\r\n"}, EXPECTED),
    "YAML": ({"splits.yaml": YAML}, EXPECTED),
    "two letters in a column": ({"info.csv": SHORT_CODES}, EXPECTED),
    # most of what is listed is not in the set, as in a part of a large one
    "a part of the set": (
        {"test.txt": b"".join(b"images/%d.jpg\n" % i for i in range(9)) + b"images/c.jpg\n"},
        EXPECTED,
    ),
}


@pytest.mark.parametrize(("lists", "expected"), LISTS.values(), ids=LISTS)
def test_lists_are_read(tmp_path: Path, lists: Files, expected: dict[str, str]) -> None:
    assert found_splits(tmp_path, IMAGES | lists) == expected


def test_lists_in_two_folders_name_the_images_beside_them(tmp_path: Path) -> None:
    files = {f"{camera}/images/{i}.jpg": jpeg(seed=10 * i + ord(camera)) for camera in "AB" for i in range(3)}
    files |= {"A/val.txt": b"0\n", "A/train.txt": b"1\n2\n", "B/val.txt": b"2\n", "B/train.txt": b"0\n1\n"}
    found = found_splits(tmp_path, files)
    assert sorted(path for path, split in found.items() if split == "val") == ["A/images/0.jpg", "B/images/2.jpg"]


@pytest.mark.parametrize(("listed", "file"), [(NFC, NFD), (NFD, NFC)])
def test_names_agree_in_either_unicode_form(tmp_path: Path, listed: str, file: str) -> None:
    files = {f"images/{file}": jpeg(), "images/b.jpg": jpeg(seed=1)}
    files |= {"train.txt": b"images/b.jpg\n", "val.txt": f"images/{listed}\n".encode()}
    assert found_splits(tmp_path, files)[f"images/{file}"] == "val"


# (file, its line or content for a.jpg): where something is in the image, which is untrue once it is flipped
PLACES: dict[str, tuple[str, str]] = {
    "boxes of PaliGemma": (
        "_annotations.train.jsonl",
        '{"image": "a.jpg", "suffix": "<loc0100><loc0200><loc0300> car"}',
    ),
    "boxes of Qwen": (
        "train.json",
        json.dumps([{"image": "a.jpg", "conversations": [{"value": "<box>(10,20),(30,40)</box>"}]}]),
    ),
    "numbers in an answer": ("train.json", json.dumps([{"image": "a.jpg", "answer": "it is at [12, 30, 40, 52]"}])),
    "a row of MXNet": ("train.lst", "0\t2\t6\t0\t0.2\t0.1\t0.6\t0.4\t0\timages/a.jpg"),
}


@pytest.mark.parametrize(("name", "text"), PLACES.values(), ids=PLACES)
def test_lists_with_places_are_named_and_not_carried(tmp_path: Path, name: str, text: str) -> None:
    found = gathered(write(tmp_path / "set", IMAGES | {name: text.encode()}))
    assert [source.path for source in found.sources] == ["images/a.jpg"]
    (kind,) = found.unread_labels.kinds
    assert kind.files == (name,)


def test_every_field_that_names_the_image_names_its_variation(tmp_path: Path) -> None:
    records = [{"id": "a", "image": "a.jpg", "conversations": [{"from": "human", "value": "What is this?"}]}]
    files = IMAGES | {"train.json": json.dumps(records).encode()}
    augmented([write(tmp_path / "set", files)], tmp_path / "out", variations=1)
    written = json.loads(contents(tmp_path / "out")["train.json"])
    assert [(one["id"], one["image"]) for one in written] == [("a", "a.jpg"), ("a__v1", "a__v1.jpg")]


def test_images_that_a_list_names_and_the_set_lacks_are_reported(tmp_path: Path) -> None:
    files = IMAGES | {"train.txt": b"# mine\nimages/a.jpg\nimages/gone.jpg\n", "test.txt": b"images/c.jpg\n"}
    found = gathered(write(tmp_path / "set", files))
    assert "train.txt lists 1 image (images/gone.jpg) that the set does not have; left out" in found.notices
    assert not any("test.txt" in notice for notice in found.notices)
