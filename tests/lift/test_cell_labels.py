"""What cells show: boxes as ellipses, outlines, masks, crops and mirrored views."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from augmentai.annotations import Labels, Shape
from augmentai.lift.cell_labels import UNCLEAR, cell_classes, class_map, objects_of
from augmentai.lift.views import Crop

WHOLE = Crop((0, 0, 64, 64))
LEFT = (((0.0, 0.0), (16.0, 0.0), (16.0, 64.0), (0.0, 64.0)),)
TOP = np.arange(64)[:, None] < np.full(64, 16)


def cells(labels: Labels, crop: Crop = WHOLE, side_px: int = 64, label: str | None = None) -> list[list[int]]:
    made = class_map(objects_of(labels, label), {"cat": 1, "dog": 2, "crack": 3}, (64, 64))
    side = side_px // 16
    found: list[list[int]] = cell_classes(made, crop, side_px, 3).reshape(side, side).tolist()
    return found


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        pytest.param(Labels(), [[0] * 4] * 4, id="ground"),
        pytest.param(Labels((Shape("cat", None, LEFT),)), [[1, 0, 0, 0]] * 4, id="polygon"),
        pytest.param(Labels((Shape("dog", None, mask=TOP),)), [[2] * 4, [0] * 4, [0] * 4, [0] * 4], id="bitmap"),
        pytest.param(Labels((Shape("bird", None, LEFT),)), [[UNCLEAR, 0, 0, 0]] * 4, id="a class not measured"),
        pytest.param(
            Labels((Shape("cat", (0, 0, 64, 64)),)),
            [[UNCLEAR, 1, 1, UNCLEAR], [1] * 4, [1] * 4, [UNCLEAR, 1, 1, UNCLEAR]],
            id="box: an ellipse, which covers 30 % of the corners",
        ),
        pytest.param(
            Labels((Shape("cat", (0, 0, 32, 8)),)),
            [[1, 1, 0, 0], [0] * 4, [0] * 4, [0] * 4],
            id="a flat box: 39 % of two cells",
        ),
        pytest.param(
            Labels((Shape("cat", (0, 0, 16, 5)),)),
            [[UNCLEAR, 0, 0, 0], [0] * 4, [0] * 4, [0] * 4],
            id="a quarter of a cell is neither",
        ),
        pytest.param(
            Labels((Shape("cat", (0, 0, 16, 16)), Shape("dog", None, mask=np.ones((64, 64), bool)))),
            [[1, 2, 2, 2], [2] * 4, [2] * 4, [2] * 4],
            id="the smaller one is in front",
        ),
    ],
)
def test_cells(labels: Labels, expected: list[list[int]]) -> None:
    assert cells(labels) == expected


def test_crops_and_mirrors_move_what_cells_show() -> None:
    labels = Labels((Shape("cat", None, LEFT),))
    assert cells(labels, Crop((0, 0, 32, 32)), 32) == [[1, 0], [1, 0]]
    assert cells(labels, Crop((0, 0, 32, 32), mirrored=True), 32) == [[0, 1], [0, 1]]
    assert cells(labels, Crop((0, 0, 16, 16)), 32) == [[1, 1], [1, 1]]


def test_masks_have_the_class_of_their_folder_or_of_their_values() -> None:
    mask = Image.new("L", (64, 64), 0)
    mask.paste(255, (0, 0, 64, 16))
    assert cells(Labels(mask=mask), label="crack")[:2] == [[3] * 4, [0] * 4]
    assert cells(Labels(mask=mask, extra={"class_names": {"255": "dog"}}))[0] == [2] * 4
