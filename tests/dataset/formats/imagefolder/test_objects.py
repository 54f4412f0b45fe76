"""Boxes in the column "objects", in the forms that sets on the hub have, and what in a row is in pixels."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from augmentai.annotations import LabelError, Shape
from augmentai.dataset.formats.imagefolder.objects import objects_of
from tests.support import trainers
from tests.support.coco_files import SIZE_WH, photos
from tests.support.dataset_runs import notices
from tests.support.labelled_sets import Files, augmented, contents, gathered, write

BOXES = [[4, 3, 10, 8], [20, 1, 6, 6]]
SHAPES = [("cat", (4, 3, 14, 11)), ("dog", (20, 1, 26, 7))]
MIRRORED = [[SIZE_WH[0] - 14, 3, 10, 8], [SIZE_WH[0] - 26, 1, 6, 6]]
COLUMNS = {"bbox": BOXES, "categories": ["cat", "dog"], "id": [1, 2]}


def with_objects(value: Any, **more: Any) -> Files:
    row = {"file_name": "a.jpg", "objects": value, **more}
    return photos("a.jpg") | {"metadata.jsonl": json.dumps(row).encode()}


def as_csv(text: str) -> Files:
    table = io.StringIO()
    csv.writer(table).writerows([["file_name", "objects"], ["a.jpg", text]])
    return photos("a.jpg") | {"metadata.csv": table.getvalue().encode()}


@pytest.mark.parametrize(
    "files",
    [
        with_objects(COLUMNS),
        with_objects({**COLUMNS, "area": [80, 36], "source": "ours"}),
        with_objects({"bbox": BOXES, "category": ["cat", "dog"]}),
        # The same boxes once more, as sides and centres.
        with_objects({**COLUMNS, "x": [4, 20], "y": [3, 1], "w": [10, 6], "h": [8, 6], "cx": [9, 23]}),
        with_objects({"boxes": BOXES, "labels": ["cat", "dog"]}),
        # One mapping per object, as `datasets` shows them.
        with_objects([{"bbox": box, "category": name} for box, (name, _) in zip(BOXES, SHAPES, strict=True)]),
        # As text in CSV: JSON, and what pandas writes.
        as_csv(json.dumps(COLUMNS)),
        as_csv(str(COLUMNS)),
        as_csv(str([{"bbox": box, "label": name} for box, (name, _) in zip(BOXES, SHAPES, strict=True)])),
        # Longer than the csv module expects of a value.
        as_csv(json.dumps({**COLUMNS, "note": "x" * 200_000})),
    ],
)
def test_boxes_are_read_and_move(files: Files, tmp_path: Path) -> None:
    given = write(tmp_path / "in", files)
    labels = gathered(given).sources[0].labels
    assert labels is not None
    assert [(shape.category, shape.box) for shape in labels.load().shapes] == SHAPES
    augmented([given], tmp_path / "out", variations=1, operations=["flip(probability=1)"])
    again = {source.path: source for source in gathered(tmp_path / "out").sources}["a__v1.jpg"]
    assert again.labels is not None
    moved = [(shape.category, shape.box) for shape in again.labels.load().shapes]
    expected = [(name, (x, y, x + w, y + h)) for (name, _), (x, y, w, h) in zip(SHAPES, MIRRORED, strict=True)]
    assert moved == expected
    name = next(name for name in files if name.startswith("metadata"))
    written, before = contents(tmp_path / "out")[name].decode(), files[name].decode()
    assert ("'bbox'" in written) == ("'bbox'" in before)  # in the form that it had
    assert ('[{"' in written) == ('[{"' in before)


@pytest.mark.parametrize(
    "value",
    [None, 3, "two cats", [], {}, {"bbox": None}, {"bbox": [], "categories": []}, [1, 2], {"segmentation": 5}],
)
def test_no_boxes(value: Any, tmp_path: Path) -> None:
    job = augmented([write(tmp_path / "in", with_objects(value))], tmp_path / "out", variations=1, geometry="flip")
    assert not job.report.failures
    rows = [json.loads(line) for line in contents(tmp_path / "out")["metadata.jsonl"].decode().splitlines()]
    assert [row["objects"] for row in rows] == [value, value]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"bbox": [[1, 2, 3]], "categories": ["cat"]}, "bbox 1 is [1, 2, 3]; expected [x, y, width, height]"),
        ({"bbox": [[1, 2, -3, 4]], "categories": ["cat"]}, "expected a width and a height above 0"),
        ({"bbox": [[1, float("nan"), 3, 4]], "categories": ["cat"]}, "bbox 1 is [1, nan, 3, 4]"),
        ({"bbox": [[1, 2, 10**400, 4]], "categories": ["cat"]}, "bbox 1 is [1, 2, 1000"),
        ({"bbox": [None], "categories": ["cat"]}, "bbox 1 is None"),
        ({"bbox": BOXES, "categories": ["cat"]}, "1 classes for 2 boxes in objects; expected one for each"),
        ("{'bbox': [[1, 2,", "objects is \"{'bbox': [[1, 2,\"; expected JSON with bbox and categories"),
        ("[" * 5000, "expected JSON with bbox and categories"),
    ],
)
def test_odd_boxes_are_refused_with_their_line(value: Any, words: str, tmp_path: Path) -> None:
    labels = gathered(write(tmp_path, with_objects(value))).sources[0].labels
    assert labels is not None
    with pytest.raises(LabelError) as caught:
        labels.load()
    assert str(caught.value).startswith("metadata.jsonl, line 1: ")
    assert words in str(caught.value)


def test_what_is_in_pixels_is_removed_where_they_move(tmp_path: Path) -> None:
    """No documentation says what these columns mean, so they would be wrong."""
    more = {"xmin": 4, "ymax": 11, "face_keypoints": [1, 2], "left": "hand", "text": "kept"}
    files = with_objects({**COLUMNS, "segmentation": [[1], [2]]}, **more)
    job = augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1, operations=["flip(probability=1)"])
    rows = [json.loads(line) for line in contents(tmp_path / "out")["metadata.jsonl"].decode().splitlines()]
    assert rows[0] == json.loads(files["metadata.jsonl"])
    assert set(rows[1]) == {"file_name", "objects", "left", "text"}
    assert "segmentation" not in rows[1]["objects"]
    for column in ("xmin", "ymax", "face_keypoints", "objects.segmentation"):
        assert f"`{column}` is removed from geometrically transformed images" in notices(job)


def test_datasets_reads_the_same_boxes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    given = write(tmp_path / "in", with_objects(COLUMNS))
    augmented([given], tmp_path / "out", variations=1, operations=["flip(probability=1)"])
    rows = trainers.loads_as_imagefolder(tmp_path / "out", tmp_path / "cache")["train"]
    assert [row["objects"]["bbox"] for row in rows] == [BOXES, MIRRORED]
    assert [row["objects"]["categories"] for row in rows] == [["cat", "dog"]] * 2


def test_what_other_formats_hold_of_it(tmp_path: Path) -> None:
    """Fields of objects are attributes, a crowd is one; columns of the image, which only a table has, are named."""
    column = {"bbox": BOXES, "categories": ["cat", "dog"], "occluded": [1, 0], "iscrowd": [0, 1], "id": [4, 5]}
    files = with_objects(column, text="two pets", score=0.5, empty="")
    given = write(tmp_path / "in", files)
    job = augmented([given], tmp_path / "out", variations=1, to="coco")
    assert "fields of images and classes were left out: score, text" in notices(job)
    annotations = json.loads(contents(tmp_path / "out")["annotations/instances.json"])["annotations"]
    assert [(one.get("occluded"), one["iscrowd"]) for one in annotations] == [(1, 0), (None, 1)] * 2
    job = augmented([given], tmp_path / "voc", variations=1, to="voc")
    assert "attributes of objects were left out" in notices(job)


def test_a_pasted_object_is_written_as_its_own_image_says_it() -> None:
    """The class in the set's own type, a number that no other has, the fields of the donor, the area of the box."""
    row = {"objects": {"bbox": [[1, 2, 3, 4]], "categories": [3], "id": [7], "area": [12], "colour": ["red"]}}
    objects = objects_of(row)
    assert objects is not None
    lent = {"category": 5, "fields": {"colour": "blue"}}
    moved, _ = objects.moved([*objects.shapes(), Shape("5", (2, 2, 8, 8), extra={"pasted": lent})])
    assert moved == {
        "bbox": [[1, 2, 3, 4], [2, 2, 6, 6]],
        "categories": [3, 5],
        "id": [7, 8],
        "area": [12, 36],
        "colour": ["red", "blue"],
    }


def test_whole_numbers_stay_whole(tmp_path: Path) -> None:
    """`datasets` refuses a set whose files have fractions in one split and none in another."""
    row = {"file_name": "a.jpg", "objects": {"bbox": [[4, 3, 20, 16]], "categories": ["cat"], "area": [320]}}
    files = {f"{split}/a.jpg": photos(f"{split}.jpg")[f"{split}.jpg"] for split in ("train", "val")}
    files |= {f"{split}/metadata.jsonl": json.dumps(row).encode() for split in ("train", "val")}
    augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1, operations=["crop(scale=0.6..0.8)"])
    rows = [json.loads(line) for line in (tmp_path / "out/train/metadata.jsonl").read_text().splitlines()]
    assert [row["file_name"] for row in rows] == ["a.jpg", "a__v1.jpg"]
    moved = rows[1]["objects"]
    assert moved["bbox"] != [[4, 3, 20, 16]]
    assert {type(value) for value in (*moved["bbox"][0], *moved["area"])} == {int}
    assert moved["area"] == [moved["bbox"][0][2] * moved["bbox"][0][3]]
