"""LabelMe's shapes: each kind is read, moved and written; what is broken is reported by file and number."""

from __future__ import annotations

import base64
import copy
import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from augmentai.annotations import LabelError, Labels
from augmentai.dataset.formats.label_values import parse_json
from augmentai.dataset.formats.labelme.annotation import is_labelme, labels_from_labelme, shapes_to_labelme
from augmentai.images.orientation import Frame
from augmentai.operations import Warp
from augmentai.operations.homography import Homography
from augmentai.operations.move_labels import move_labels
from tests.support.dataset_runs import failures
from tests.support.image_files import encoded
from tests.support.labelled_sets import IMAGES, SIZE_WH, augmented, photo, write
from tests.support.tool_sets import labelme

SET = labelme(IMAGES, SIZE_WH, photo)
UPRIGHT = Frame(SIZE_WH, SIZE_WH)
MIRROR = [[-1, 0, 64], [0, 1, 0], [0, 0, 1]]
TURN = [[0.8, -0.6, 20], [0.6, 0.8, -10], [0, 0, 1]]
SQUEEZE = [[0.5, 0, 4], [0, 1, 0], [0, 0, 1]]
TILT = [[1, 0, 0], [0, 1, 0], [0.002, 0, 1]]


def crop(width: int, height: int) -> str:
    pixels = np.ones((height, width), np.uint8)
    pixels[0, 0] = 0
    return base64.b64encode(encoded(Image.fromarray(pixels))).decode()


def shape(kind: str | None, points: Any, **other: Any) -> dict[str, Any]:
    found = {"label": "bus", "points": points, "group_id": 7, "shape_type": kind, "flags": {}, **other}
    return {key: value for key, value in found.items() if value is not None}


def moved(raw: dict[str, Any], matrix: list[list[float]]) -> tuple[list[dict[str, Any]], dict[str, None]]:
    """The entries of one shape after the pixels were moved, and what was lost."""
    before = labels_from_labelme({"shapes": [raw], "imagePath": "a.jpg"}, "a.json", UPRIGHT)
    warp = Warp("test", SIZE_WH, Homography(np.array(matrix, float), False, 0.0, 1.0, 0.0))
    losses: dict[str, None] = {}
    return shapes_to_labelme(move_labels(warp, before, 0.0), before, losses), losses


@pytest.mark.parametrize(
    ("raw", "matrix", "kind", "points"),
    [
        # a rectangle between two corners, drawn from the lower right one
        (shape("rectangle", [[20, 16], [4, 6]]), MIRROR, "rectangle", [[44, 6], [60, 16]]),
        # X-AnyLabeling's rectangle has four corners
        (
            shape("rectangle", [[4, 6], [20, 6], [20, 16], [4, 16]]),
            MIRROR,
            "rectangle",
            [[44, 6], [60, 6], [60, 16], [44, 16]],
        ),
        # the polygon of old files, which do not say what kind it is
        (shape(None, [[4, 6], [20, 6], [12, 16]]), MIRROR, "polygon", [[60, 6], [44, 6], [52, 16]]),
        # a rotated box stays one: it begins at the corner that is its first one now
        (
            shape("rotation", [[10, 10], [30, 10], [30, 20], [10, 20]], direction=0.0),
            TURN,
            "rotation",
            [[22, 4], [38, 16], [32, 24], [16, 12]],
        ),
        (
            shape("oriented_rectangle", [[10, 10], [30, 10], [30, 20], [10, 20]]),
            MIRROR,
            "oriented_rectangle",
            [[34, 10], [54, 10], [54, 20], [34, 20]],
        ),
        # a circle is its centre and a point on it
        (shape("circle", [[20, 20], [20, 26]]), MIRROR, "circle", [[44, 20], [50, 20]]),
        (shape("circle", [[20, 20], [20, 26]]), TURN, "circle", [[24, 18], [30, 18]]),
        # lines are cut at the border, and are never closed
        (shape("line", [[10, 10], [40, 10]]), MIRROR, "line", [[54, 10], [24, 10]]),
        (
            shape("linestrip", [[-10, 10], [10, 10], [10, 30]]),
            MIRROR,
            "linestrip",
            [[64, 10], [54, 10], [54, 30]],
        ),
        (shape("point", [[10, 12]]), MIRROR, "point", [[54, 12]]),
        (shape("points", [[10, 12], [11, 13]], point_labels=[1, 0]), MIRROR, "points", [[54, 12], [53, 13]]),
        # a bitmap is a PNG of its part of the image
        (shape("mask", [[10, 12], [19, 16]], mask=crop(10, 5)), MIRROR, "mask", [[44, 12], [53, 16]]),
    ],
)
def test_each_kind_is_moved(raw: dict[str, Any], matrix: Any, kind: str, points: Any) -> None:
    (entry,), losses = moved(raw, matrix)
    assert entry.get("shape_type", "polygon") == kind
    np.testing.assert_allclose(entry["points"], points, atol=0.01)
    assert not losses
    assert (entry["label"], entry["group_id"], entry["flags"]) == ("bus", 7, {})
    if "direction" in raw:
        assert entry["direction"] == pytest.approx(math.atan2(0.6, 0.8), abs=1e-4)
    if kind == "mask":
        mask = np.asarray(Image.open(io.BytesIO(base64.b64decode(entry["mask"]))))
        assert mask.shape == (5, 10)
        assert (mask == 0).sum() == 1
        assert mask[0, -1] == 0


