"""The lists of a Pascal VOC set: whose images they name, the splits they make, and how they are written again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.dataset_runs import found_splits
from tests.support.labelled_sets import Files, augmented, contents, mask_of, voc, write
from tests.support.voc_files import annotation, described, photos, trimap

ONE_SET = described(photos("V/JPEGImages/1.jpg", "V/JPEGImages/2.jpg", "V/JPEGImages/3.jpg"))
TRAIN, VAL, TEST = {"V/JPEGImages/1.jpg": "train"}, {"V/JPEGImages/2.jpg": "val"}, {"V/JPEGImages/3.jpg": "test"}
ALL = TRAIN | VAL | TEST
PETS = {name.replace("V/JPEGImages", "V/images"): split for name, split in ALL.items()}

# name: (files besides the images, {image: its split})
SPLITS: dict[str, tuple[Files, dict[str, str | None]]] = {
    # The tasks of VOC, each with lists of its own.
    **{
        task: (
            {f"V/ImageSets/{task}/{n}.txt": f"{i}\n".encode() for i, n in enumerate(("train", "val", "test"), 1)},
            ALL,
        )
        for task in ("Main", "Segmentation", "Layout", "Action")
    },
    # SBD's and others' names of lists.
    "augmented lists": (
        {"V/ImageSets/Segmentation/train_aug.txt": b"1\n", "V/ImageSets/Segmentation/val_aug.txt": b"2\n3\n"},
        TRAIN | VAL | {"V/JPEGImages/3.jpg": "val"},
    ),
    # A number behind the name, as the lists of a class and of Layout have it; names with an ending or a folder.
    "more in a line": (
        {"V/ImageSets/Layout/train.txt": b"1 0\n", "V/ImageSets/Main/val.txt": b"JPEGImages/2.jpg\n3.jpg\n"},
        TRAIN | VAL | {"V/JPEGImages/3.jpg": "val"},
    ),
    # Held out for one task is held out; trainval says less than the other lists.
    "two tasks disagree": (
        {"V/ImageSets/Main/train.txt": b"1\n2\n", "V/ImageSets/Segmentation/val.txt": b"2\n3\n"},
        TRAIN | VAL | {"V/JPEGImages/3.jpg": "val"},
    ),
    "trainval": (
        {
            "V/ImageSets/Main/trainval.txt": b"1\n2\n",
            "V/ImageSets/Main/val.txt": b"2\n",
            "V/ImageSets/Main/test.txt": b"3",
        },
        ALL,
    ),
    # A class may be called "train": the last word of a list's name is its split.
    "a class called train": (
        {"V/ImageSets/Main/train_train.txt": b"1 1\n", "V/ImageSets/Main/train_val.txt": b"2 -1\n3 1\n"},
        TRAIN | VAL | {"V/JPEGImages/3.jpg": "val"},
    ),
    # Oxford-IIIT Pet keeps its lists beside its annotations.
    "outside ImageSets": (
        {"V/Annotations/trainval.txt": b"1 1 1 1\n", "V/Annotations/test.txt": b"2 1 1 1\n3 2 1 2\n"},
        TRAIN | {"V/JPEGImages/2.jpg": "test"} | TEST,
    ),
    # A text of that name which lists no images is no list.
    "another text": ({"V/train.txt": b"how we trained\nin words\n"}, dict.fromkeys(ALL)),
    # Lists in another folder than the images: the nearest folder above them that has images.
    "elsewhere": (
        {"lists/ImageSets/Main/train.txt": b"1\n", "lists/ImageSets/Main/test.txt": b"2\n3\n"},
        TRAIN | {"V/JPEGImages/2.jpg": "test"} | TEST,
    ),
}


@pytest.mark.parametrize("name", SPLITS)
def test_splits_of_lists(name: str, tmp_path: Path) -> None:
    lists, expected = SPLITS[name]
    assert found_splits(tmp_path, ONE_SET | lists) == expected


def test_a_list_of_bare_names_trains_on_no_image_of_a_test_folder(tmp_path: Path) -> None:
    """KITTI numbers the images of training and testing alike, and its lists name training ones."""
    files = photos("training/image_2/000000.png", "training/image_2/000001.png", "testing/image_2/000000.png")
    lists = {"ImageSets/train.txt": b"000000\n", "ImageSets/val.txt": b"000001\n"}
    assert found_splits(tmp_path, files | lists) == {
        "training/image_2/000000.png": "train",
        "training/image_2/000001.png": "val",
        "testing/image_2/000000.png": "test",
    }


def test_two_sets_with_equal_stems_have_lists_of_their_own(tmp_path: Path) -> None:
    files = described(photos(*(f"{camera}/JPEGImages/{n}.jpg" for camera in "AB" for n in (1, 2))))
    for camera, train, val in (("A", 1, 2), ("B", 2, 1)):
        files[f"{camera}/ImageSets/Main/train.txt"] = f"{train}\n".encode()
        files[f"{camera}/ImageSets/Main/val.txt"] = f"{val}\n".encode()
    augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1)
    found = contents(tmp_path / "out")
    assert {name: found[name].decode().split() for name in found if "ImageSets" in name} == {
        "A/ImageSets/Main/train.txt": ["1", "1__v1"],
        "A/ImageSets/Main/val.txt": ["2"],
        "B/ImageSets/Main/train.txt": ["2", "2__v1"],
        "B/ImageSets/Main/val.txt": ["1"],
    }


def test_oxford_iiit_pet(tmp_path: Path) -> None:
    """Lists and masks beside the annotations, images in another folder, and classes in a list of its own."""
    files = photos("images/cat_1.jpg", "images/cat_2.jpg", "images/dog_1.jpg")
    for stem in ("cat_1", "cat_2", "dog_1"):
        files = files | {f"annotations/trimaps/{stem}.png": trimap()}
    files |= {f"annotations/xmls/{stem}.xml": annotation(f"{stem}.jpg") for stem in ("cat_1", "dog_1")}
    table = "#Image CLASS-ID SPECIES BREED ID\ncat_1 1 1 1\ncat_2 1 1 1\ndog_1 2 2 1\n"
    files |= {"annotations/trainval.txt": b"cat_1 1 1 1\ndog_1 2 2 1\n", "annotations/test.txt": b"cat_2 1 1 1\n"}
    augmented(
        [write(tmp_path / "in", files | {"annotations/list.txt": table.encode()})], tmp_path / "out", variations=1
    )
    found = contents(tmp_path / "out")
    assert {Path(name).name for name in found if "__v" in name} == {
        f"{stem}__v1{ending}" for stem in ("cat_1", "dog_1") for ending in (".jpg", ".png", ".xml")
    }
    assert found["annotations/test.txt"] == files["annotations/test.txt"]
    made = "cat_1__v1 1 1 1\ndog_1__v1 2 2 1\n"
    assert found["annotations/list.txt"].decode() == table + made
    assert found["annotations/trainval.txt"].decode() == files["annotations/trainval.txt"].decode() + made


def test_numbers_are_no_list(tmp_path: Path) -> None:
    """The labels of another format may begin with what is the name of an image."""
    files = ONE_SET | {"V/notes/all.txt": b"1 0.5 0.5 0.2 0.2\n2 0.1 0.1 0.1 0.1\n"}
    augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1)
    assert "V/notes/all.txt" not in contents(tmp_path / "out")


def test_masks_and_lists_without_annotations(tmp_path: Path) -> None:
    """As sets for segmentation alone are handed on."""
    files = {name: data for name, data in voc().items() if "/Annotations/" not in name}
    for stem in ("one", "three", "four"):
        files[f"VOC/SegmentationClass/{stem}.png"] = mask_of([("bus", 4, 6, 24, 20)])
    job = augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1)
    assert job.gathered.layout.name == "voc"
    found = contents(tmp_path / "out")
    assert {Path(name).stem for name in found if "__v" in name} == {"one__v1", "two ü__v1", "empty__v1"}
    assert found["VOC/SegmentationClass/one__v1.png"] == found["VOC/SegmentationClass/one.png"]
    assert found["VOC/ImageSets/Main/train.txt"].decode().splitlines()[3:] == ["one__v1", "two ü__v1", "empty__v1"]


def test_the_same_list_in_two_zips(tmp_path: Path) -> None:
    from tests.support.image_files import zipped

    for number in (1, 2):
        files = described(photos(f"JPEGImages/{number}.jpg")) | {"ImageSets/Main/train.txt": f"{number}\n".encode()}
        (tmp_path / f"{number}.zip").write_bytes(zipped(files))
    job = augmented([tmp_path / "1.zip", tmp_path / "2.zip"], tmp_path / "out", variations=1)
    assert {source.split for source in job.gathered.sources} == {"train"}
    assert contents(tmp_path / "out")["ImageSets/Main/train.txt"].decode().split() == ["1", "2", "1__v1", "2__v1"]
