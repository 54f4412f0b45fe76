"""The whole move of a variation, by which its source is shown aligned with it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image

from augmentai.operations import apply_operations, build_operations, warp_for, warp_from_manifest
from augmentai.operations.moves import whole_move
from augmentai.recipe import Recipe
from augmentai.settings import EXAMPLES

SIZE_WH = (240, 160)


@pytest.mark.parametrize(
    ("geometry", "steps"),
    [
        ("strong", []),
        ("none", ["rotate(degrees=20)"]),
        ("light", ["crop", "flip(probability=1)", "perspective"]),
        ("none", ["crop", "jpeg(quality=90)", "rotate(degrees=20)"]),
    ],
)
def test_a_source_that_moves_by_it_is_aligned(geometry: str, steps: Sequence[str]) -> None:
    with Image.open(EXAMPLES / "coffee.png") as opened:
        source = opened.convert("RGB").resize(SIZE_WH)
    first = warp_for(geometry, SIZE_WH, 5)
    operations = build_operations(Recipe(operations=list(steps)).operations)
    made = apply_operations(source, None, operations, 5, first=first)
    move = whole_move({**first.details, **made.details})
    assert move is not None
    small = source.resize((120, 80))
    aligned = np.asarray(warp_from_manifest(move, SIZE_WH, small.size).image(small)).astype(float)
    expected = np.asarray(made.image.resize((120, 80))).astype(float)
    assert np.abs(aligned - expected).mean() < 6 < np.abs(np.asarray(small).astype(float) - expected).mean()


@pytest.mark.parametrize(
    "details",
    [
        {},
        {"operations": [{"name": "exposure", "drawn": {}}]},
        {"operations": [{"name": "not_installed", "drawn": {}}]},
    ],
)
def test_where_nothing_moved_or_nobody_knows(details: dict[str, object]) -> None:
    assert whole_move(details) is None
