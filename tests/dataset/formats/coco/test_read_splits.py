"""Which images of a COCO set are held out, by whatever says so: never augmented, whatever else is said of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.coco_files import annotation, content, image, photos
from tests.support.labelled_sets import Files, augmented, contents, gathered, write

NAMES = ("a.jpg", "b.jpg", "c.jpg")


def a_set(images: dict[str, str], **more: bytes) -> Files:
    """One file of three images. images: "split" of those that have one."""
    listed = [
        image(number, name, **({"split": images[name]} if name in images else {}))
        for number, name in enumerate(NAMES, 1)
    ]
    return photos(*NAMES) | {"labels.json": content(listed, [annotation(i, i) for i in (1, 2, 3)])} | more


SETS: dict[str, tuple[Files, dict[str, str | None]]] = {  # files, the split of each image
    # "split" of each image, as many exports have it
    "split": (a_set({"a.jpg": "train", "b.jpg": "val", "c.jpg": "TEST"}), {"a": "train", "b": "val", "c": "test"}),
    # "split" that names no split says nothing
    "other words": (a_set(dict.fromkeys(NAMES, "north")), dict.fromkeys("abc")),
    # lists beside the file
    "lists": (
        a_set({}, **{"train.txt": b"a.jpg\nb.jpg\n", "val.txt": b"c.jpg\n"}),
        {"a": "train", "b": "train", "c": "val"},
    ),
    # a list of held-out images alone: the others are for training
    "one list": (a_set({}, **{"test.txt": b"c.jpg\n"}), {"a": "train", "b": "train", "c": "test"}),
    # the two contradict each other: held out
    "both": (
        a_set(dict.fromkeys(NAMES, "train"), **{"val.txt": b"b.jpg\n"}),
        {"a": "train", "b": "val", "c": "train"},
    ),
}


@pytest.mark.parametrize(("files", "splits"), SETS.values(), ids=SETS)
def test_splits(files: Files, splits: dict[str, str | None], tmp_path: Path) -> None:
    found = gathered(write(tmp_path, files))
    assert {Path(one.path).stem: one.split for one in (*found.sources, *found.holdout)} == splits
    assert not found.failures


def test_lists_come_back_with_the_variations(tmp_path: Path) -> None:
    files, _ = SETS["lists"]
    augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1)
    written = contents(tmp_path / "out")
    assert written["train.txt"].decode().split() == ["a.jpg", "a__v1.jpg", "b.jpg", "b__v1.jpg"]
    assert written["val.txt"] == b"c.jpg\n"
    assert "c__v1.jpg" not in written


@pytest.mark.parametrize(
    ("name", "held_out"),
    [
        pytest.param("annotations/instances_test2017.json", True, id="COCO's own name"),
        pytest.param("test.json", True, id="the split alone"),
        pytest.param("test/_annotations.coco.json", True, id="a folder of a split"),
        pytest.param("annotations/test_abc.json", False, id="somebody's test"),
    ],
)
def test_the_only_file_is_of_held_out_images_if_its_name_says_so(name: str, held_out: bool, tmp_path: Path) -> None:
    files = {name if path == "labels.json" else path: data for path, data in a_set({}).items()}
    found = gathered(write(tmp_path / "in", files))
    assert (len(found.sources), len(found.holdout)) == ((0, 3) if held_out else (3, 0))
    assert ("its images are for training" in "".join(found.notices)) != held_out
