"""Odd values in COCO's fields: carried, or refused with file and place; and keypoints that are mirrored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from augmentai.annotations import LabelError
from augmentai.dataset.bounds import MOST_CLASSES
from augmentai.dataset.formats.coco.values import categories_in
from tests.support import trainers
from tests.support.coco_files import SIZE_WH, annotation, content, image, objects, photos
from tests.support.dataset_runs import notices
from tests.support.labelled_sets import Gathered, augmented, gathered, write


def read(tmp_path: Path, one: Any, categories: Any = ({"id": 1, "name": "car"}, {"id": 2, "name": "bus"})) -> Gathered:
    files = photos("a.jpg") | {"labels.json": content([image(1, "a.jpg")], [one], categories)}
    return gathered(write(tmp_path, files))


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"bbox": None, "segmentation": [[1, 2, 9, 2, 9, 8]]}, ("car", (1, 2, 9, 8))),  # only some have a box
        ({"bbox": [], "segmentation": None}, ("car", None)),
        ({"segmentation": [], "keypoints": []}, ("car", (4, 3, 14, 11))),
        ({"category_id": None}, ("object", (4, 3, 14, 11))),  # a box that no class is known of
        ({"area": "big", "iscrowd": None, "score": "²"}, ("car", (4, 3, 14, 11))),  # nothing that is needed
    ],
)
def test_odd_values_are_carried(more: dict[str, Any], expected: Any, tmp_path: Path) -> None:
    assert objects(read(tmp_path, annotation(1, 1, **{"category_id": 1, **more}))) == {"a.jpg": [expected]}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"bbox": [None, 2, 3, 4]}, "bbox is [None, 2, 3, 4]"),
        ({"bbox": [10**400, 2, 3, 4]}, "bbox is ["),
        ({"bbox": [1e308, 2, 3, 4]}, "bbox is [1e+308"),
        ({"bbox": {"x": 1}}, "bbox is {'x': 1}"),
        ({"bbox": [1, 2, 3, 4, 30]}, "expected [x, y, width, height]"),  # a rotated box
        ({"segmentation": "none"}, "segmentation is 'none'; expected polygons or RLE"),
        ({"segmentation": [[1, "²", 3, 4, 5, 6]]}, "segmentation has [1, '²'"),
        ({"keypoints": [1, 2]}, "keypoints is [1, 2]; expected x, y and visibility"),
        ({"keypoints": {"nose": [1, 2]}}, "keypoints is {'nose'"),
        ({"category_id": [1]}, "category_id is [1], which is not among its categories"),
        ({"category_id": True}, "category_id is True"),
    ],
)
def test_odd_values_are_refused_with_their_place(more: dict[str, Any], words: str, tmp_path: Path) -> None:
    source = read(tmp_path, annotation(7, 1, **more)).sources[0]
    assert source.labels is not None
    with pytest.raises(LabelError) as caught:
        source.labels.load()
    assert str(caught.value).startswith("labels.json, annotation 7: ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("categories", "words"),
    [
        (5, "categories is 5; expected a list of ids and names"),
        ([5], "category 1 is 5; expected an id and a name"),
        ([{"id": 1}], "category 1 is {'id': 1}; expected an id and a name"),
        ([{"id": None, "name": "car"}], "expected an id and a name"),
        (
            [{"id": 1, "name": "car"}, {"id": "1", "name": "bus"}],
            "category 2: id 1 is 'car' and 'bus'; expected one name",
        ),
    ],
)
def test_odd_categories_are_named(categories: Any, words: str, tmp_path: Path) -> None:
    found = read(tmp_path, annotation(1, 1), categories)
    assert [(failure.file, words in failure.reason) for failure in found.failures] == [("labels.json", True)]


NAMES = ["nose", "left_eye", "right_eye"]


@pytest.mark.parametrize(
    ("category", "count", "expected"),
    [
        ({"id": 1, "name": "cat", "keypoints": NAMES}, 3, (0, 2, 1)),
        ({"id": 1, "name": "cat", "keypoints": NAMES}, 2, ()),  # not as many as there are names
        ({"id": 1, "name": "cat", "keypoints": ["a", "b", "c"]}, 3, ()),  # no sides
        ({"id": 1, "name": "cat", "keypoints": 3}, 3, ()),
        ({"id": 1, "name": "person"}, 17, (0, *(i + (1 if i % 2 else -1) for i in range(1, 17)))),  # COCO's own
        ({"id": 1, "name": "person"}, 3, ()),
    ],
)
def test_which_keypoints_change_places(category: Any, count: int, expected: tuple[int, ...], tmp_path: Path) -> None:
    found = read(tmp_path, annotation(1, 1, keypoints=[5, 5, 2] * count), [category])
    labels = found.sources[0].labels
    assert labels is not None
    assert labels.load().shapes[0].flip_order == expected
    assert ("are never flipped: the names of the keypoints" in " ".join(found.notices)) == (not expected)


def test_left_and_right_change_places_in_a_mirrored_image(tmp_path: Path) -> None:
    """What follows from the keypoints follows; what other tools say in pixels is removed, and that is said."""
    cat = {"id": 1, "name": "cat", "keypoints": NAMES, "skeleton": [[2, 3]], "colour": "black"}
    one = annotation(
        1,
        1,
        keypoints=[9, 6, 2, 6, 4, 1, 0, 0, 0],
        num_keypoints=2,
        face_box=[5, 4, 3, 3],
        tail="long",
        attributes={"age": 3},
    )
    files = photos("a.jpg") | {"labels.json": content([image(1, "a.jpg")], [one], [cat])}
    job = augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1, operations=["flip(probability=1)"])
    written = trainers.json_of(tmp_path / "out/labels.json")
    assert written["categories"] == [cat]
    assert written["annotations"][0] == one
    moved, width = written["annotations"][1], SIZE_WH[0]
    assert moved["bbox"] == [width - 14, 3, 10, 8]
    assert moved["keypoints"] == [width - 9, 6, 2, 0, 0, 0, width - 6, 4, 1]
    assert (moved["num_keypoints"], moved["tail"], moved["attributes"]) == (2, "long", {"age": 3})
    assert "face_box" not in moved
    assert "`face_box` is removed from geometrically transformed images" in notices(job)


def test_more_classes_than_any_set_has_are_refused() -> None:
    many = [{"id": number, "name": str(number)} for number in range(MOST_CLASSES + 1)]
    assert categories_in(many) == ({}, ["categories has 50,001 entries; expected at most 50,000"])
    assert len(categories_in(many[1:])[0]) == MOST_CLASSES
