"""Bitmaps to polygons along the borders of pixels: filled, by us and by others, they are the same bitmaps."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from augmentai.dataset.formats.masks.polygons import mask_to_polygons
from augmentai.dataset.formats.masks.raster import filled


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8, 0.97])
def test_a_filled_outline_is_the_bitmap(share: float) -> None:
    """Single pixels, lines, areas that meet at a corner, holes, and areas in holes."""
    dice = np.random.default_rng(int(share * 100))
    for _ in range(60):
        mask = dice.random(dice.integers(1, 16, 2)) < share
        found = mask_to_polygons(mask)
        np.testing.assert_array_equal(filled(found, (mask.shape[1], mask.shape[0])), mask)
        assert len(found) == ndimage.label(mask, np.ones((3, 3)))[1]


def test_pycocotools_counts_the_same_pixels() -> None:
    from pycocotools import mask as masks

    rows, columns = np.mgrid[:60, :80]
    disc = (rows - 30) ** 2 + (columns - 40) ** 2 < 25**2
    ring = disc & ((rows - 30) ** 2 + (columns - 40) ** 2 > 9**2)
    for mask in (disc, ring):
        polygons = [[value for point in ring for value in point] for ring in mask_to_polygons(mask)]
        drawn = masks.decode(masks.merge(masks.frPyObjects(polygons, 60, 80))).astype(bool)
        assert (drawn & mask).sum() / (drawn | mask).sum() > 0.99


@pytest.mark.parametrize(
    ("mask", "polygons"),
    [
        (np.zeros((3, 4), bool), []),
        (np.ones((1, 1), bool), [((0, 0), (1, 0), (1, 1), (0, 1))]),
        (np.ones((1, 9), bool), [((0, 0), (9, 0), (9, 1), (0, 1))]),  # one pixel high
        (np.ones((9, 1), bool), [((0, 0), (1, 0), (1, 9), (0, 9))]),
        # a hole, and the seam to it
        (
            np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], bool),
            [((0, 0), (3, 0), (3, 3), (0, 3), (0, 1), (1, 1), (1, 2), (2, 2), (2, 1), (0, 1))],
        ),
    ],
)
def test_polygons(mask: np.ndarray, polygons: list) -> None:
    assert mask_to_polygons(mask) == polygons
