"""VIA's regions: each kind is moved and written; which attribute is the class; what is broken is reported."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from augmentai.annotations import Labels
from augmentai.dataset.formats.via.annotation import moved_regions, shape_of
from augmentai.operations import Warp
from augmentai.operations.homography import Homography
from augmentai.operations.move_labels import move_labels
from tests.support.dataset_runs import failures
from tests.support.labelled_sets import SIZE_WH, photo

MIRROR = [[-1, 0, 64], [0, 1, 0], [0, 0, 1]]
SQUEEZE = [[0.5, 0, 4], [0, 1, 0], [0, 0, 1]]


def region(attributes: Any = None, **shape: Any) -> dict[str, Any]:
    return {"shape_attributes": shape, "region_attributes": {"class": "bus"} if attributes is None else attributes}


def moved(one: dict[str, Any], matrix: Any) -> tuple[list[dict[str, Any]], dict[str, None]]:
    warp = Warp("test", SIZE_WH, Homography(np.array(matrix, float), False, 0.0, 1.0, 0.0))
    losses: dict[str, None] = {}
    found = move_labels(warp, Labels((shape_of(one, 0),)), 0.0).shapes
    return [made for shape in found for made in moved_regions(one, shape, losses)], losses


@pytest.mark.parametrize(
    ("shape", "matrix", "expected"),
    [
        ({"name": "rect", "x": 4, "y": 6, "width": 16, "height": 10}, MIRROR, {"name": "rect", "x": 44, "y": 6}),
        ({"name": "circle", "cx": 20, "cy": 20, "r": 6}, MIRROR, {"name": "circle", "cx": 44, "cy": 20, "r": 6}),
        # a circle that is squeezed is an ellipse, which VIA has
        ({"name": "circle", "cx": 20, "cy": 20, "r": 6}, SQUEEZE, {"name": "ellipse", "cx": 14, "rx": 3, "ry": 6}),
        (
            {"name": "ellipse", "cx": 20, "cy": 20, "rx": 8, "ry": 4, "theta": math.pi / 6},
            MIRROR,
            {"name": "ellipse", "cx": 44, "cy": 20, "rx": 8, "ry": 4, "theta": -math.pi / 6},
        ),
        (
            {"name": "polygon", "all_points_x": [4, 20, 12], "all_points_y": [6, 6, 16]},
            MIRROR,
            {"name": "polygon", "all_points_x": [60, 44, 52], "all_points_y": [6, 6, 16]},
        ),
        # an open line is cut at the border
        (
            {"name": "polyline", "all_points_x": [-10, 10, 10], "all_points_y": [10, 10, 30]},
            MIRROR,
            {"name": "polyline", "all_points_x": [64, 54, 54], "all_points_y": [10, 10, 30]},
        ),
        ({"name": "point", "cx": 10, "cy": 12}, MIRROR, {"name": "point", "cx": 54, "cy": 12}),
    ],
)
def test_each_kind_is_moved(shape: dict[str, Any], matrix: Any, expected: dict[str, Any]) -> None:
    (made,), losses = moved(region({"class": "bus", "colour": "red"}, **shape), matrix)
    assert not losses
    assert made["region_attributes"] == {"class": "bus", "colour": "red"}
    found = made["shape_attributes"]
    for key, value in expected.items():
        assert found[key] == (value if isinstance(value, str) else pytest.approx(value, abs=0.01)), key


def test_what_cannot_be_kept_is_said() -> None:
    (made,), losses = moved(region(name="circle", cx=0, cy=20, r=6), MIRROR)
    assert made["shape_attributes"]["name"] == "polygon"
    assert any("the border cuts are written as polygons" in loss for loss in losses)
    horseshoe = {"all_points_x": [4, 60, 60, 50, 50, 14, 14, 4], "all_points_y": [4, 4, 40, 40, 12, 12, 40, 40]}
    made_two, losses = moved(region(name="polygon", **horseshoe), [[1, 0, 0], [0, 1, -20], [0, 0, 1]])
    assert len(made_two) == 2
    assert any("one region per piece" in loss for loss in losses)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"class": "bus"}, "bus"),
        ({"colour": "red", "Label": "bus"}, "bus"),  # the one that is called so
        ({"animal": "cat", "age": "3"}, "cat"),  # else the first
        ({"type": {"cat": True, "dog": False}}, "cat"),  # a checkbox
        ({}, "object"),
        ("", "object"),  # VIA 1
    ],
)
def test_which_attribute_is_the_class(attributes: Any, expected: str) -> None:
    assert shape_of(region(attributes, name="rect", x=1, y=1, width=5, height=5), 0).category == expected


@pytest.mark.parametrize(
    ("one", "message"),
    [
        (region(name="rect", x="1", y=1, width=None, height=3), "width of bus is None; expected a number"),
        (region(name="rect", x=1, y=1, width=-1, height=3), "bus is -1 wide and 3 high"),
        (region(name="cube"), "the shape of bus is called 'cube'; expected one of circle, ellipse, point, polygon"),
        (region(name="polygon", all_points_x=[1, 2], all_points_y=[1]), "expected lists of one length"),
        (region(name="polygon", all_points_x=[1, 2], all_points_y=[1, 2]), "its outline has 2 points"),
        (region(name="circle", cx=1, cy=1, r=0), "its radius is 0 or less"),
        ("nothing", "found 'nothing'; expected a mapping with shape_attributes"),
    ],
)
def test_a_broken_region(one: Any, message: str, tmp_path: Path) -> None:
    images = {
        "a.jpg9": {"filename": "a.jpg", "size": 9, "regions": [one], "file_attributes": {}},
        "b.jpg9": {"filename": "b.jpg", "size": 9, "regions": [], "file_attributes": {}},
    }
    files = {"a.jpg": photo([("bus", 4, 6, 24, 20)]), "b.jpg": photo([]), "via.json": json.dumps(images).encode()}
    found, job = failures(files, tmp_path)
    assert list(found) == ["a.jpg"]
    assert found["a.jpg"].startswith("via.json, image a.jpg, region 1: ")
    assert message in found["a.jpg"]
    assert job.report.variations == 1
