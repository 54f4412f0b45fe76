"""LabelMe sets: which file labels which image, what is written beside a variation, and what is reported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.dataset_runs import notices
from tests.support.image_files import jpeg, png
from tests.support.labelled_sets import augmented, contents, gathered, photo, write

ONE, OTHER = photo([("bus", 4, 6, 24, 20)]), photo([("red car", 4, 6, 24, 20)])


def label(image_path: Any, category: str = "bus") -> bytes:
    shape = {"label": category, "points": [[4, 6], [24, 20]], "shape_type": "rectangle"}
    return json.dumps({"version": "5.0.1", "flags": {}, "shapes": [shape], "imagePath": image_path}).encode()


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        # beside the image, whatever imagePath says: the image was renamed, as LabelMe opens it
        ({"a.jpg": ONE, "a.json": label("IMG_1.jpg", "a"), "IMG_1.jpg": OTHER}, {"a.jpg": "a", "IMG_1.jpg": None}),
        # two images of one stem: imagePath decides
        ({"a.jpg": jpeg(), "a.png": png(seed=3), "a.json": label("a.png", "a")}, {"a.jpg": None, "a.png": "a"}),
        # a folder of their own, as Windows writes the way to the image
        ({"images/a.jpg": ONE, "labels/a.json": label("..\\images\\a.jpg", "a")}, {"images/a.jpg": "a"}),
        # a file of another name
        ({"images/a.jpg": ONE, "labels/1.json": label("../images/a.jpg", "a")}, {"images/a.jpg": "a"}),
        # a path on somebody's machine
        ({"images/a.jpg": ONE, "labels/a.json": label("C:\\Users\\me\\a.jpg", "a")}, {"images/a.jpg": "a"}),
        # the image has another ending by now
        ({"images/a.jpg": ONE, "labels/a.json": label("a.bmp", "a")}, {"images/a.jpg": "a"}),
        # no imagePath at all, but the pixels: the image beside it is meant
        ({"a.jpg": ONE, "a.json": label(None, "a").replace(b"imagePath", b"imageData")}, {"a.jpg": "a"}),
        # named after the whole image, and in the other Unicode form, as macOS stores it
        ({"a.jpg": ONE, "a.jpg.json": label("", "a")}, {"a.jpg": "a"}),
        ({"\u00e9.jpg": ONE, "e\u0301.json": label("", "a")}, {"\u00e9.jpg": "a"}),
        ({"\u00e9.jpg": ONE, "labels/1.json": label("../e\u0301.jpg", "a")}, {"\u00e9.jpg": "a"}),
        # of two images of one name the nearer one is meant
        (
            {
                "x/a.jpg": ONE,
                "y/a.jpg": OTHER,
                "x/json/a.json": label("../a.jpg", "x"),
                "y/json/a.json": label("../a.jpg", "y"),
            },
            {"x/a.jpg": "x", "y/a.jpg": "y"},
        ),
    ],
)
def test_which_file_labels_which_image(
    files: dict[str, bytes], expected: dict[str, str | None], tmp_path: Path
) -> None:
    found = gathered(write(tmp_path / "in", files))
    assert found.layout.name == "labelme"
    assert not found.failures
    assert found.layout.label_paths == {name for name in files if name.endswith(".json")}
    seen = {s.path: s.labels.load().shapes[0].category if s.labels is not None else None for s in found.sources}
    assert seen == expected


def test_a_label_file_without_its_image_and_a_second_one_are_reported(tmp_path: Path) -> None:
    files = {"a.jpg": ONE, "a.json": label("a.jpg"), "b.json": label("b.jpg"), "old/a.json": label("../a.jpg")}
    found = gathered(write(tmp_path / "in", files))
    assert [(failure.file, failure.reason) for failure in found.failures] == [
        ("old/a.json", "labels a.jpg, which a.json labels already; remove one of the two")
    ]
    assert [kind.files for kind in found.unread_labels.kinds if kind.without_image] == [("b.json",)]


def test_splits_of_the_label_files_count_where_images_have_none(tmp_path: Path) -> None:
    files = {"images/a.jpg": ONE, "labels/train/a.json": label("a.jpg")}
    files |= {"images/b.jpg": OTHER, "labels/val/b.json": label("b.jpg")}
    found = gathered(write(tmp_path / "in", files))
    assert [source.path for source in found.sources] == ["images/a.jpg"]
    assert [(source.path, source.split) for source in found.holdout] == [("images/b.jpg", "val")]


def test_a_variation_has_a_file_that_leads_to_it_without_the_pixels_of_its_source(tmp_path: Path) -> None:
    own = {**json.loads(label("../images/a.jpg")), "imageData": "aGVsbG8=", "imageWidth": 64, "imageHeight": 48}
    own |= {"checked": True, "flags": {"night": True}, "lineColor": [0, 255, 0, 128]}
    files = {"images/a.jpg": ONE, "labels/1.json": json.dumps(own).encode(), "labels.txt": b"__ignore__\nbus\n"}
    job = augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1)
    found = contents(tmp_path / "out")
    assert set(found) == {*files, "images/a__v1.jpg", "labels/1__v1.json"}
    assert found["labels/1.json"] == files["labels/1.json"]
    assert json.loads(found["labels/1__v1.json"]) == {**own, "imagePath": "../images/a__v1.jpg", "imageData": None}
    assert "LabelMe" not in notices(job)


def test_a_label_file_that_is_named_after_the_whole_image(tmp_path: Path) -> None:
    files = {"a.jpg": ONE, "a.jpg.json": label("a.jpg")}
    augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1)
    assert set(contents(tmp_path / "out")) == {*files, "a__v1.jpg", "a__v1.jpg.json"}


def test_images_of_one_name_get_label_files_of_their_own(tmp_path: Path) -> None:
    files = {
        "x/a.jpg": ONE,
        "y/a.jpg": OTHER,
        "labels/1.json": label("../x/a.jpg", "x"),
        "labels/2.json": label("../y/a.jpg", "y"),
    }
    augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1)
    found = contents(tmp_path / "out")
    made = {name: json.loads(data) for name, data in found.items() if "__v1.json" in name}
    assert len(made) == 2
    for name, content in made.items():
        assert Path(name).name[0] == {"x": "1", "y": "2"}[content["shapes"][0]["label"]]
        assert content["imagePath"].startswith(f"../{content['shapes'][0]['label']}/a__")
        assert content["imagePath"].removeprefix("../") in found
