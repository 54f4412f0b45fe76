"""An object that several files describe is one object, and each file keeps its own fields of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support import trainers
from tests.support.coco_files import BOX, annotation, content, image, objects, photos
from tests.support.labelled_sets import Files, augmented, contents, gathered, write

CAR, BUS = ("car", (4.0, 3.0, 14.0, 11.0)), ("bus", (4.0, 3.0, 14.0, 11.0))
OUTLINE = [[4, 3, 14, 3, 14, 11, 4, 11]]
NEAR, FAR = [4.4, 3, 10, 8.3], [14, 3, 10, 8]

# name: (annotations of the first file, of the second, what is in the image)
CASES: dict[str, tuple[list[Any], list[Any], list[Any]]] = {
    # COCO's instances and person keypoints.
    "the same id": ([annotation(1, 1)], [annotation(1, 1, keypoints=[5, 5, 2])], [CAR]),
    "an id written in another way": ([annotation(1, 1)], [annotation("1", 1.0)], [CAR]),
    "a box that was rounded": ([annotation(1, 1)], [annotation(1, 1, bbox=NEAR)], [CAR]),
    "one has no box": ([annotation(1, 1)], [annotation(1, 1, bbox=None, keypoints=[5, 5, 2])], [CAR]),
    # A file of all and one of a part, each numbered from 1.
    "the same place": (
        [annotation(1, 1), annotation(2, 1, bbox=FAR)],
        [annotation(1, 1, bbox=FAR)],
        [CAR, ("car", (14, 3, 24, 11))],
    ),
    # Files of different classes or people, each numbered from 1.
    "another class": ([annotation(1, 1)], [annotation(1, 1, 2)], [CAR, BUS]),
    "another place": ([annotation(1, 1)], [annotation(1, 1, bbox=FAR)], [CAR, ("car", (14, 3, 24, 11))]),
    # Within one file two are two, whatever their ids.
    "twice in a file": ([annotation(1, 1), annotation(1, 1)], [annotation(1, 1)], [CAR, CAR]),
    # Nothing but words about the whole image.
    "captions": ([annotation(1, 1)], [{"id": 1, "image_id": 1, "caption": "a car"}], [CAR]),
}


def both(first: list[Any], second: list[Any]) -> Files:
    listed = [image(1, "a.jpg")]
    return photos("a.jpg") | {"instances.json": content(listed, first), "keypoints.json": content(listed, second)}


@pytest.mark.parametrize("name", CASES)
def test_objects_of_two_files(name: str, tmp_path: Path) -> None:
    first, second, expected = CASES[name]
    assert objects(gathered(write(tmp_path, both(first, second)))) == {"a.jpg": expected}


def test_each_file_keeps_its_own_fields(tmp_path: Path) -> None:
    """What moves is the same in both, and each gets only what it had."""
    first = annotation(1, 1, segmentation=OUTLINE, note="first")
    second = annotation(1, 1, keypoints=[5, 5, 2], num_keypoints=1)
    given = write(tmp_path / "in", both([first], [second]))
    augmented([given], tmp_path / "out", variations=1, geometry="light")
    moved = [
        trainers.json_of(tmp_path / "out" / name)["annotations"][1] for name in ("instances.json", "keypoints.json")
    ]
    assert [set(one) for one in moved] == [set(first), set(second)]
    assert moved[0]["bbox"] == moved[1]["bbox"] != BOX
    assert moved[0]["note"] == "first"


@pytest.mark.parametrize(("to", "file"), [("yolo", "labels/a.txt"), ("voc", "Annotations/a.xml")])
def test_other_formats_get_each_object_once(to: str, file: str, tmp_path: Path) -> None:
    given = write(tmp_path / "in", both([annotation(1, 1)], [annotation(1, 1, keypoints=[5, 5, 2])]))
    augmented([given], tmp_path / "out", variations=1, to=to)
    text = next(data for name, data in contents(tmp_path / "out").items() if name.endswith(file)).decode()
    assert text.count("<object>") + len(text.splitlines()) * (to == "yolo") == 1


def test_many_objects_of_one_place(tmp_path: Path) -> None:
    """Each is looked up, and not compared with every other."""
    from augmentai.annotations import Shape
    from augmentai.dataset.formats.coco.merge import Described, merged

    count = 1000
    described = [
        Described(file, {"id": number}, Shape("car", (4, 3, 14, 11), extra={"coco": {"id": number}}))
        for file in (0, 1)
        for number in range(count)
    ]
    found = merged(described)
    assert len(found) == count
    assert [len(shape.extra["coco_in"]) for shape in found] == [2] * count
