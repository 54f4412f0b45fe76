"""Masks of one bit a pixel."""

from __future__ import annotations

import numpy as np
import pytest

from augmentai.operations.compositing.packed_mask import packed, unpacked


@pytest.mark.parametrize("shape", [(1, 1), (7, 9), (8, 8), (3, 0), (33, 65)])
def test_there_and_back(shape: tuple[int, int]) -> None:
    mask = np.random.default_rng(1).random(shape) > 0.5
    known = packed(mask)
    assert np.array_equal(unpacked(known), mask)
    assert unpacked(known).dtype == bool
    assert len(known[1]) == -(-mask.size // 8)
    unpacked(known)[...] = False  # a copy of its own
    assert np.array_equal(unpacked(known), mask)
