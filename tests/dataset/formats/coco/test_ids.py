"""Ids as COCO's own tools compare them, and annotations that meet no image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from augmentai.dataset.formats.coco.ids import id_key
from tests.support import trainers
from tests.support.coco_files import BOX, annotation, content, image, objects, photos
from tests.support.labelled_sets import augmented, contents, gathered, write

CAR = ("car", (4.0, 3.0, 14.0, 11.0))


@pytest.mark.parametrize(
    ("of_image", "of_annotation"),
    [
        (2, 2.0),  # as pandas writes a column with a gap
        (2, "2"),
        ("2", 2),
        ("000000000139", 139),  # as file names have it
        (2.0, "2.0"),
        (-3, "-3"),
        (17446744073709551615, 17446744073709551615),  # a hash of 64 bits
        ("abc", " abc"),
        (0, 0.0),
    ],
)
def test_an_annotation_meets_its_image_however_its_id_is_written(
    of_image: Any, of_annotation: Any, tmp_path: Path
) -> None:
    listed = [image(of_image, "a.jpg"), image(77, "b.jpg")]
    files = photos("a.jpg", "b.jpg") | {"labels.json": content(listed, [annotation(1, of_annotation)])}
    found = gathered(write(tmp_path, files))
    assert objects(found) == {"a.jpg": [CAR], "b.jpg": []}
    assert not found.notices + found.failures


@pytest.mark.parametrize("category", [1, 1.0, "1"])
def test_a_category_too(category: Any, tmp_path: Path) -> None:
    files = photos("a.jpg") | {"labels.json": content([image(1, "a.jpg")], [annotation(1, 1, category)])}
    assert objects(gathered(write(tmp_path, files))) == {"a.jpg": [CAR]}


@pytest.mark.parametrize("value", [None, True, [2], {"id": 2}])
def test_what_is_no_id(value: Any) -> None:
    assert id_key(value) is None


def test_the_written_file_agrees_with_itself(tmp_path: Path) -> None:
    """COCO's own reader finds what was found."""
    listed = [image(i, f"{i}.jpg") for i in (1, 2, 3)]
    annotations = [annotation(i, of) for i, of in ((1, 1), (2, 2.0), (3, "3"))]
    files = photos("1.jpg", "2.jpg", "3.jpg") | {"labels.json": content(listed, annotations)}
    augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1)
    boxes = trainers.pycocotools(tmp_path / "out/labels.json", tmp_path / "out")
    assert boxes == {f"{i}{end}": [CAR] for i in (1, 2, 3) for end in ("", "__v1")}


def test_texts_stay_texts(tmp_path: Path) -> None:
    files = photos("a.jpg") | {"labels.json": content([image("7", "a.jpg")], [annotation("x1", "7")])}
    augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1)
    written = trainers.json_of(tmp_path / "out/labels.json")
    assert [one["id"] for one in written["images"]] == ["7", "8"]
    assert [(one["id"], one["image_id"]) for one in written["annotations"]] == [("x1", "7"), ("1", "8")]


# name: (images, annotations, what is said)
UNMATCHED: dict[str, tuple[list[Any], list[Any], str]] = {
    "no image has this id": (
        [image(1, "a.jpg")],
        [annotation(1, 1), annotation(2, 9), annotation(3, "x")],
        'labels.json: 2 annotations left out, since no image has their image_id: 9, "x"',
    ),
    "its image is missing": (
        [image(1, "a.jpg"), image(2, "gone.jpg")],
        [annotation(1, 1), annotation(2, 2)],
        "labels.json lists 1 image (gone.jpg) with 1 annotation; left out, since the images are missing",
    ),
    "no image_id": (
        [image(1, "a.jpg")],
        [annotation(1, 1), {"id": 2, "bbox": BOX}, 5, annotation(3, None)],
        "labels.json: 3 annotations without an image_id left out: number 2, 3, 4",
    ),
    "an image without a name": (
        [image(1, "a.jpg"), {"id": 2}, {"file_name": "b.jpg"}, None],
        [annotation(1, 1)],
        "labels.json: 3 images without an id or a file_name left out: number 2, 3, 4",
    ),
}


@pytest.mark.parametrize("name", UNMATCHED)
def test_what_meets_no_image_is_said_and_left_out(name: str, tmp_path: Path) -> None:
    images, annotations, words = UNMATCHED[name]
    given = write(tmp_path / "in", photos("a.jpg") | {"labels.json": content(images, annotations)})
    job = augmented([given], tmp_path / "out", variations=1)
    assert words in job.gathered.notices
    assert trainers.pycocotools(tmp_path / "out/labels.json", tmp_path / "out") == {"a": [CAR], "a__v1": [CAR]}


def test_images_that_share_an_id_are_refused(tmp_path: Path) -> None:
    """Nobody can tell whose the annotation is."""
    listed = [image(1, "a.jpg"), image("1", "b.jpg"), image(2, "c.jpg")]
    files = photos("a.jpg", "b.jpg", "c.jpg") | {"labels.json": content(listed, [annotation(1, 1), annotation(2, 2)])}
    found = gathered(write(tmp_path, files))
    words = "id 1 in labels.json is that of 2 images (a.jpg, b.jpg); expected one id for each image"
    assert [(failure.file, failure.reason) for failure in found.failures] == [("a.jpg", words), ("b.jpg", words)]
    assert objects(found) == {"c.jpg": [CAR]}


def test_an_image_that_no_file_lists_is_named(tmp_path: Path) -> None:
    files = photos("a.jpg", "other.jpg") | {"labels.json": content([image(1, "a.jpg")], [annotation(1, 1)])}
    assert gathered(write(tmp_path, files)).notices == ("1 image (other.jpg) without labels: no COCO file lists them",)


def test_the_same_files_in_two_zips(tmp_path: Path) -> None:
    """Exports of two projects have the same names inside; each keeps its images and its file."""
    from tests.support.image_files import jpeg, zipped

    for number in (1, 2):
        files = {"images/a.jpg": jpeg(seed=number), "labels.json": content([image(1, "a.jpg")], [annotation(1, 1)])}
        (tmp_path / f"{number}.zip").write_bytes(zipped(files))
    job = augmented([tmp_path / "1.zip", tmp_path / "2.zip"], tmp_path / "out", variations=1)
    assert any("two inputs contain labels.json" in words for words in job.report.as_dict()["notices"])
    names = [
        {one["file_name"] for one in trainers.json_of(tmp_path / "out" / file)["images"]}
        for file in ("labels.json", "labels__2.json")
    ]
    assert [len(one) for one in names] == [2, 2]
    assert names[0] | names[1] == {Path(name).name for name in contents(tmp_path / "out") if name.endswith(".jpg")}