def test_flags_of_a_side_go_where_the_object_is_mirrored(tmp_path: Path) -> None:
    """LabelMe's flags say yes or no of an object, and of the image."""
    flags = {"facing_left": True, "occluded": True}
    raw = shape("rectangle", [[10, 12], [20, 22]], flags=flags)
    (entry,), losses = moved(raw, MIRROR)
    assert entry["flags"] == {"occluded": True}
    assert list(losses) == ["`flags.facing_left` is removed from geometrically transformed images"]
    content = {"version": "5", "flags": flags, "shapes": [raw], "imagePath": "one.jpg", "imageWidth": 64}
    files = {"one.jpg": photo([("bus", 1, 10, 30, 30)]), "one.json": json.dumps(content).encode()}
    job = augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1, operations=["flip(probability=1)"])
    made = json.loads((tmp_path / "out/one__v1.json").read_text())
    assert made["flags"] == made["shapes"][0]["flags"] == {"occluded": True}
    assert "`flags.facing_left` is removed from geometrically transformed images" in job.report.as_dict()["notices"]


@pytest.mark.parametrize(
    ("raw", "matrix", "kinds", "words"),
    [
        # a circle that is squeezed is an ellipse, which LabelMe does not have
        (shape("circle", [[20, 20], [20, 26]]), SQUEEZE, ["polygon"], "circles that geometry distorts"),
        # cut at the border
        (shape("circle", [[0, 20], [0, 26]]), MIRROR, ["polygon"], "circles that geometry distorts"),
        # a kind of another tool's: where it goes is not known
        (
            shape("cuboid", [[10, 10], [20, 10], [20, 20], [10, 20]]),
            MIRROR,
            [],
            "shapes of the kind cuboid are removed",
        ),
        # one of several prompts left the image: which one the rest of the entry means is not known
        (shape("points", [[10, 12], [70, 13]]), MIRROR, [], "shapes of the kind points are removed"),
    ],
)
def test_what_cannot_be_moved_is_said(raw: dict[str, Any], matrix: Any, kinds: list[str], words: str) -> None:
    entries, losses = moved(raw, matrix)
    assert [entry["shape_type"] for entry in entries] == kinds
    assert any(loss.startswith(words) for loss in losses)


def test_a_rotated_box_has_four_right_angles_after_a_tilt() -> None:
    (entry,), _ = moved(shape("rotation", [[10, 10], [30, 18], [26, 28], [6, 20]], direction=0.38), TILT)
    points = np.array(entry["points"])
    sides = np.roll(points, -1, 0) - points
    assert np.abs((sides * np.roll(sides, -1, 0)).sum(1)).max() < 0.5
    assert entry["direction"] == pytest.approx(math.atan2(sides[0][1], sides[0][0]), abs=1e-3)


def test_the_pieces_of_a_cut_polygon_are_one_object() -> None:
    horseshoe = [[4, 4], [60, 4], [60, 40], [50, 40], [50, 12], [14, 12], [14, 40], [4, 40]]
    entries, _ = moved(shape("polygon", horseshoe, group_id=None), [[1, 0, 0], [0, 1, -20], [0, 0, 1]])
    assert [entry["shape_type"] for entry in entries] == ["polygon", "polygon"]
    assert entries[0]["group_id"] == entries[1]["group_id"] == 1


