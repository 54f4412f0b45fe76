"""Which images are trained on and which are tested, and what cannot be measured."""

from __future__ import annotations

import io
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from augmentai.annotations import Labels, Shape
from augmentai.lift import LiftError
from augmentai.lift.labelled_set import read_set
from augmentai.settings import Settings
from augmentai.storage import open_store
from augmentai.types import Source
from tests.support.labelled_sets import write, yolo


def sources(*counts: int, split: str | None = None) -> list[Source]:
    """So many different images of classes a, b, c, ..."""
    found = []
    for label, count in zip("abcdef", counts, strict=False):
        for number in range(count):
            buffer = io.BytesIO()
            Image.new("RGB", (32, 32), (ord(label), number, 90 if split else 0)).save(buffer, "PNG")
            found.append(Source.from_bytes(f"{label}/{split or ''}{number}.png", buffer.getvalue(), label))
    return found


def test_test_images_come_before_validation_images_before_folds(shapes_folder: Path) -> None:
    found = read_set(shapes_folder, None, Settings())
    assert (found.name, found.split, len(found.training), len(found.test)) == ("shapes", "test", 8, 10)
    (shapes_folder / "test").rename(shapes_folder / "val")
    assert read_set(shapes_folder, None, Settings()).split == "validation"
    shutil.rmtree(shapes_folder / "val")
    found = read_set(shapes_folder, None, Settings())
    assert (found.split, len(found.training), len(found.test)) == ("folds", 8, 0)


def test_a_set_in_a_store_has_the_name_of_its_folder(shapes_folder: Path) -> None:
    store = open_store("memory://measured/shapes")
    for path in shapes_folder.rglob("*.png"):
        store.put(path.relative_to(shapes_folder).as_posix(), path.read_bytes())
    here = read_set(shapes_folder, None, Settings())
    try:
        for inputs in (store, store.url, [store.url]):
            assert read_set(inputs, None, Settings()) == here
    finally:
        for file in list(store.list()):
            store.delete(file.path)


def test_own_test_images_take_the_place_of_those_of_the_set(shapes_folder: Path) -> None:
    other = shapes_folder.parent / "other"
    (shapes_folder / "test").rename(other)
    found = read_set(shapes_folder, other, Settings())
    assert (found.split, len(found.training), len(found.test)) == ("test", 8, 10)


def test_what_is_left_out_is_said() -> None:
    training = [*sources(4, 3, 1), Source.from_bytes("loose.png", sources(1)[0].read() + b" ")]
    test = [*sources(2, 2, 2, 2, split="test"), training[0]]
    found = read_set(training, test, Settings())
    assert found.classes == ("a", "b")
    assert (len(found.training), len(found.test)) == (6, 5)
    assert found.notes == (
        "left out: 1 image without a class",
        "1 training image also among the test images, left out of training",
        "left out: c, with fewer than 2 training images",
        "left out: 4 test images of none of the classes",
    )


@pytest.mark.parametrize(
    ("training", "test", "expected"),
    [
        pytest.param(sources(9), None, "1 class with 2 training images or more; a measurement needs two", id="one"),
        pytest.param(sources(9, 1), None, "1 class with 2 training images", id="one-of-a-single-image"),
        pytest.param(sources(3, 3), sources(0, 0, 2, split="t"), "test images are of c; expected classes", id="others"),
        pytest.param([], None, "no image can be read", id="nothing"),
        pytest.param("nowhere", None, "nowhere: no such file or folder", id="missing"),
    ],
)
def test_what_cannot_be_measured(training: object, test: object, expected: str) -> None:
    with pytest.raises(LiftError, match=expected):
        read_set(training, test, Settings())


class _Boxes:
    def load(self) -> Labels:
        return Labels((Shape("cat", (0, 0, 9, 9)),))


def with_boxes(count: int, split: str | None = None) -> list[Source]:
    return [replace(source, label=None, labels=_Boxes()) for source in sources(count, split=split)]


def test_sets_with_boxes_are_read_by_their_label_files(tmp_path: Path) -> None:
    found = read_set(write(tmp_path / "set", yolo()), None, Settings())
    assert (found.task, found.classes) == ("detection", ())
    assert found.training


def test_boxes_where_most_images_have_them() -> None:
    found = read_set(
        [*with_boxes(3), *sources(0, 1)], [*with_boxes(2, "t"), *with_boxes(1), *sources(0, 1)], Settings()
    )
    assert (found.task, found.split, len(found.training), len(found.test)) == ("detection", "test", 2, 3)
    assert found.notes == (
        "left out: 1 image without boxes or masks",
        "1 training image also among the test images, left out of training",
        "left out: 1 test image without boxes or masks",
    )


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        pytest.param(sources(2, split="t"), "the test images have no boxes or masks", id="test images without"),
        pytest.param(with_boxes(2), "1 training image with boxes or masks; a measurement needs 2", id="too few"),
    ],
)
def test_what_of_boxes_cannot_be_measured(test: list[Source], expected: str) -> None:
    with pytest.raises(LiftError, match=expected):
        read_set(with_boxes(3), test, Settings())
