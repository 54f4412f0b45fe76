"""CVAT's elements: each kind is read, moved and written; what is broken is reported by image and number."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from augmentai.annotations import Labels
from augmentai.dataset.formats.cvat.annotation import moved_elements, shape_of
from augmentai.operations import Warp
from augmentai.operations.homography import Homography
from augmentai.operations.move_labels import move_labels
from tests.support.dataset_runs import failures
from tests.support.labelled_sets import IMAGES, SIZE_WH, photo
from tests.support.list_sets import cvat

MIRROR = [[-1, 0, 64], [0, 1, 0], [0, 0, 1]]
TURN = [[0.8, -0.6, 20], [0.6, 0.8, -10], [0, 0, 1]]
SQUEEZE = [[0.5, 0, 4], [0, 1, 0], [0, 0, 1]]


def moved(text: str, matrix: Any, points: tuple[str, ...] = ()) -> tuple[list[dict[str, str]], dict[str, None]]:
    """The elements of one object after the pixels were moved, and what was lost."""
    element = ElementTree.fromstring(text)
    shape = shape_of(element, 0, SIZE_WH, points)
    warp = Warp("test", SIZE_WH, Homography(np.array(matrix, float), False, 0.0, 1.0, 0.0))
    losses: dict[str, None] = {}
    found = move_labels(warp, Labels((shape,)), 0.0).shapes
    made = [one for shape in found for one in moved_elements(element, shape, points, losses)]
    return [{"tag": one.tag, **one.attrib} for one in made], losses


@pytest.mark.parametrize(
    ("text", "matrix", "expected"),
    [
        # a box between any two corners
        ('<box xtl="20" ytl="16" xbr="4" ybr="6"/>', MIRROR, {"xtl": 44, "ytl": 6, "xbr": 60, "ybr": 16}),
        # a rotated box is mirrored with its angle, and stays one
        (
            '<box xtl="10" ytl="10" xbr="30" ybr="20" rotation="30"/>',
            MIRROR,
            {"xtl": 34, "ytl": 10, "xbr": 54, "ybr": 20, "rotation": 330},
        ),
        (
            '<box xtl="10" ytl="10" xbr="30" ybr="20" rotation="10"/>',
            TURN,
            {"xtl": 17, "ytl": 9, "xbr": 37, "ybr": 19, "rotation": 46.87},
        ),
        # an ellipse stays one
        (
            '<ellipse cx="20" cy="20" rx="8" ry="4" rotation="30"/>',
            MIRROR,
            {"cx": 44, "cy": 20, "rx": 8, "ry": 4, "rotation": 330},
        ),
        ('<ellipse cx="20" cy="20" rx="8" ry="4"/>', SQUEEZE, {"cx": 14, "cy": 20, "rx": 4, "ry": 4}),
        ('<polygon points="4,6;20,6;12,16"/>', MIRROR, {"points": "60,6;44,6;52,16"}),
        # a line is cut at the border and never closed
        ('<polyline points="-10,10;10,10;10,30"/>', MIRROR, {"points": "64,10;54,10;54,30"}),
        # points that leave the image are gone
        ('<points points="1,2;70,2;3,4"/>', MIRROR, {"points": "63,2;61,4"}),
        # a bitmap: its run lengths begin with the background
        (
            '<mask rle="1, 5" left="10" top="12" width="3" height="2"/>',
            MIRROR,
            {"rle": "0, 2, 1, 3", "left": 51, "top": 12, "width": 3, "height": 2},
        ),
    ],
)
def test_each_kind_is_moved(text: str, matrix: Any, expected: dict[str, Any]) -> None:
    kind = text[1:].split()[0]
    text = text.replace(f"<{kind}", f'<{kind} label="bus" occluded="1" z_order="4" source="auto"', 1)
    (made,), losses = moved(text, matrix)
    assert not losses
    assert (made["tag"], made["label"], made["occluded"], made["z_order"]) == (kind, "bus", "1", "4")
    for key, value in expected.items():
        if isinstance(value, str):
            assert made[key] == value
        else:
            assert float(made[key]) == pytest.approx(value, abs=0.02), key
    if "rotation" not in expected:
        assert float(made.get("rotation", 0)) % 90 == 0


def test_a_skeleton_keeps_its_points_in_order() -> None:
    """One is hidden, one is outside already, one leaves the image, and one is not in the file."""
    text = (
        '<skeleton label="person" z_order="0"><points label="nose" outside="0" occluded="1" points="10,10"/>'
        '<points label="toe" outside="1" occluded="0" points="0,0"><attribute name="side">left</attribute></points>'
        '<points label="hand" outside="0" occluded="0" points="62,30"/></skeleton>'
    )
    element = ElementTree.fromstring(text)
    order = ("hand", "nose", "ear")
    shape = shape_of(element, 0, SIZE_WH, order)
    assert shape.keypoints == ((62, 30, 2), (10, 10, 1), (0, 0, 0), (0, 0, 0))
    shift = Warp("test", SIZE_WH, Homography(np.array([[1.0, 0, 5], [0, 1, 0], [0, 0, 1]]), False, 0.0, 1.0, 0.0))
    (after,) = move_labels(shift, Labels((shape,)), 0.0).shapes
    (made,) = moved_elements(element, after, order, {})
    assert [(one.get("label"), one.get("points"), one.get("outside")) for one in made] == [
        ("nose", "15,10", "0"),
        ("toe", "0,0", "1"),
        ("hand", "0,0", "1"),
    ]
    assert made[0].get("occluded") == "1"
    assert made.findtext("points/attribute") == "left"


@pytest.mark.parametrize(
    ("text", "words", "tag"),
    [
        (
            '<cuboid label="bus" xtl1="10" ytl1="10" xbl1="10" ybl1="20" xtr1="20" ytr1="10" xbr1="20" ybr1="20"'
            ' xtl2="12" ytl2="8" xbl2="12" ybl2="18" xtr2="22" ytr2="8" xbr2="22" ybr2="18" occluded="0"/>',
            "cuboids are written as the polygons",
            "polygon",
        ),
        ('<ellipse label="bus" cx="0" cy="20" rx="8" ry="4"/>', "ellipses that the border cuts", "polygon"),
    ],
)
def test_what_cannot_be_moved_is_said(text: str, words: str, tag: str) -> None:
    (made,), losses = moved(text, MIRROR)
    assert made["tag"] == tag
    assert not made.keys() & {"xtl1", "cx", "rx"}
    assert any(loss.startswith(words) for loss in losses)


@pytest.mark.parametrize(
    ("element", "message"),
    [
        ('<box label="" xtl="1" ytl="1" xbr="2" ybr="2"/>', "box 1: label is ''; expected the name of a class"),
        ('<box label="bus" xtl="1" ytl="1" xbr="2"/>', "box 1: ybr is None; expected a number"),
        ('<box label="bus" xtl="1" ytl="nan" xbr="2" ybr="2"/>', "box 1: ytl is 'nan'; expected a number"),
        ('<box label="bus" xtl="²" ytl="1" xbr="2" ybr="2"/>', "box 1: xtl is '²'; expected a number"),
        ('<box label="bus" xtl="1" ytl="1" xbr="2" ybr="2" rotation="x"/>', "rotation is 'x'; expected a number"),
        ('<polygon label="bus" points="1,2;3"/>', "points is '1,2;3'; expected x,y;x,y in pixels"),
        ('<polygon label="bus" points="1,2;3,4"/>', "its outline has 2 points; expected three or more"),
        ('<polyline label="bus" points=""/>', "it has no point; expected one or more"),
        ('<ellipse label="bus" cx="1" cy="1" rx="0" ry="1"/>', "its radius is 0 or less"),
        (
            '<mask label="bus" rle="1, 2" left="0" top="0" width="2" height="2"/>',
            "its runs (rle) add up to 3; expected 4, 2 x 2 pixels",
        ),
        ('<mask label="bus" rle="1" left="0" top="0" width="99999" height="99999"/>', "its mask is 99999x99999 pixels"),
        ('<mask label="bus" rle="4" left="0" top="0" width="2" height="2"/>', "its mask is empty"),
        ('<skeleton label="bus"><points label="a" points="1"/></skeleton>', "points is '1'; expected x,y;x,y"),
    ],
)
def test_a_broken_element(element: str, message: str, tmp_path: Path) -> None:
    files = cvat(IMAGES, SIZE_WH, photo)
    text = files["annotations.xml"].decode()
    start = text.index("    <box")
    end = text.index("  </image>")
    files["annotations.xml"] = (text[:start] + element + text[end:]).encode()
    found, job = failures(files, tmp_path)
    assert list(found) == ["images/train/one.jpg"]
    assert found["images/train/one.jpg"].startswith("annotations.xml, image one.jpg, ")
    assert message in found["images/train/one.jpg"]
    assert job.report.variations == 2
