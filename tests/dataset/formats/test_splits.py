"""Which folders are splits, and which only have the name of one."""

from __future__ import annotations

from pathlib import Path

import pytest

from augmentai.dataset.file_tree import Entry, Tree
from augmentai.dataset.formats.folders import read_folders
from augmentai.dataset.formats.splits import folder_splits, split_notices, split_of
from tests.support.call_counts import calls_of
from tests.support.dataset_runs import found_splits
from tests.support.labelled_sets import (
    yolo,
)


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    photo = yolo()["images/train/one.jpg"]
    files = {f"{label}/{i}.jpg": photo + bytes([i]) for i, label in enumerate(("train", "car", "plane"))}
    assert set(found_splits(tmp_path, files).values()) == {None}


def read(*folders: str) -> list[tuple[str | None, str | None]]:
    """(split, class) of an image in each folder; "" is an image in no folder."""
    tree = Tree([Entry(f"{folder}/{i}.jpg".lstrip("/"), "") for i, folder in enumerate(folders)])
    layout = read_folders(tree)
    return [(info.split, info.label) for info in layout.images.values()]


TRAIN, VAL, TEST = ("train", None), ("val", None), ("test", None)


@pytest.mark.parametrize(
    ("train", "other", "split"),
    [
        ("train", "test", "test"),
        ("Train", "VALID", "val"),  # any case
        ("training_set", "test_set", "test"),  # "set" behind, as Kaggle has it
        ("TrainingSet", "TestSet", "test"),  # in capitals
        ("trainset", "testset", "test"),  # as one word
        ("train", "Validation Set", "val"),  # with a space
        ("seg_train", "seg_test", "test"),  # a word before
        ("obj_train_data", "obj_valid_data", "val"),  # CVAT
        ("train_images", "val_images", "val"),
        ("images_train", "images_test", "test"),
        ("imagesTr", "imagesTs", "test"),  # nnU-Net
        ("X_train", "X_test", "test"),
        ("train2017", "val2017", "val"),  # COCO
        ("train", "test1", "test"),  # a number
        ("train-01", "test-01", "test"),
        ("train", "dev", "val"),
        ("train", "eval", "val"),
        ("train", "holdout", "test"),
        ("train", "hold-out", "test"),
        ("train", "Held out images", "test"),
        ("trainval", "test", "test"),  # VOC
        ("VOCtrainval", "VOCtest", "test"),  # the name of the set before
        ("DIV2K_train_HR", "DIV2K_valid_HR", "val"),  # and around
        ("bounding_box_train", "bounding_box_test", "test"),  # Market-1501
        ("ISIC_Training_Input", "ISIC_Test_Input", "test"),
        ("public_train", "private_test", "test"),
        ("Training", "PublicTest", "test"),  # FER2013
        ("训练集", "测试集", "test"),
        ("entrenamiento", "prueba", "test"),
        ("Trainingsdaten", "Testdaten", "test"),
        ("Trainingsbilder", "Testbilder", "test"),
        ("DUTS-TR", "DUTS-TE", "test"),
        ("train", "minival", "val"),
        ("学習データ", "テストデータ", "test"),
        ("обучающая", "тестовая", "test"),
        ("тренировочная", "проверочная", "val"),
        ("trening", "walidacja", "val"),
        ("eğitim", "doğrulama", "val"),
        ("latih", "uji", "test"),
        ("addestramento", "convalida", "val"),
        ("träning", "validering", "val"),
        ("treinamento", "validac\u0327a\u0303o", "val"),  # accents apart, as macOS writes them
        ("train-images", "t10k-images", "test"),  # MNIST
    ],
)
def test_split_folders(train: str, other: str, split: str) -> None:
    assert read(f"{train}/cats", f"{other}/cats") == [("train", "cats"), (split, "cats")]
    assert read(train, other) == [TRAIN, (split, None)]
    assert read(f"my set/{train}/{train}/cats", f"my set/{other}/{other}/cats") == [("train", "cats"), (split, "cats")]


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        (["train", "car", "bus"], [(None, "train"), (None, "car"), (None, "bus")]),  # vehicles
        (["test tubes", "beakers"], [(None, "test tubes"), (None, "beakers")]),  # words that say something else
        (["test tubes", "train stations"], [(None, "test tubes"), (None, "train stations")]),
        (["valid", "invalid"], [(None, "valid"), (None, "invalid")]),
        (["pretest", "test", "posttest"], [(None, "pretest"), (None, "test"), (None, "posttest")]),
        (["contest", "latest", "values"], [(None, "contest"), (None, "latest"), (None, "values")]),  # within a word
        (["trains", "planes"], [(None, "trains"), (None, "planes")]),  # a plural
        (["dev", "prod"], [(None, "dev"), (None, "prod")]),
        (["fold_1", "fold_2"], [(None, "fold_1"), (None, "fold_2")]),  # folds are no splits
        (["photo", "sketch", "cartoon"], [(None, "photo"), (None, "sketch"), (None, "cartoon")]),  # PACS
        (["cats", "dogs", "test"], [("train", "cats"), ("train", "dogs"), TEST]),  # one held out beside classes
        (["cats", "dogs", "validation"], [("train", "cats"), ("train", "dogs"), VAL]),
        (["", "test"], [TRAIN, TEST]),  # or beside images
        (["images", "test_images"], [TRAIN, TEST]),
        (["cats/train", "cats/test", "dogs/train"], [("train", "cats"), ("test", "cats"), ("train", "dogs")]),
        (["cat_train", "cat_test", "dog_train"], [("train", "cat"), ("test", "cat"), ("train", "dog")]),
        (
            ["cat_train", "cat_test", "dog_train", "dog_test"],
            [(s, c) for c in ("cat", "dog") for s in ("train", "test")],
        ),
        (["train/cats", "val/cats", "extra"], [("train", "cats"), ("val", "cats"), (None, None)]),  # kept apart
        (  # the same classes beside "train", under a name that is no split: kept apart
            ["train/cats", "train/dogs", "unseen/cats", "unseen/dogs"],
            [("train", "cats"), ("train", "dogs"), (None, "cats"), (None, "dogs")],
        ),
        (  # other words of each side, and the same classes
            ["train_real/cats", "train_real/dogs", "test_synthetic/cats", "test_synthetic/dogs"],
            [("train", "cats"), ("train", "dogs"), ("test", "cats"), ("test", "dogs")],
        ),
        (["train/cats", "train/dogs", "car/cats", "car/red"], [(None, one) for one in ("cats", "dogs", "cats", "red")]),
        (["train/cats", "seg_pred", "test/cats"], [("train", "cats"), TEST, ("test", "cats")]),
        (["train/n01/images", "train/n02/images", "val/images"], [("train", "n01"), ("train", "n02"), VAL]),
        (["train", "testA", "testB"], [TRAIN, TEST, TEST]),  # several of a split
        (["trainA", "trainB", "testA", "testB"], [(s, c) for s in ("train", "test") for c in ("a", "b")]),  # CycleGAN
        (["train", "test_images_unpacked"], [TRAIN, TEST]),
        (["train_small", "train_large", "test"], [TRAIN, TRAIN, TEST]),
        (["train_val_images/Plants", "test_images/Plants"], [("train", "Plants"), ("test", "Plants")]),  # iNaturalist
        (["training", "evaluation", "validation"], [TRAIN, VAL, VAL]),  # Food-11
        (["01_train", "02_val"], [TRAIN, VAL]),
        (["train"], [TRAIN]),  # alone it is no class
        (["", "train"], [TRAIN, TRAIN]),
        (["images"], [(None, None)]),
        (["train/train", "train/car", "test/train"], [("train", "train"), ("train", "car"), ("test", "train")]),
        (
            ["bottle/train/good", "bottle/test/broken", "cup/train/good"],
            [("train", "good"), ("test", "broken"), ("train", "good")],
        ),
    ],
)
def test_classes_and_splits(folders: list[str], expected: list[tuple[str | None, str | None]]) -> None:
    assert read(*folders) == expected


