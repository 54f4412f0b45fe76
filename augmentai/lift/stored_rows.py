"""Rows of many images in a file: memory does not grow with them."""

from __future__ import annotations

from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Protocol

import numpy as np

Rows = np.ndarray[Any, Any]
Ints = np.ndarray[Any, np.dtype[np.int64]]
Key = tuple[Ints, Ints | int]  # numbers of images, and of views of each


class Views(Protocol):
    """Something that is known of each of several views of images, such as an array (images, views, width)."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __getitem__(self, key: Key, /) -> Rows: ...

    def __setitem__(self, key: Key, rows: Rows, /) -> None: ...


class StoredRows:
    """Like an array (images, views, width) of zeros, in a file of its own.

    The file is read and written, not mapped: pages of a mapped file count as memory of the process. Several threads
    may read at a time.

    Args:
        folder: for the file, which goes with the folder.
        shape: images, views, width.
        kind: of the values.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     rows = StoredRows(Path(folder), (2, 3, 4), np.dtype(np.float16))
        ...     rows[np.array([1]), np.array([2])] = np.ones((1, 4))
        ...     rows[np.array([0, 1]), 2].tolist()
        [[0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0]]
    """

    def __init__(self, folder: Path, shape: tuple[int, int, int], kind: np.dtype[Any]) -> None:
        self.shape, self._kind = shape, kind
        self._row_bytes = shape[2] * kind.itemsize
        with NamedTemporaryFile(dir=folder, suffix=".views", delete=False) as file:
            file.truncate(shape[0] * shape[1] * self._row_bytes)
        self._path = Path(file.name)

    def __getitem__(self, key: Key) -> Rows:
        """Rows of views. Shape: int64 (n,) and (n,), or one number for all, to (n, width)."""
        places = self._places(key)
        found = np.empty((len(places), self.shape[2]), self._kind)
        with self._path.open("rb", buffering=0) as file:
            for place, row in zip(places, found, strict=True):
                file.seek(place)
                file.readinto(memoryview(row).cast("B"))
        return found

    def __setitem__(self, key: Key, rows: Rows) -> None:
        values = np.ascontiguousarray(rows, self._kind)
        with self._path.open("r+b", buffering=0) as file:
            for place, row in zip(self._places(key), values, strict=True):
                file.seek(place)
                file.write(memoryview(row).cast("B"))

    def _places(self, key: Key) -> list[int]:
        """Where in the file rows begin."""
        images, views = np.broadcast_arrays(*key)
        numbers = np.ravel_multi_index((images, views), self.shape[:2])
        return [int(number) * self._row_bytes for number in numbers]
