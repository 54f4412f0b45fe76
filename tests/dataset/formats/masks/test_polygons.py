"""Bitmaps to polygons: the same as supervision draws, quickly."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from augmentai.annotations import Polygon
from augmentai.dataset.formats.masks.polygons import mask_to_polygons
from augmentai.dataset.formats.supervision_import import supervision


def by_supervision(mask: np.ndarray) -> list[Polygon]:
    supervision()
    from supervision.dataset.utils import approximate_mask_with_polygons

    found = approximate_mask_with_polygons(mask, bridge_holes=True)
    return sorted(tuple((float(x), float(y)) for x, y in ring) for ring in found)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8, 0.97])
def test_polygons_are_those_of_supervision(share: float) -> None:
    dice = np.random.default_rng(int(share * 100))
    for _ in range(60):
        mask = dice.random(dice.integers(1, 14, 2)) < share
        assert sorted(mask_to_polygons(mask)) == by_supervision(mask), mask.astype(int)


def test_polygons_of_large_areas() -> None:
    dice = np.random.default_rng(1)
    for _ in range(5):
        field = Image.fromarray(dice.integers(0, 255, (6, 8), dtype=np.uint8)).resize(
            (160, 120), Image.Resampling.BICUBIC
        )
        mask = np.asarray(field) > 140
        assert sorted(mask_to_polygons(mask)) == by_supervision(mask)


@pytest.mark.parametrize("mask", [np.zeros((3, 4), bool), np.eye(1, dtype=bool), np.ones((1, 9), bool)])
def test_no_polygon_without_an_area(mask: np.ndarray) -> None:
    assert mask_to_polygons(mask) == []