def test_shapes_that_did_not_move_are_written_as_they_were() -> None:
    raws = [
        shape("rectangle", [[20.123456, 16], [4, 6]], own_key={"a": [1]}),
        shape("circle", [[20, 20], [20, 26]]),
        shape("cuboid", [[1, 1], [2, 2], [3, 1]]),
        shape("polygon", [["4", 6], [20, 6], [12, 16], [4, 6]]),
    ]
    labels = labels_from_labelme({"shapes": raws, "imagePath": "a.jpg"}, "a.json", UPRIGHT)
    assert shapes_to_labelme(labels, labels, {}) == raws


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": ""}, "shape 1: its label is ''; expected the name of a class"),
        ({"label": None}, "shape 1: its label is None; expected the name of a class"),
        ({"points": []}, "shape 1: points of bus is []; expected a list of [x, y]"),
        ({"points": [[1, 2], [3, float("nan")]]}, "y of point 2 of bus is nan; expected a number"),
        ({"points": [[1, 2], [3, "four"]]}, "y of point 2 of bus is 'four'; expected a number"),
        ({"points": [[1, 2], [3, 10**400]]}, "y of point 2 of bus is 1000"),
        ({"points": [[1, 2], 3]}, "point 2 of bus is 3; expected [x, y] in pixels"),
        ({"points": [[1, 2]]}, "the rectangle bus has 1 point; expected 2"),
        ({"shape_type": "polygon"}, "its outline has 2 points; expected three or more"),
        ({"shape_type": "circle", "points": [[1, 2], [1, 2]]}, "its radius is 0 or less"),
        ({"shape_type": "mask"}, "its mask is None; expected a PNG as base64 text"),
        ({"shape_type": "mask", "mask": "é"}, "its mask is not base64 text"),
        ({"shape_type": "mask", "mask": "aGVsbG8="}, "its mask is not a valid PNG"),
        ({"shape_type": "mask", "mask": crop(9, 9)}, "its mask has 9x9 pixels; expected 21x15, as its points say"),
    ],
)
def test_a_broken_shape(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    broken = {**shape("rectangle", [[4, 6], [24, 20]]), **change}
    content = json.dumps({"version": "5", "flags": {}, "shapes": [broken], "imagePath": "one.jpg"}).encode()
    found, job = failures(SET | {"train/one.json": content}, tmp_path)
    assert list(found) == ["train/one.jpg"]
    assert found["train/one.jpg"].startswith("train/one.json, shape 1: ")
    assert message in found["train/one.jpg"]
    assert job.report.variations == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'{"version": "5", "shapes": [], "imagePath": ', "line 1: Expecting value"),
        (b'{"version": "5", "imagePath": "one.jpg", "shapes": ' + b"[" * 3000, "nested too deeply"),
        (b'{"version": ' + b"9" * 5000 + b', "shapes": [], "imagePath": "one.jpg"}', "too many digits"),
        (b"\x00\x01\x02\x03" * 99, "train/one.json"),
    ],
    ids=["cut off", "deep", "digits", "bytes"],
)
def test_a_file_that_is_no_json(text: bytes, message: str, tmp_path: Path) -> None:
    """Its image is not augmented; the others are."""
    found, job = failures(SET | {"train/one.json": text}, tmp_path)
    reported = {file: reason for file, reason in found.items() if message in reason}
    assert set(reported) == {"train/one.jpg"}
    assert reported["train/one.jpg"].startswith("train/one.json")
    assert job.gathered.layout.name == "labelme"
    assert job.report.variations == 2


values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just([]), st.just({}), st.just("1e5")
)


def places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value in a content."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(place for key, below in items for place in places(below, (*here, key)))]


WHOLE = json.loads(SET["train/one.json"])
WHOLE["shapes"] += [
    shape("circle", [[20, 20], [20, 26]]),
    shape("rotation", [[10, 10], [30, 18], [26, 28], [6, 20]], direction=0.38),
    shape("linestrip", [[1, 1], [2, 2], [3, 1]]),
    shape("mask", [[10, 12], [19, 16]], mask=crop(10, 5)),
]


@given(st.data())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_value_anywhere_is_read_or_reported(data: st.DataObject) -> None:
    content = copy.deepcopy(WHOLE)
    *above, last = data.draw(st.sampled_from(places(content)[1:]))
    parent = content
    for key in above:
        parent = parent[key]
    parent[last] = data.draw(values)
    if not is_labelme(content):
        return
    losses: dict[str, None] = {}
    try:
        before = labels_from_labelme(content, "x.json", UPRIGHT)
    except LabelError as error:
        assert "x.json, shape " in str(error)  # noqa: PT017
        return
    warp = Warp("test", SIZE_WH, Homography(np.array(MIRROR, float), True, 0.0, 1.0, 0.0))
    entries = shapes_to_labelme(move_labels(warp, before, 0.3), before, losses)
    again = labels_from_labelme({**content, "shapes": entries}, "y.json", UPRIGHT)
    assert {one.category for one in again.shapes} <= {one.category for one in before.shapes}


@given(st.text(max_size=40))
def test_any_text_is_json_or_reported(text: str) -> None:
    try:
        parse_json(text, "x.json")
    except LabelError as error:
        assert str(error).startswith("x.json")  # noqa: PT017


def test_labels_on_the_stored_pixels_are_turned_upright() -> None:
    """Drawn on 48 x 64 stored pixels of an image that is shown with 64 x 48."""
    frame = Frame(SIZE_WH, (48, 64), 6)
    content = {"shapes": [shape("rectangle", [[2, 3], [10, 20]])], "imageWidth": 48, "imageHeight": 64, "imagePath": ""}
    labels = labels_from_labelme(content, "a.json", frame)
    assert labels.reoriented
    assert labels.shapes[0].box == (44, 2, 61, 10)
    (entry,) = shapes_to_labelme(Labels(labels.shapes), labels, {})
    assert entry["points"] == [[44, 2], [61, 10]]
