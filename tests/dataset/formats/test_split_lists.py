"""Lists and tables that name splits, of sets of every kind: read, and written again with the variations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from augmentai.dataset.file_tree import Entry, Tree
from augmentai.dataset.formats.split_lists import read_split_lists
from tests.support.dataset_runs import notices
from tests.support.labelled_sets import Files, augmented, contents, gathered, masks, photo, write, yolo

IMAGES = [f"images/{label}/{i}{label}.jpg" for label in ("cats", "dogs") for i in range(3)]
HELD_OUT = [path for path in IMAGES if "/2" in path]
TRAIN = [path for path in IMAGES if path not in HELD_OUT]


def listed(form: str, paths: list[str]) -> str:
    """form: a line, of {path}, {short} (without "images"), {stem} (without an ending), {label} and {name}."""
    lines = []
    for path in paths:
        short = path.removeprefix("images/")
        label, name = short.split("/")
        lines.append(form.format(path=path, short=short, stem=short.removesuffix(".jpg"), label=label, name=name))
    return "".join(line + "\n" for line in lines)


def splits(tmp_path: Path, files: dict[str, str]) -> dict[str, str | None]:
    """The split of each image of a set with these lists."""
    tree = Tree([Entry(path, "") for path in IMAGES])
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
        tree.add_sidecar(Entry(name, "", file=tmp_path / name))
    found = read_split_lists(tree)
    return {path: found.of(path) for path in IMAGES}


def codes(form: str) -> str:
    """Like `listed`, with the last digit of the name as {code}."""
    return "".join(listed(form.replace("{code}", path[-9]), [path]) for path in IMAGES)


EXPECTED = {path: "test" if path in HELD_OUT else "train" for path in IMAGES}


@pytest.mark.parametrize(
    ("form", "places"),
    [
        ("{path}", "{}.txt"),
        ("./{path}", "{}.txt"),
        ("/home/me/set/{path}", "{}.txt"),  # somebody's machine
        ("{stem}", "meta/{}.txt"),  # Food-101
        ("{short} 1", "{}_list.txt"),  # with a number of the class
        ("{path},{label}", "splits/{}_files.txt"),
        ("{name}", "lists/{}.txt"),  # bare names
        ("../{path}", "lists/{}set.txt"),
    ],
)
def test_lists(form: str, places: str, tmp_path: Path) -> None:
    both = {places.format("train"): listed(form, TRAIN), places.format("test"): listed(form, HELD_OUT)}
    assert splits(tmp_path, both) == EXPECTED
    only_test = {places.format("test"): listed(form, HELD_OUT)}
    assert splits(tmp_path, only_test) == EXPECTED  # what is not held out is for training


REST = {**dict.fromkeys(IMAGES), **dict.fromkeys(TRAIN, "train"), HELD_OUT[0]: "test"}
TABLE = "filepaths;labels;data set\n"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"split.csv": "path,split\n" + listed("{path},train", TRAIN) + listed("{path},test", HELD_OUT)}, EXPECTED),
        ({"birds.csv": TABLE + listed("{short};x;train", TRAIN) + listed("{short};x;test", HELD_OUT)}, EXPECTED),
        # a training list alone: what it does not name is kept apart
        ({"train.txt": listed("{path}", TRAIN)}, {**EXPECTED, **dict.fromkeys(HELD_OUT)}),
        # training and validation together count least
        ({"trainval.txt": listed("{path}", IMAGES), "test.txt": listed("{path}", HELD_OUT)}, EXPECTED),
        # an image in both is held out
        ({"train.txt": listed("{path}", IMAGES), "test.txt": listed("{path}", HELD_OUT)}, EXPECTED),
        # unless all are: small sets validate on their training images
        (
            {"train.txt": listed("{path}", IMAGES), "val.txt": listed("{path}", IMAGES)},
            dict.fromkeys(IMAGES, "train"),
        ),
        # tables called as a split, as EuroSAT has them
        (
            {
                "train.csv": ",Filename,Label\n" + listed("7,{short},x", TRAIN),
                "test.csv": listed("9,{short},x", HELD_OUT),
            },
            EXPECTED,
        ),
        # numbers for splits: CelebA, in a table and in text; DeepFashion has how many there are on top
        (
            {"list_eval_partition.csv": "image_id,partition\n" + codes("{name},{code}")},
            {path: ("train", "val", "test")[int(path[-9])] for path in IMAGES},
        ),
        (
            {"list_eval_partition.txt": "6\nimage_name status\n" + codes("{path} {code}")},
            {path: ("train", "val", "test")[int(path[-9])] for path in IMAGES},
        ),
        # 0 and 1 may mean anything
        ({"partition.txt": listed("{path} 1", TRAIN) + listed("{path} 0", HELD_OUT)}, dict.fromkeys(IMAGES)),
        # unless the column says what: fast.ai
        (
            {"labels.csv": "fname,is_valid\n" + listed("{path},False", TRAIN) + listed("{path},True", HELD_OUT)},
            dict.fromkeys(HELD_OUT, "val") | dict.fromkeys(TRAIN, "train"),
        ),
        # no header: Google AutoML
        ({"all.csv": listed("TRAIN,gs://b/{path},x", TRAIN) + listed("TEST,gs://b/{path},x", HELD_OUT)}, EXPECTED),
        # images by number: CUB-200
        (
            {
                "images.txt": "".join(f"{n} {path.removeprefix('images/')}\n" for n, path in enumerate(IMAGES, 1)),
                "train_test_split.txt": "".join(f"{n} {int(path in TRAIN)}\n" for n, path in enumerate(IMAGES, 1)),
            },
            EXPECTED,
        ),
        # JSON of all splits, with classes or without, and a file of each
        ({"split.json": json.dumps({"train": TRAIN, "test": HELD_OUT})}, EXPECTED),
        ({"split_x.json": json.dumps({"train": [[p, 0, "x"] for p in TRAIN], "test": [[HELD_OUT[0], 0, "x"]]})}, REST),
        ({"train.json": json.dumps({"a": TRAIN}), "test.json": json.dumps({"a": HELD_OUT})}, EXPECTED),
        (
            {
                "train.jsonl": listed('{{"image": "{path}", "label": "x"}}', TRAIN),
                "test.jsonl": listed('"{path}"', HELD_OUT),
            },
            EXPECTED,
        ),
        ({"split.json": json.dumps({"train": ["nothing"], "test": ["else"]})}, dict.fromkeys(IMAGES)),
        # names that say more, if another list says the same of another split: FGVC Aircraft
        (
            {
                "images_variant_train.txt": listed("{stem} 707", TRAIN),
                "images_variant_test.txt": listed("{stem} 7", HELD_OUT),
            },
            EXPECTED,
        ),
        # folds contradict each other
        (
            {
                "train1.txt": listed("{path}", IMAGES[:4]),
                "test1.txt": listed("{path}", IMAGES[4:]),
                "train2.txt": listed("{path}", IMAGES[2:]),
                "test2.txt": listed("{path}", IMAGES[:2]),
            },
            dict.fromkeys(IMAGES),
        ),
        ({"test.txt": "a caption\n", "val.txt": "0 0.5 0.5 0.1 0.1\n"}, dict.fromkeys(IMAGES)),  # something else
        ({"sets.csv": "path,set\n" + listed("{path},7", IMAGES)}, dict.fromkeys(IMAGES)),  # not splits
        ({"test tubes.txt": listed("{path}", TRAIN)}, dict.fromkeys(IMAGES)),  # not the name of one
    ],
)
def test_what_lists_say(files: dict[str, str], expected: dict[str, str | None], tmp_path: Path) -> None:
    assert splits(tmp_path, files) == expected


def small_set(lists: dict[str, str]) -> Files:
    files: Files = {path: photo([("bus", 3 * n, 4, 30, 30)]) for n, path in enumerate(IMAGES)}
    return files | {name: text.encode() for name, text in lists.items()}


@pytest.mark.parametrize(
    ("lists", "name", "line"),
    [
        ({"train.txt": listed("{stem}", TRAIN), "test.txt": listed("{stem}", HELD_OUT)}, "train.txt", "cats/0cats__v1"),
        (
            {"train.txt": listed("/x/{path} 7", TRAIN), "test.txt": listed("/x/{path} 7", HELD_OUT)},
            "train.txt",
            "./images/cats/0cats__v1.jpg 7",
        ),
        (
            {"split.csv": "path,split\n" + listed("{path},train", TRAIN) + listed("{path},test", HELD_OUT)},
            "split.csv",
            "images/cats/0cats__v1.jpg,train",
        ),
    ],
)
def test_lists_come_back_with_the_variations(lists: dict[str, str], name: str, line: str, tmp_path: Path) -> None:
    augmented([write(tmp_path / "in", small_set(lists))], tmp_path / "out", variations=1)
    out = contents(tmp_path / "out")
    assert not any("__v" in path for path in out if path.rpartition("/")[2].startswith("2"))
    lines = out[name].decode().splitlines()
    assert line in lines
    assert len(lines) == 2 * 4 + (3 if name == "split.csv" else 0)
    again = gathered(tmp_path / "out")
    assert sorted(source.path for source in again.holdout) == sorted(HELD_OUT)


def test_folds_are_reported(tmp_path: Path) -> None:
    lists = {f"{split}{i}.txt": listed("{path}", IMAGES) for split in ("train", "test") for i in (1, 2)}
    job = augmented([write(tmp_path / "in", small_set(lists))], tmp_path / "out", variations=1)
    assert "name the same images for training and testing, as folds do" in notices(job)


def test_the_classes_of_held_out_images_are_read_and_the_file_is_kept(tmp_path: Path) -> None:
    """The layout of Tiny ImageNet: train/WNID/images, and val/images with val_annotations.txt."""
    files = {
        f"train/{label}/images/{label}_{i}.JPEG": photo([("bus", i, 1, 9 + i, 30)])
        for label in ("n01", "n02")
        for i in (0, 1)
    }
    files |= {f"val/images/val_{i}.JPEG": photo([("bus", i, 5, 29, 30)]) for i in (0, 1)}
    files["val/val_annotations.txt"] = b"val_0.JPEG\tn01\t0\t32\t44\t62\nval_1.JPEG\tn02\t0\t32\t44\t62\n"
    found = gathered(write(tmp_path / "in", files))
    assert [(source.label, source.split) for source in found.sources] == [
        (label, "train") for label in ("n01", "n01", "n02", "n02")
    ]
    assert [(source.label, source.split) for source in found.holdout] == [("n01", "val"), ("n02", "val")]
    augmented([tmp_path / "in"], tmp_path / "out", variations=1)
    assert contents(tmp_path / "out")["val/val_annotations.txt"] == files["val/val_annotations.txt"]


def without_split_folders(files: Files) -> Files:
    """The same set with all images in one place, each of its splits told apart by nothing."""
    return {
        "/".join(part for part in name.split("/") if part not in {"train", "val", "test"}): data
        for name, data in files.items()
        if not name.endswith(".yaml")
    }


STEMS = {"train": ["one", "two ü", "empty"], "val": ["three"], "test": ["four"]}
ALL = [stem for stems in STEMS.values() for stem in stems]
LISTS = {f"lists/{split}.txt": "".join(f"{stem}\n" for stem in stems).encode() for split, stems in STEMS.items()}


@pytest.mark.parametrize(
    ("layout", "files"),
    [
        ("yolo", without_split_folders(yolo()) | LISTS),
        ("masks", without_split_folders(masks()) | LISTS),
        ("folders", {f"{stem}.jpg": photo([("bus", len(stem), 1, 20, 30)]) for stem in ALL} | LISTS),
    ],
)
def test_lists_of_any_layout(layout: str, files: Files, tmp_path: Path) -> None:
    found = gathered(write(tmp_path / "in", files))
    assert found.layout.name == layout
    splits = {Path(source.path).stem: source.split for source in (*found.sources, *found.holdout)}
    assert splits == {stem: split for split, stems in STEMS.items() for stem in stems}
    augmented([tmp_path / "in"], tmp_path / "out", variations=1)
    out = contents(tmp_path / "out")
    assert out["lists/val.txt"].decode().count("\n") == 1
    lines = out["lists/train.txt"].decode().splitlines()
    assert len(lines) == 6
    if layout == "yolo":
        assert all((tmp_path / "out/lists" / line).is_file() for line in lines), lines
    else:
        assert "one__v1" in lines


@pytest.mark.parametrize(("split", "expected"), [("test", "test"), ("fold 1", None), ("", None)])
def test_a_column_of_metadata(split: str, expected: str | None, tmp_path: Path) -> None:
    rows = [f"{i}.jpg,car,{split if i == 2 else 'train'}" for i in range(3)]
    files = {f"{i}.jpg": photo([("bus", i, 1, 20, 30)]) for i in range(3)}
    files["metadata.csv"] = "\n".join(["file_name,label,split", *rows]).encode()
    found = gathered(write(tmp_path / "in", files))
    splits = [source.split for source in (*found.sources, *found.holdout)]
    assert found.layout.name == "imagefolder"
    assert splits == (["train", "train", expected] if expected else [None] * 3)


@pytest.mark.parametrize(
    ("lists", "kept"),
    [
        # numbered images: variations get numbers of their own
        (
            {
                "images.txt": "".join(f"{n} {path.removeprefix('images/')}\n" for n, path in enumerate(IMAGES, 1)),
                "train_test_split.txt": "".join(f"{n} {int(path in TRAIN)}\n" for n, path in enumerate(IMAGES, 1)),
            },
            {"images.txt": "7 cats/0cats__v1.jpg", "train_test_split.txt": "7 1"},
        ),
        # how many follow
        (
            {"list_eval_partition.txt": "6\n" + codes("{name} {code}")},
            {"list_eval_partition.txt": "8"},
        ),
        # cells that name the image without its ending, or a file called after it
        (
            {"splits.csv": "id,split,file,mask\n" + listed("{stem},train,{name},m/{stem}.png", TRAIN)},
            {"splits.csv": "cats/0cats__v1,train,0cats__v1.jpg,m/cats/0cats__v1.png"},
        ),
        ({"split.json": json.dumps({"train": TRAIN, "test": HELD_OUT})}, {"split.json": "images/cats/0cats__v1.jpg"}),
    ],
)
def test_files_of_splits_come_back(lists: dict[str, str], kept: dict[str, str], tmp_path: Path) -> None:
    augmented([write(tmp_path / "in", small_set(lists))], tmp_path / "out", variations=1)
    out = contents(tmp_path / "out")
    for name, text in kept.items():
        assert text in (out[name].decode() if name.endswith("json") else out[name].decode().splitlines())
    assert [source.path for source in gathered(tmp_path / "out").holdout] == [
        source.path for source in gathered(tmp_path / "in").holdout
    ]


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("{}_boxes.txt", "{path} 10,20,30,40,0"),  # keras-yolo3
        ("det_gt_{}.txt", '{path}\t[{{"transcription": "a", "points": [[1, 2], [3, 4]]}}]'),  # PaddleOCR
        ("{}.csv", "{path},10,20,30,40,car"),
        ("{}.csv", "{path},images/dogs/1dogs.jpg"),  # pairs
        ("{}.jsonl", '{{"image": "{path}", "boxes": [[1, 2, 3, 4]]}}'),
    ],
)
def test_files_that_also_locate_objects_name_the_splits_and_are_not_carried(
    name: str, form: str, tmp_path: Path
) -> None:
    lists = {name.format("train"): listed(form, TRAIN), name.format("test"): listed(form, HELD_OUT)}
    augmented([write(tmp_path / "in", small_set(lists))], tmp_path / "out", variations=1, layout="folders")
    out = contents(tmp_path / "out")
    assert not set(lists) & set(out)
    assert not any("__v" in path for path in out if path.rpartition("/")[2].startswith("2"))
    text = " ".join(gathered(tmp_path / "in", layout="folders").notices)
    assert all(path in text for path in lists)
    assert "not understood" in text


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["train_0.jpg", "val_0.jpg", "b/TEST-1.jpg"], ["train", "val", "test"]),
        (["COCO_train2014_1.jpg", "COCO_val2014_1.jpg"], ["train", "val"]),
        (["0001_train.jpg", "0002_test.jpg"], ["train", "test"]),
        (["train_0.jpg", "train_1.jpg"], [None, None]),  # pictures of trains
        (["train_0.jpg", "test_0.jpg", "other.jpg"], [None, None, None]),
        (["train/test_0.jpg", "val/train_0.jpg"], ["train", "val"]),  # folders count more
    ],
)
def test_names_of_images_that_say_their_splits(names: list[str], expected: list[str | None]) -> None:
    found = read_split_lists(Tree([Entry(name, "") for name in names]))
    assert [found.of(name) for name in names] == expected


def test_a_column_of_class_numbers_names_no_images(tmp_path: Path) -> None:
    """GTSRB has a picture of each class, called by its number, and tables of classes and images."""
    tree = Tree([Entry(f"{path}.png", "") for path in ("Meta/0", "Train/0/a", "Test/b")])
    for name, image in (("Train", "Train/0/a"), ("Test", "Test/b")):
        (tmp_path / f"{name}.csv").write_text(f"ClassId,Path\n0,{image}.png\n")
        tree.add_sidecar(Entry(f"{name}.csv", "", file=tmp_path / f"{name}.csv"))
    found = read_split_lists(tree)
    assert [found.of(entry.path) for entry in tree.images] == [None, "train", "test"]


def test_a_value_that_is_the_name_of_an_image_by_chance_stays(tmp_path: Path) -> None:
    files: Files = {f"{i}.jpg": photo([("red car", i, 0, 20 + i, 20)]) for i in range(4)}
    table = "filename,is_train\n0.jpg,1\n1.jpg,1\n2.jpg,0\n3.jpg,0\n"
    augmented([write(tmp_path / "in", files | {"meta.csv": table.encode()})], tmp_path / "out", variations=1)
    lines = contents(tmp_path / "out")["meta.csv"].decode().splitlines()
    assert lines[1:5] == ["0.jpg,1", "0__v1.jpg,1", "1.jpg,1", "1__v1.jpg,1"]
