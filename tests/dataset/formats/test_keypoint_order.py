"""Which keypoints change places in a mirrored image, by their names."""

from __future__ import annotations

import pytest

from augmentai.dataset.formats.keypoint_order import flip_order

PERSON = [
    *("nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow"),
    *("right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle"),
    "right_ankle",
]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (PERSON, (0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15)),  # COCO's person, as Ultralytics has it
        (["Right Eye", "Nose", "Left Eye"], (2, 1, 0)),  # any order and case
        (["eyeLeft", "eyeRight"], (1, 0)),  # the side behind, in capitals
        (["lefteye", "righteye", "mouth"], (1, 0, 2)),  # without a separator
        (["L_eye", "R_eye", "tail"], (1, 0, 2)),  # one letter for a side
        (["eye.l", "eye.r"], (1, 0)),  # as Blender has it
        (["LEye", "REye"], (1, 0)),
        (["top_left", "top_right", "bottom_right", "bottom_left"], (1, 0, 3, 2)),  # corners of a plate
        (["左眼", "右眼", "鼻"], (1, 0, 2)),
        (["center"], (0,)),  # one point takes its own place
        (["1", "2", "3", "4"], ()),  # numbers say nothing
        (["nose", "tail"], ()),  # nor do names without a side: it may be in another one's
        (["left_eye", "nose"], ()),  # the other side is missing
        (["left_eye", "right_eye", "left_ear"], ()),  # here too
        (["left_eye", "right_eye", "left_eye"], ()),  # the same name twice
        (["left_right", "right_left"], ()),  # both sides in one name
        (["tl", "tr"], ()),  # not a side that anything but a guess could know
        ([], ()),
    ],
)
def test_flip_order(names: list[str], expected: tuple[int, ...]) -> None:
    assert flip_order(names) == expected
