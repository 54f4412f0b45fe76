"""Features of many views of many images, computed in batches while the images stream by."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from augmentai.lift.stored_rows import StoredRows, Views
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
        self._values = views_of((rows, columns, eye.width), kind, folder)
        self._waiting: list[Squares] = []
        self._rows: list[int] = []
        self._columns: list[int] = []

    def add(self, row: int, column: int, squares: Squares) -> None:
        """The views of an image, from a column on. Shape: uint8 (views, S, S, 3)."""
        self._waiting.append(squares)
        self._rows += [row] * len(squares)
        self._columns += range(column, column + len(squares))
        if len(self._rows) >= _BATCH:
            self._compute()

    def finish(self) -> Views:
        """All of them: (rows, columns, width)."""
        if self._rows:
            self._compute()
        return self._values

    def _compute(self) -> None:
        places = np.array(self._rows), np.array(self._columns)
        self._values[places] = self._eye.features(np.concatenate(self._waiting))
        self._on_computed(len(self._rows))
        self._waiting, self._rows, self._columns = [], [], []


def views_of(shape: tuple[int, int, int], kind: np.dtype[Any] = HALF, folder: Path | None = None) -> Views:
    """Zeros for views of images: in a file of a folder if there is one, else in memory."""
    return np.zeros(shape, kind) if folder is None else StoredRows(folder, shape, kind)
