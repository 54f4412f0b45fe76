"""Features of many views of many images, computed in batches while the images stream by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from augmentai.backbone import Backbone
from augmentai.lift.views import Squares

_BATCH = 64  # squares: 5 MB at 160 px

OnComputed = Callable[[int], None]  # how many squares were


class FeatureTable:
    """Rows of views: float16, which changes no prediction and halves the memory.

    Args:
        rows, columns: how many images, and views of each.
        backbone: what computes the features.
        on_computed: called after each batch.

    Example:
        >>> from augmentai.backbone import load_backbone
        >>> table = FeatureTable(2, 3, load_backbone())
        >>> table.add(1, 0, np.zeros((3, 160, 160, 3), np.uint8))
        >>> table.finish().shape
        (2, 3, 1280)
    """

    def __init__(
        self, rows: int, columns: int, backbone: Backbone, on_computed: OnComputed = lambda count: None
    ) -> None:
        self._backbone, self._on_computed = backbone, on_computed
        self._values = np.zeros((rows * columns, backbone.width), np.float16)
        self._shape = (rows, columns, backbone.width)
        self._waiting: list[Squares] = []
        self._places: list[int] = []

    def add(self, row: int, column: int, squares: Squares) -> None:
        """The views of an image, from a column on. Shape: uint8 (views, S, S, 3)."""
        first = row * self._shape[1] + column
        self._waiting.append(squares)
        self._places += range(first, first + len(squares))
        if len(self._places) >= _BATCH:
            self._compute()

    def finish(self) -> np.ndarray[Any, np.dtype[np.float16]]:
        """All of them: float16 (rows, columns, width)."""
        if self._places:
            self._compute()
        return self._values.reshape(self._shape)

    def _compute(self) -> None:
        self._values[self._places] = self._backbone.features(np.concatenate(self._waiting))
        self._on_computed(len(self._places))
        self._waiting, self._places = [], []