@pytest.mark.parametrize(
    ("folders", "words"),
    [
        (["train", "test"], ""),
        (["train", "car", "bus"], ""),
        (["cats", "dogs", "test"], "test is held out and never augmented; everything else is for training"),
        (["train", "val", "extra", "README"], "2 images are in no split and not augmented: README, extra"),
        (["train", "test images extracted"], "test images extracted is held out and never augmented"),
        (["test tubes", "train stations"], "test tubes, train stations are read as classes, not as splits"),
        # nobody can know whether one of them is held out: known and unknown, gallery and query, summer and winter
        (["known/cat", "known/dog", "unknown/cat", "unknown/dog"], "known, unknown have the same folders in them and"),
        (["cats/images", "dogs/images"], ""),
        (["cats/images", "cats/masks", "dogs/images", "dogs/masks"], ""),
        (["known/cat", "known/dog", "unknown/cat", "test"], "test is held out and never augmented"),
        ([f"{person}/{eyes}" for person in "abcde" for eyes in ("open", "shut")], ""),
    ],
)
def test_a_doubt_is_reported(folders: list[str], words: str) -> None:
    paths = [f"{folder}/{i}.jpg" for i, folder in enumerate(folders)]
    splits = folder_splits(paths)
    notices = "\n".join(split_notices({path: split_of(path, splits)[0] for path in paths}))
    assert words in notices
    assert bool(words) == bool(notices)


def test_a_folder_called_validation_in_training_is_held_out() -> None:
    found = read("train/cat", "train/dog", "train/val/cat", "train/val/dog", "test/cat")
    assert found == [("train", "cat"), ("train", "dog"), ("val", "cat"), ("val", "dog"), ("test", "cat")]
    found = read("train/cat", "train/dog", "train/cat/test", "train/dog/test")  # in each class
    assert found == [("train", "cat"), ("train", "dog"), ("test", "cat"), ("test", "dog")]
    # classes, since the other split has them as well
    assert read("train/cat", "train/test", "val/cat", "val/test")[1] == ("train", "test")
    assert read("train/cat", "train/test tubes", "val/cat")[1] == ("train", "test tubes")


@pytest.mark.parametrize("folder", ["train{}_x", "train{}/val", "{}_train", "train/val_{}", "val{}/cats"])
def test_thousands_of_folders_called_like_splits_take_time_in_proportion(folder: str) -> None:
    def work(count: int) -> int:
        paths = [f"{folder.format(number)}/a{number}.jpg" for number in range(count)]
        tree = Tree([Entry(path, "") for path in [*paths, "test/z.jpg"]])

        def read_all() -> None:
            layout = read_folders(tree)
            split_notices({path: layout.images[path, ""].split for path in paths})

        return calls_of(read_all)

    work(10)  # what is kept for the next time
    assert work(160) < 3 * work(80)
