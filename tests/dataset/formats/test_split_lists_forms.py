"""Files that name splits, in the forms that tools and people give them: which images each holds out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from augmentai.dataset.file_tree import Entry, Tree
from augmentai.dataset.formats.split_lists import SplitLists, read_split_lists
from tests.support.dataset_runs import found_splits, notices
from tests.support.labelled_sets import augmented, contents, photo, write

CLIPS = [f"frames/480p/{clip}/{i}.jpg" for clip in ("bear", "bus", "camel") for i in range(2)]
IMAGES = [f"images/{label}{i}.jpg" for label in "ab" for i in range(3)]
TRAIN, HELD_OUT = [one for one in IMAGES if "2" not in one], [one for one in IMAGES if "2" in one]


def lists_of(tmp_path: Path, images: list[str], files: dict[str, str]) -> SplitLists:
    tree = Tree([Entry(path, "") for path in images])
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
        tree.add_sidecar(Entry(name, "", file=tmp_path / name))
    return read_split_lists(tree)


def lines(paths: list[str]) -> str:
    return "".join(f"{path}\n" for path in paths)


def table(header: str, train: str, test: str) -> dict[str, str]:
    rows = [f"{one},x,{train}" for one in TRAIN] + [f"{one},x,{test}" for one in HELD_OUT]
    return {"labels.csv": "\n".join([header, *rows])}


@pytest.mark.parametrize(
    "files",
    [
        {"train.list": lines(TRAIN), "test.list": lines(HELD_OUT)},
        {"test.txt": lines(HELD_OUT).upper()},  # of a file system that knows no case
        {"train.csv": "image\n" + lines(TRAIN), "test.csv": "image\n" + lines(HELD_OUT)},  # a single column
        {"info.json": json.dumps({"splits": {"train": TRAIN, "test": HELD_OUT}})},
        {"info.json": json.dumps({"name": "x", "train": TRAIN, "test": HELD_OUT})},
        {"dataset.json": json.dumps({"training": [{"image": f"./{one}"} for one in TRAIN], "test": HELD_OUT})},
        {"splits_final.json": json.dumps([{"train": TRAIN, "test": HELD_OUT}])},  # nnU-Net's, of a single fold
        {
            "meta.jsonl": lines(
                [json.dumps({"file": one, "split": "test" if one in HELD_OUT else "train"}) for one in IMAGES]
            )
        },
        {  # the class of each image, by its name
            "train.json": json.dumps(dict.fromkeys(TRAIN, "cat")),
            "test.json": json.dumps({Path(one).name: "cat" for one in HELD_OUT}),
        },
        table("filename,label,train", "1", "0"),  # a column for it
        table("filename,label,test", "0", "1"),
        table("filename,label,in_train", "True", "False"),
        table("filename,label,holdout", "0", "1"),
        table("filename,label,train,test", "1,0", "0,1"),
    ],
)
def test_forms_of_splits(files: dict[str, str], tmp_path: Path) -> None:
    found = lists_of(tmp_path, IMAGES, files)
    assert {path: found.of(path) for path in IMAGES} == {
        path: "test" if path in HELD_OUT else "train" for path in IMAGES
    }


def test_a_class_called_train_is_no_split(tmp_path: Path) -> None:
    rows = [f"{path},{int('a' in path)},{int('b' in path)}" for path in IMAGES]
    found = lists_of(tmp_path, IMAGES, {"labels.csv": "\n".join(["filename,car,train", *rows])})
    assert {found.of(path) for path in IMAGES} == {None}


CAMEL = {path: "test" if "camel" in path else "train" for path in CLIPS}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"ImageSets/2017/train.txt": "bear\nbus\n", "ImageSets/2017/test.txt": "camel\n"}, CAMEL),  # DAVIS
        ({"test.txt": "480p/camel 3\n"}, CAMEL),  # with a part of the path, and a number
        ({"split.json": json.dumps({"train": ["bear", "bus"], "test": ["camel"]})}, CAMEL),
        ({"splits.csv": "video,split\nbear,train\nbus,train\ncamel,test\n"}, CAMEL),
        ({"train_classes.txt": "bear\nbus\n", "test_classes.txt": "camel\n"}, CAMEL),  # few-shot learning
        ({"peopleTrain.txt": "2\nbear\t2\nbus\t2\n", "peopleTest.txt": "1\ncamel\t2\n"}, CAMEL),  # LFW: how many follow
        # a class of several splits says nothing, nor do numbers of which some are no folders
        ({"splits.csv": "id,label,split\n7,bear,train\n8,bear,test\n9,bus,train\n"}, dict.fromkeys(CLIPS)),
        ({"test.csv": "id,label\n7,bear\n8,bus\n"}, dict.fromkeys(CLIPS)),
    ],
)
def test_lists_of_folders(files: dict[str, str], expected: dict[str, str | None], tmp_path: Path) -> None:
    found = lists_of(tmp_path, CLIPS, files)
    assert {path: found.of(path) for path in CLIPS} == expected


def test_lists_of_folders_come_back(tmp_path: Path) -> None:
    files = {path: photo([("bus", i, 1, 9 + i, 30)]) for i, path in enumerate(CLIPS)}
    files |= {"train.txt": b"bear\nbus\n", "test.txt": b"camel\n"}
    augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1)
    out = contents(tmp_path / "out")
    assert (out["train.txt"], out["test.txt"]) == (files["train.txt"], files["test.txt"])
    assert not any("camel" in path and "__v" in path for path in out)


@pytest.mark.parametrize(
    ("files", "named"),
    [
        ({"train_indices.txt": "0\n1\n", "test_indices.txt": "2\n"}, "2 files (test_indices.txt, train_indices.txt)"),
        ({"test.txt": "patient 7\npatient 9\n"}, "1 file (test.txt)"),
    ],
)
def test_lists_that_name_nothing_are_reported(files: dict[str, str], named: str, tmp_path: Path) -> None:
    (notice,) = lists_of(tmp_path, IMAGES, files).notices
    assert notice.startswith(named)
    assert "not used" in notice


def test_folds_in_one_file_are_reported(tmp_path: Path) -> None:
    folds = [{"train": TRAIN, "val": HELD_OUT}, {"train": HELD_OUT, "val": TRAIN}]
    found = lists_of(tmp_path, IMAGES, {"splits_final.json": json.dumps(folds)})
    assert {found.of(path) for path in IMAGES} == {None}
    assert "splits_final.json names the same images for training and testing, as folds do" in found.notices[0]


IN_FOLDERS = {
    f"{split}/{i}{split[0]}.jpg": photo([("bus", i, 1, 9 + i, 30)]) for split in ("train", "test") for i in (1, 2)
}
BOTH = "".join(f"{path}\n" for path in IN_FOLDERS)
ROWS = "".join(f"{path},10,5,30,20,bus\n" for path in IN_FOLDERS)
COCO = {
    "images": [{"id": i, "file_name": path, "width": 64, "height": 48} for i, path in enumerate(IN_FOLDERS)],
    "annotations": [{"id": i, "image_id": i, "category_id": 1, "bbox": [10, 5, 20, 15]} for i in range(4)],
    "categories": [{"id": 1, "name": "bus"}],
}


@pytest.mark.parametrize(
    "labels",
    [
        {"train.txt": BOTH},  # class folders
        {"all.csv": "path,split\n" + BOTH.replace("\n", ",train\n")},
        {"metadata.csv": "file_name,split\n" + BOTH.replace("\n", ",train\n")},  # ImageFolder
        {"metadata.csv": "file_name,Subset\n" + BOTH.replace("\n", ",train\n")},
        {"train.csv": "filename,xmin,ymin,xmax,ymax,class\n" + ROWS},  # CSV of boxes
        {"instances_train.json": json.dumps(COCO), "instances_val.json": json.dumps({**COCO, "images": []})},
    ],
)
def test_what_a_folder_holds_out_no_list_trains_on(labels: dict[str, str], tmp_path: Path) -> None:
    files = IN_FOLDERS | {name: text.encode() for name, text in labels.items()}
    assert found_splits(tmp_path, files) == {path: path.split("/")[0] for path in IN_FOLDERS}
    job = augmented([tmp_path / "in"], tmp_path / "out", variations=1)
    assert "2 images (test/1t.jpg, test/2t.jpg): for training in a" in notices(job)


def test_a_list_may_divide_a_folder_that_is_held_out(tmp_path: Path) -> None:
    files = IN_FOLDERS | {"train.txt": b"train/1t.jpg\ntest/1t.jpg\n", "val.txt": b"test/2t.jpg\n"}
    assert found_splits(tmp_path, files)["test/1t.jpg"] == "train"
