"""The linear probe: what it does to the rows that it is given."""

from __future__ import annotations

import numpy as np
import pytest

from augmentai.lift.probe import fit


@pytest.mark.parametrize("shape", [(40, 3), (9, 129), (70, 300)])
def test_rows_are_standardised_in_place_as_a_copy_would_be(shape: tuple[int, int]) -> None:
    rows = 3 * np.random.default_rng(1).random(shape, np.float32)
    mean, scale = rows.mean(0), (1 / rows.std(0)).astype(np.float32)
    expected = (rows - mean) * scale
    probe = fit(rows, np.arange(len(rows)) % 2, classes=2)
    np.testing.assert_array_equal(rows, expected)
    np.testing.assert_array_equal(probe.mean, mean)
    np.testing.assert_array_equal(probe.scale, scale)
