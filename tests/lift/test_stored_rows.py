"""Rows in a file: the same as in memory, for any of them and for several threads."""

from __future__ import annotations

import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from augmentai.lift.stored_rows import StoredRows

IMAGES, VIEWS, WIDTH = 40, 6, 16


@pytest.mark.parametrize("kind", [np.float16, np.uint8])
def test_rows_are_those_of_an_array(tmp_path: Path, kind: type) -> None:
    rng = np.random.default_rng(1)
    stored, array = StoredRows(tmp_path, (IMAGES, VIEWS, WIDTH), np.dtype(kind)), np.zeros((IMAGES, VIEWS, WIDTH), kind)
    for _ in range(5):
        key = rng.permutation(IMAGES)[:9], rng.integers(VIEWS, size=9)
        values = rng.integers(0, 200, (9, WIDTH)) / 2
        stored[key] = array[key] = values
    assert stored.shape == array.shape
    every = np.repeat(np.arange(IMAGES), VIEWS), np.tile(np.arange(VIEWS), IMAGES)
    np.testing.assert_array_equal(stored[every], array[every])
    np.testing.assert_array_equal(stored[np.array([7, 3]), 5], array[np.array([7, 3]), 5])
    assert stored[np.array([], int), 0].shape == (0, WIDTH)


def test_threads_read_at_a_time_and_hardly_any_of_it_is_in_memory(tmp_path: Path) -> None:
    stored = StoredRows(tmp_path, (500, VIEWS, 1000), np.dtype(np.float16))
    for image in range(500):
        stored[np.full(VIEWS, image), np.arange(VIEWS)] = np.full((VIEWS, 1000), image)

    def read(image: int) -> bool:
        return bool((stored[np.full(VIEWS, image), np.arange(VIEWS)] == image).all())

    tracemalloc.start()
    try:
        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(read, range(500)))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 500 * VIEWS * 1000 * 2 / 4
