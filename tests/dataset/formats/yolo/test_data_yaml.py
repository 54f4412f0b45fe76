"""data.yaml: broken ones, and the lists of images that they name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import trainers
from tests.support.expected_boxes import assert_boxes, expected_boxes
from tests.support.labelled_sets import (
    Files,
    augmented,
    contents,
    gathered,
    photo,
    write,
    yolo,
)
from tests.support.ultralytics_reader import read_set


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"names: [a, b", "data.yaml: not valid YAML"),
        (b"names: 7\ntrain: images/train\n", "names is int; expected a list"),
        (b"names: {a: b}\ntrain: images/train\n", "names has 'a'"),
        (b"names: missing.names\ntrain: images/train\n", "names is str; expected a list"),
        (b"a: &a [x, x]\nb: &b [*a, *a]\nnames: [*b]\n", "names has 0: list"),
    ],
)
def test_a_broken_data_yaml_is_reported(text: bytes, message: str, tmp_path: Path) -> None:
    found = gathered(write(tmp_path / "in", yolo() | {"data.yaml": text}))
    assert message in f"{found.failures[0].file}: {found.failures[0].reason}"


def test_images_beside_the_folders_that_it_names_are_for_no_split(tmp_path: Path) -> None:
    files = yolo() | {"runs/detect/train/results.png": photo([("bus", 3, 4, 30, 30)])}
    found = gathered(write(tmp_path / "in", files))
    assert "runs/detect/train/results.png" not in {source.path for source in found.sources}
    assert "runs/detect/train/results.png" in {source.path for source in found.holdout}


def test_lists_of_images(tmp_path: Path) -> None:
    files = {name: data for name, data in yolo().items() if name != "data.yaml"}
    for split in ("train", "val"):
        names = [n for n in files if n.startswith(f"images/{split}/")]
        files[f"{split}.txt"] = "".join(f"./{name}\n" for name in names).encode()
    yaml = "path: /home/somebody/sets/mine\ntrain: train.txt\nval: val.txt\nnames: [red car, bus, 車]\n"
    augmented([write(tmp_path / "in", {**files, "data.yaml": yaml.encode()})], tmp_path / "out")
    for split in ("train", "val"):
        assert_boxes(trainers.ultralytics(tmp_path / "out/data.yaml", split), expected_boxes(split))


IMAGES = {f"images/{split}/{split}{i}.jpg": (split, i) for split in ("train", "val") for i in range(2)}
NAMES = "names: [cup, pan]\n"
ROBOFLOW = "train: ../train/images\nval: ../val/images\n" + NAMES
LISTED = "train: train.txt\nval: val.txt\n" + NAMES


def two_classes(yaml: str, lists: str | None = None, places: tuple[str, str] = ("images/{}", "labels/{}")) -> Files:
    """Two images for training and two for validation, each with a pan. lists: how train.txt and val.txt name them."""
    files: Files = {"data.yaml": yaml.encode()}
    for split, i in IMAGES.values():
        images, labels = (place.format(split) for place in places)
        files[f"{images}/{split}{i}.jpg"] = photo([("bus", 10 * i, 6, 30, 20)]) + split.encode()
        files[f"{labels}/{split}{i}.txt"] = b"1 0.35 0.3125 0.3 0.375\n"
        if lists is not None:
            line = lists.format(split=split, i=i).encode()
            files[f"{split}.txt"] = files.get(f"{split}.txt", b"") + line
    return files


@pytest.mark.parametrize(
    "files",
    [
        two_classes("train: images/train\nval: images/val\n" + NAMES),
        two_classes("path: /home/user/datasets/mine\ntrain: images/train\nval: images/val\n" + NAMES),  # a machine
        two_classes("train: C:\\data\\mine\\images\\train\nval: C:\\data\\mine\\images\\val\n" + NAMES),  # of Windows
        two_classes("train: ./images/train/\nval: ./images/val/\n" + NAMES),
        two_classes("train: [images/train]\nval: [images/val, images/missing]\n" + NAMES),  # lists of folders
        two_classes("path: .\ntrain: images/train\nvalidation: images/val\nval: images/val\n" + NAMES),  # both words
        two_classes(
            "train: ../train/images\nval: ../val/images\n" + NAMES, None, ("{}/images", "{}/labels")
        ),  # Roboflow
        two_classes("train: /gone\nval: images/val\n" + NAMES),  # a folder that is not in the set
        two_classes("train: images/train\nval: images/val\nnames: {0: cup, 1: pan}\n"),
        two_classes("train: images/train\nval: images/val\nnames: {'0': cup, '1': pan}\n"),  # numbers as text
        two_classes("train: images/train\nval: images/val\nnames:\n- 0: cup\n- 1: pan\n"),  # pairs in a list
        two_classes("train: images/train\nval: images/val\nnc: 2\n"),  # no names at all
        two_classes(LISTED, "images/{split}/{split}{i}.jpg\n"),
        two_classes(LISTED, "./images/{split}/{split}{i}.jpg\n"),
        two_classes(LISTED, "/home/me/sets/mine/images/{split}/{split}{i}.jpg\n"),  # absolute, somewhere else
        two_classes(LISTED, "C:\\Users\\me\\mine\\images\\{split}\\{split}{i}.jpg\r\n"),  # of Windows
        two_classes(LISTED, "{split}{i}.jpg\n"),  # bare names
        two_classes(LISTED, "data/images/{split}/{split}{i}.jpg\n"),  # CVAT's Ultralytics YOLO
        two_classes("train: C:/me/train.txt\nval: C:/me/val.txt\n" + NAMES, "C:/me/images/{split}/{split}{i}.jpg\n"),
    ],
)
def test_paths_lead_to_files_that_exist(files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1)
    monkeypatch.chdir(tmp_path / "out")  # where a training is started
    train, val = (read_set(tmp_path / "out/data.yaml", split) for split in ("train", "val"))
    assert {Path(path).name for path in train} == {"train0.jpg", "train0__v1.jpg", "train1.jpg", "train1__v1.jpg"}
    assert {Path(path).name for path in val} == {"val0.jpg", "val1.jpg"}
    assert {name for read in train.values() for name in read.classes} <= {"pan", "class_1"}
    assert [len(read.boxes) for read in train.values()] == [1] * 4


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("[no, yes]", ["no", "yes"]),  # YAML's booleans
        ("{0: on, 1: off}", ["on", "off"]),
        ("[null, ~]", ["null", "~"]),  # its nothing
        ("[007, 1e3]", ["007", "1e3"]),  # its numbers
        ("[2026-11-30, 0x1f]", ["2026-11-30", "0x1f"]),  # its dates
        ("['no', \"a: b\"]", ["no", "a: b"]),  # in quotes
        ("[Cup, cup]", ["Cup", "cup"]),
    ],
)
def test_names_are_what_is_written(names: str, expected: list[str], tmp_path: Path) -> None:
    files = two_classes(f"train: images/train\nval: images/val\nnames: {names}\n")
    found = gathered(write(tmp_path / "in", files))
    assert found.layout.class_names() == expected
    augmented([tmp_path / "in"], tmp_path / "out", variations=1)
    train = read_set(tmp_path / "out/data.yaml", "train")
    assert {name for read in train.values() for name in read.classes} == {expected[1]}


def test_names_in_a_file_of_their_own(tmp_path: Path) -> None:
    files = two_classes("train: images/train\nval: images/val\nnames: coco.names\n") | {"coco.names": b"cup\npan\n"}
    found = gathered(write(tmp_path / "in", files))
    assert found.layout.class_names() == ["cup", "pan"]
    augmented([tmp_path / "in"], tmp_path / "out", variations=1)
    assert contents(tmp_path / "out")["coco.names"] == b"cup\npan\n"


@pytest.mark.parametrize("geometry", ["none", "light"])
def test_classes_of_the_same_name_keep_their_numbers(geometry: str, tmp_path: Path) -> None:
    files = two_classes("train: images/train\nval: images/val\nnames: [cup, cup, pan]\n")
    augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=2, geometry=geometry)
    lines = [path.read_text() for path in (tmp_path / "out/labels/train").glob("*__v*.txt")]
    assert len(lines) == 4
    assert all(line.startswith("1 ") for line in lines)
