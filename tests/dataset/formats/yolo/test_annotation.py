"""YOLO's label files: lines parsed and written, and broken ones reported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from augmentai.annotations import LabelError, Shape
from augmentai.dataset.formats.yolo.annotation import Classes, labels_from_yolo, shape_to_yolo
from tests.support.dataset_runs import failures
from tests.support.labelled_sets import (
    SIZE_WH,
    augmented,
    contents,
    photo,
    write,
    yolo,
)
from tests.support.ultralytics_reader import read_set


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "0 0.5 0.5 0.2 0.2\n1 0.5 x 0.2 0.2\n",
            'line 2: found "1 0.5 x 0.2 0.2"; expected a class number and coordinates',
        ),
        ("0 0.5 0.5\n", "line 1: found 2 numbers after the class; expected 4"),
        ("0 32 24 10 10\n", "line 1: found 32; expected fractions of the image's width and height, 0 to 1, not pixels"),
        ("7 0.5 0.5 0.2 0.2\n", "line 1: class 7 is not among the 3 names of data.yaml"),
        ("-1 0.5 0.5 0.2 0.2\n", "line 1: found"),
        ("0 0.5 0.5 nan 0.2\n", "expected a whole class number and finite coordinates"),
        ("0 0.5 0.5 0.2 -0.2\n", "-0.2"),
        ("\n\n0 0.1 0.1 0.2 0.2 0.3 0.3 0.4\n", "line 3: found 7 numbers after the class"),
    ],
)
def test_a_broken_line(text: str, message: str, tmp_path: Path) -> None:
    found, job = failures(yolo() | {"labels/train/one.txt": text.encode()}, tmp_path)
    assert list(found) == ["images/train/one.jpg"]
    assert found["images/train/one.jpg"].startswith("labels/train/one.txt, line")
    assert message in found["images/train/one.jpg"]
    assert job.report.variations == 2
    made = contents(tmp_path / "out")
    assert made["labels/train/one.txt"] == text.encode()  # what was given stays as it was given
    assert "images/train/one__v1.jpg" not in made


shares = st.floats(0, 1).map(lambda value: round(value, 6))


@given(st.lists(st.tuples(st.integers(0, 2), shares, shares, shares, shares), max_size=5))
def test_lines_that_did_not_move_are_written_as_they_were(boxes: list[tuple[float, ...]]) -> None:
    classes = Classes({0: "a", 1: "b", 2: "c"})
    text = "".join(" ".join(map(str, box)) + "\n" for box in boxes)
    labels = labels_from_yolo(text, "x.txt", classes, SIZE_WH)
    written = [line for shape in labels.shapes for line in shape_to_yolo(shape, classes, SIZE_WH, as_polygons=False)]
    assert "".join(line + "\n" for line in written) == text


@given(st.text(max_size=60))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_any_text_is_parsed_or_reported(text: str) -> None:
    message = ""
    try:
        labels_from_yolo(text, "x.txt", Classes({}), SIZE_WH)
    except LabelError as error:
        message = str(error)
    assert not message or "x.txt, line " in message


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("1 0.999 0.5 0.2 0.2", (0, 19.2, 6.464, 28.8)),  # its right half is beyond the image
        ("1 0.4 0.5 0.2 0.2", (32, 19.2, 44.8, 28.8)),
        ("1 0.05 0.95 0.2 0.2", (54.4, 40.8, 64, 48)),  # beyond a corner
    ],
)
@pytest.mark.parametrize("names", ["[car, bus]", "[car, car]"])
def test_the_corners_of_a_moved_box_are_clamped(
    line: str, expected: tuple[float, ...], names: str, tmp_path: Path
) -> None:
    yaml = f"train: images\nval: images\nnames: {names}\n".encode()
    files = {"images/a.jpg": photo([]), "labels/a.txt": f"{line}\n".encode(), "data.yaml": yaml}
    augmented([write(tmp_path / "in", files)], tmp_path / "out", geometry="flip", variations=6)
    read = read_set(tmp_path / "out/data.yaml", "train")
    texts = {name: (tmp_path / "out/labels" / f"{Path(name).stem}.txt").read_text() for name in read}
    moved = [one for name, one in read.items() if texts[name] != f"{line}\n"]
    assert moved
    for one in moved:
        np.testing.assert_allclose(one.boxes, [expected], atol=1e-3)
        assert one.classes == [names.strip("[]").split(", ")[1]]


def test_a_class_without_a_number() -> None:
    named = Classes({0: "cat"}, "data.yaml")
    with pytest.raises(LabelError, match=r'the class "dog" is not among the 1 name of data\.yaml; add it'):
        shape_to_yolo(Shape("dog", (0, 0, 5, 5)), named, (10, 10), as_polygons=False)
    with pytest.raises(LabelError, match='"7" is not among'):
        named.number("7")  # a name, since the classes have names
    assert Classes({}).number("7") == 7
