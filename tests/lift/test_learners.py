"""Learners: how much of the training views a probe has in memory."""

from __future__ import annotations

import tracemalloc

import numpy as np

from augmentai.lift.learners import LinearProbe
from augmentai.lift.probe import fit


class Eye:
    """Nothing is asked of it but how wide features are."""

    name, side_px, width = "eye", 32, 64

    def features(self, images: np.ndarray) -> np.ndarray:
        raise AssertionError("the features are there already")

    def cells(self, images: np.ndarray) -> np.ndarray:
        raise AssertionError("no cells are needed")


def test_the_rows_of_a_probe_are_in_memory_once() -> None:
    fit(np.eye(4, dtype=np.float32), np.arange(4) % 2, classes=2)  # so that what torch imports is not counted
    views = np.random.default_rng(1).random((20_000, Eye.width)).astype(np.float16)
    labels = np.arange(len(views)) % 2
    tracemalloc.start()
    try:
        LinearProbe(Eye()).train(lambda numbers: views[numbers], labels, classes=2, seed=1, on_unit=lambda: None)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    rows_bytes = views.size * 4
    assert rows_bytes < peak_bytes < 2.5 * rows_bytes, "beside the rows, the deviations of their columns take one copy"
