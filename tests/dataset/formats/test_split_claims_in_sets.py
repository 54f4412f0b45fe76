"""Splits by the means of each format: names that are missing, folders against lists, and fields of images."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.dataset_runs import found_splits
from tests.support.labelled_sets import Files, augmented, contents, gathered, photo, write

NAMES = [f"{label}{i}.jpg" for label in "ab" for i in range(3)]
SPLITS = {name: "val" if "2" in name else "train" for name in NAMES}
TRAIN = [name for name in NAMES if SPLITS[name] == "train"]
VAL = [name for name in NAMES if SPLITS[name] == "val"]


def images(folder: str = "", names: list[str] = NAMES) -> Files:
    return {f"{folder}{name}": photo([("bus", i, 1, 9 + i, 30)]) for i, name in enumerate(names)}


def lines(names: list[str], form: str = "{}\n") -> bytes:
    return "".join(form.format(name) for name in names).encode()


def yolo(files: Files) -> Files:
    texts = {
        Path(name).with_suffix(".txt").as_posix().replace("images/", "labels/"): b"0 0.5 0.5 0.2 0.2\n"
        for name in files
    }
    return files | texts


def voc(files: Files) -> Files:
    box = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>9</xmax><ymax>8</ymax></bndbox>"
    xml = f"<annotation><object><name>bus</name>{box}</object></annotation>".encode()
    return files | {
        Path(name).with_suffix(".xml").as_posix().replace("JPEGImages", "Annotations"): xml for name in files
    }


def coco(names: list[str], **fields: str) -> bytes:
    listed = [{"id": i, "file_name": name, "width": 64, "height": 48} for i, name in enumerate(names)]
    if fields:
        listed = [{**one, **dict.fromkeys(fields, SPLITS[one["file_name"]])} for one in listed]
    boxes = [{"id": i, "image_id": i, "category_id": 1, "bbox": [1, 2, 9, 8]} for i in range(len(names))]
    return json.dumps({"images": listed, "annotations": boxes, "categories": [{"id": 1, "name": "bus"}]}).encode()


YAML = b"train: train.txt\nval: val.txt\nnames: [bus]\n"
GONE = "lists 2 images (gone1{0}, gone2{0}) that the set does not have; left out"
MORE = [*TRAIN, "gone1.jpg", "gone2.jpg"]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (images() | {"train.txt": lines(MORE), "val.txt": lines(VAL)}, GONE.format(".jpg")),
        (  # without endings
            images() | {"train.txt": lines([name[:-4] for name in MORE]), "val.txt": lines(VAL)},
            GONE.format(""),
        ),
        (yolo(images()) | {"data.yaml": YAML, "train.txt": lines(MORE), "val.txt": lines(VAL)}, GONE.format(".jpg")),
        (  # darknet
            yolo(images())
            | {
                "obj.data": b"classes=1\ntrain=tr.txt\nvalid=va.txt\nnames=obj.names\n",
                "obj.names": b"bus\n",
                "tr.txt": lines(MORE),
                "va.txt": lines(VAL),
            },
            GONE.format(".jpg"),
        ),
        (
            voc(images("JPEGImages/"))
            | {
                "ImageSets/Main/train.txt": lines([name[:-4] for name in MORE]),
                "ImageSets/Main/val.txt": lines([name[:-4] for name in VAL]),
            },
            GONE.format(""),
        ),
    ],
)
def test_names_of_images_that_are_missing_are_reported(files: Files, words: str, tmp_path: Path) -> None:
    found = gathered(write(tmp_path / "in", files))
    assert sum(words in notice for notice in found.notices) == 1
    splits = {Path(source.path).name: source.split for source in (*found.sources, *found.holdout)}
    assert splits == SPLITS


TABLE = b"file,split\n" + b"".join(f"{name},{split}\n".encode() for name, split in SPLITS.items())
XML = "Annotations/{}.xml\n"
PAIRS = "JPEGImages/{0} Annotations/{0}.xml\n"
LISTS = {"train": TRAIN, "val": VAL}


@pytest.mark.parametrize(
    "files",
    [
        voc(images("JPEGImages/")) | {"split.csv": TABLE},
        voc(images("JPEGImages/"))
        | {
            "train.txt": lines([n[:-4] for n in TRAIN], XML),
            "val.txt": lines([n[:-4] for n in VAL], XML),
        },  # of label files
        voc(images("JPEGImages/")) | {"split.json": json.dumps({"train": TRAIN, "val": VAL}).encode()},
        voc(images("JPEGImages/"))
        | {"train_list.txt": lines(TRAIN, PAIRS), "val_list.txt": lines(VAL, PAIRS)},  # Paddle
        voc(images("JPEGImages/"))
        | {f"ImageSets/Main/{split}.txt": lines([n[:-4] for n in names]) for split, names in LISTS.items()}
        | {"test.csv": b"filename,class,xmin,xmax,ymin,ymax\n" + lines(NAMES, "{},bus,1,9,2,8\n")},  # of the whole set
        images()
        | {"metadata.csv": b"file_name,label\n" + lines(NAMES, "{},x\n"), "val.txt": lines(VAL)},  # ImageFolder
        images() | {"coco.json": coco(NAMES, subset="")},  # Datumaro
        images() | {"coco.json": coco(NAMES, split="")},
        images()
        | {
            "all.csv": b"filename,xmin,ymin,xmax,ymax,class,usage\n"
            + b"".join(f"{name},1,2,9,8,bus,{split}\n".encode() for name, split in SPLITS.items())
        },
    ],
)
def test_splits_beside_labels(files: Files, tmp_path: Path) -> None:
    assert {Path(path).name: split for path, split in found_splits(tmp_path, files).items()} == SPLITS
    augmented([tmp_path / "in"], tmp_path / "out", variations=1)
    again = gathered(tmp_path / "out")
    assert {Path(source.path).name for source in again.holdout} == set(VAL)
    assert len(again.sources) == 2 * len(TRAIN)
    assert {name for name in contents(tmp_path / "out") if "2__v" in name} == set()


def test_lists_of_paths_tell_equal_names_apart(tmp_path: Path) -> None:
    """DAVIS: each video has its 00000.jpg, and the lists name images and masks."""
    files: Files = {}
    for i, clip in enumerate(("bear", "bus", "camel")):
        files |= {f"JPEGImages/480p/{clip}/{n}.jpg": photo([("bus", i, n, 9 + i, 30)]) for n in range(2)}
    for split, clips in (("train", ("bear", "bus")), ("val", ("camel",))):
        form = "/JPEGImages/480p/{0}.jpg /Annotations/480p/{0}.png\n"
        files[f"ImageSets/480p/{split}.txt"] = lines([f"{clip}/{n}" for clip in clips for n in range(2)], form)
    assert {path for path, split in found_splits(tmp_path, files).items() if split == "val"} == {
        path for path in files if "JPEGImages/480p/camel" in path
    }


@pytest.mark.parametrize(
    "yaml",
    [
        b"train: [images/train, images/test]\nval: images/val\nnames: [bus]\n",
        b"train: train.txt\nval: images/val\nnames: [bus]\n",
    ],
)
def test_a_data_yaml_that_trains_on_test_images(yaml: bytes, tmp_path: Path) -> None:
    paths = [f"images/{split}/{split[:2]}{i}.jpg" for split in ("train", "val", "test") for i in range(2)]
    train = lines([path for path in paths if "val" not in path])
    files = yolo(images(names=paths)) | {"data.yaml": yaml, "train.txt": train}
    assert found_splits(tmp_path, files) == {path: path.split("/")[1] for path in paths}
    notices = gathered(tmp_path / "in").notices
    assert any("for training in a list, but in the folder images/test" in one for one in notices)


@pytest.mark.parametrize(
    ("files", "form", "made"),
    [
        (
            voc(images("JPEGImages/")),
            "JPEGImages/{0}.jpg Annotations/{0}.xml\n",
            "JPEGImages/a0__v1.jpg Annotations/a0__v1.xml",
        ),
        (images() | {}, "{0}.jpg\t{0}.jpg.json;3\n", "a0__v1.jpg\ta0__v1.jpg.json;3"),
        (images() | {}, "{0}.jpg m/x.xml\n", None),  # the file of another name would not be the variation's
        (images() | {}, "{0}.jpg b2.jpg\n", None),
    ],
)
def test_lists_of_pairs_name_the_files_of_variations(files: Files, form: str, made: str | None, tmp_path: Path) -> None:
    named = [name.removesuffix(".jpg") for name in NAMES]
    lists = {"train.txt": lines([n for n in named if "2" not in n], form), "val.txt": lines(["a2", "b2"], form)}
    augmented([write(tmp_path / "in", files | lists)], tmp_path / "out", variations=1)
    out = contents(tmp_path / "out")
    if made is None:
        assert "train.txt" not in out
        assert any("train.txt" in notice for notice in gathered(tmp_path / "in").notices)
    else:
        assert made in out["train.txt"].decode().splitlines()


ALL = lines(NAMES)
ROWS_OF_ALL = b"file,split\n" + lines(NAMES, "{},train\n")


@pytest.mark.parametrize(
    ("files", "file"),
    [
        (voc(images("JPEGImages/")) | {"train.txt": lines(NAMES, "JPEGImages/{}\n")}, "train.txt"),
        (voc(images("JPEGImages/")) | {"all.csv": ROWS_OF_ALL}, "all.csv"),
        (images() | {"coco.json": coco(NAMES), "train.txt": ALL}, "train.txt"),
        (images() | {"metadata.csv": b"file_name,label\n" + lines(NAMES, "{},x\n"), "train.txt": ALL}, "train.txt"),
    ],
)
def test_lists_that_say_training_of_all_are_left_out_of_a_made_split(files: Files, file: str, tmp_path: Path) -> None:
    job = augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1, make_split="50/50")
    assert file not in contents(tmp_path / "out")
    assert f"left out, since the set has a split now: {file}" in job.report.as_dict()["notices"]
    again = gathered(tmp_path / "out")
    assert len(again.holdout) == 3
    assert not any("__v" in source.path for source in again.holdout)


@pytest.mark.parametrize(
    "labels",
    [
        yolo(images("test/images/")) | {"test/data.yaml": b"train: images\nnames: [bus]\n"},
        images("test/") | {"train.txt": lines(NAMES, "test/{}\n")},
        images("val/") | {"train.json": coco([f"val/{name}" for name in NAMES]), "test.json": coco([])},
    ],
)
def test_a_folder_with_all_images_holds_none_out(labels: Files, tmp_path: Path) -> None:
    assert set(found_splits(tmp_path, labels).values()) == {"train"}
