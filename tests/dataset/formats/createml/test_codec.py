"""CreateML's files: boxes by their centre and image-level classes, moved, written, and reported if broken."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augmentai.dataset.formats.createml.codec import open_createml
from tests.support.dataset_runs import failures
from tests.support.labelled_sets import SIZE_WH, augmented, contents, gathered, photo, write
from tests.support.listed_files import assert_read_or_reported, changed_anywhere
from tests.support.memory_file import MemoryFile

CAR = ("red car", 4, 6, 24, 20)
FLIP = [{"flip": {"probability": 1.0}}]


def box(label: Any = "car", **coordinates: Any) -> dict[str, Any]:
    return {"label": label, "coordinates": {"x": 14, "y": 13, "width": 20, "height": 14, **coordinates}}


def as_set(*entries: Any) -> dict[str, bytes]:
    return {"a.jpg": photo([CAR]), "_annotations.createml.json": json.dumps(list(entries)).encode()}


def test_what_nobody_understands_stays_and_boxes_move(tmp_path: Path) -> None:
    entry = {"image": "a.jpg", "annotations": [{**box(), "confidence": 0.5}], "verified": True}
    augmented([write(tmp_path / "in", as_set(entry))], tmp_path / "out", operations=FLIP, variations=1)
    own, made = json.loads(contents(tmp_path / "out")["_annotations.createml.json"])
    assert own == entry
    moved = {"x": 50, "y": 13, "width": 20, "height": 14}
    assert made == {**entry, "image": "a__v1.jpg", "annotations": [{**box(**moved), "confidence": 0.5}]}


@pytest.mark.parametrize(
    ("entry", "label"),
    [
        # the class of an image, as the image classifier of CreateML reads it
        ({"image": "a.jpg", "annotation": "cat"}, "cat"),
        ({"image": "a.jpg", "annotations": [{"label": "cat"}]}, "cat"),
        ({"imagefilename": "a.jpg", "annotation": [{"label": "cat"}]}, "cat"),
        # several, and one beside a box: the image has no class of its own
        ({"image": "a.jpg", "annotations": [{"label": "cat"}, {"label": "dog"}]}, None),
        ({"image": "a.jpg", "annotations": [{"label": "cat"}, box()]}, None),
        # no object
        ({"image": "a.jpg", "annotations": []}, None),
    ],
)
def test_classes_of_whole_images(entry: dict[str, Any], label: str | None, tmp_path: Path) -> None:
    given = write(tmp_path / "in", as_set(entry))
    found = gathered(given)
    assert found.layout.name == "createml"
    assert [source.label for source in found.sources] == [label]
    augmented([given], tmp_path / "out", operations=FLIP, variations=1)
    own, made = json.loads(contents(tmp_path / "out")["_annotations.createml.json"])
    assert own == entry
    assert json.dumps(made).count("cat") == json.dumps(entry).count("cat")


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        (box(label=None), "annotation 1: label is None; expected the name of a class"),
        (box(x="left"), "annotation 1: x of car is 'left'; expected a number"),
        (box(width=-3), "annotation 1: car is -3 wide and 14 high; expected a width and a height above 0"),
        (box(height=1e300), "annotation 1: height of car is 1e+300; expected a number"),
        ({"label": "car", "coordinates": [1, 2, 3, 4]}, "coordinates of car is [1, 2, 3, 4]; expected x, y, width"),
        ({"label": "car", "coordinates": {}}, "annotation 1: x of car is None; expected a number"),
        (7, "annotation 1: found 7; expected a mapping with label and coordinates"),
    ],
)
def test_a_broken_annotation_costs_its_image_alone(annotation: Any, message: str, tmp_path: Path) -> None:
    files = as_set({"image": "a.jpg", "annotations": [annotation]}, {"image": "b.jpg", "annotations": [box()]})
    found, job = failures(files | {"b.jpg": photo([])}, tmp_path)
    assert list(found) == ["a.jpg"]
    assert found["a.jpg"].startswith("_annotations.createml.json, image a.jpg, ")
    assert message in found["a.jpg"]
    assert job.report.variations == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'[{"image": "a.jpg", "annotations": [}]', "line 1: Expecting value (column 37)"),
        (b'[{"image": "a.jpg", "annotations": ' + b"[" * 100_000, "deep"),
    ],
    ids=["brackets", "deep"],
)
def test_a_broken_file_is_reported(text: bytes, message: str, tmp_path: Path) -> None:
    found, job = failures({"a.jpg": photo([CAR]), "_annotations.createml.json": text}, tmp_path)
    assert list(found) == ["_annotations.createml.json"]
    assert message in found["_annotations.createml.json"]
    assert job.report.variations == 0


def test_an_entry_without_an_image_costs_nothing_else(tmp_path: Path) -> None:
    found, job = failures(as_set({"image": "a.jpg", "annotations": [box()]}, {"picture": 1}, 3), tmp_path)
    reasons = [row["reason"] for row in job.report.failures]
    assert list(found) == ["_annotations.createml.json"]
    assert [reason.split(":")[0] for reason in reasons] == ["entry 2", "entry 3"]
    assert job.report.variations == 1


def test_nan_is_no_number(tmp_path: Path) -> None:
    files = as_set({"image": "a.jpg", "annotations": [box(x=float("nan"))]})
    found, _ = failures(files, tmp_path)
    assert "x of car is None; expected a number" in found["a.jpg"]


values = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just([]), st.just({}))


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_any_value_anywhere_is_read_or_reported(data: st.DataObject) -> None:
    content: Any = copy.deepcopy([{"image": "a.jpg", "annotations": [box(), {"label": "night"}, box("bus")]}] * 2)
    changed_anywhere(content, data, values)
    assert_read_or_reported(
        lambda: open_createml(MemoryFile("createml.json", json.dumps(content).encode())),
        "createml.json",
        "annotation ",
        SIZE_WH,
    )
