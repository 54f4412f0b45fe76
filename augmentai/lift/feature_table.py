"""Features of many views of many images, computed in batches while the images stream by."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Protocol

import numpy as np

from augmentai.lift.views import Squares

_BATCH = 64  # squares: 5 MB at 160 px

OnComputed = Callable[[int], None]  # how many squares were


HALF = np.dtype(np.float16)  # changes no prediction and halves the memory


class Eye(Protocol):
    """What turns squares into features."""

    @property
    def width(self) -> int:
        """Features of each square."""
        ...

    def features(self, images: np.ndarray) -> np.ndarray:
        """Shape: uint8 (N, S, S, 3) to (N, width)."""
        ...


class FeatureTable:
    """Rows of views.

    Args:
        rows, columns: how many images, and views of each.
        eye: what computes the features.
        on_computed: called after each batch.
        kind: of the values.
        folder: keep the table in a file of this folder instead of in memory; the file goes with the folder.

    Example:
        >>> from augmentai.backbone import load_backbone
        >>> table = FeatureTable(2, 3, load_backbone())
        >>> table.add(1, 0, np.zeros((3, 160, 160, 3), np.uint8))
        >>> table.finish().shape
        (2, 3, 1280)
    """

    def __init__(
        self,
        rows: int,
        columns: int,
        eye: Eye,
        on_computed: OnComputed = lambda count: None,
        kind: np.dtype[Any] = HALF,
        folder: Path | None = None,
    ) -> None:
        self._eye, self._on_computed = eye, on_computed
        self._shape = (rows, columns, eye.width)
        self._values = _zeros((rows * columns, eye.width), kind, folder)
        self._waiting: list[Squares] = []
        self._places: list[int] = []

    def add(self, row: int, column: int, squares: Squares) -> None:
        """The views of an image, from a column on. Shape: uint8 (views, S, S, 3)."""
        first = row * self._shape[1] + column
        self._waiting.append(squares)
        self._places += range(first, first + len(squares))
        if len(self._places) >= _BATCH:
            self._compute()

    def finish(self) -> np.ndarray[Any, Any]:
        """All of them: (rows, columns, width)."""
        if self._places:
            self._compute()
        return self._values.reshape(self._shape)

    def _compute(self) -> None:
        self._values[self._places] = self._eye.features(np.concatenate(self._waiting))
        self._on_computed(len(self._places))
        self._waiting, self._places = [], []


def _zeros(shape: tuple[int, int], kind: np.dtype[Any], folder: Path | None) -> np.ndarray[Any, Any]:
    if folder is None or not shape[0]:
        return np.zeros(shape, kind)
    with NamedTemporaryFile(dir=folder, suffix=".views", delete=False) as file:
        file.truncate(shape[0] * shape[1] * kind.itemsize)
    return np.memmap(file.name, kind, "r+", shape=shape)
