"""Values that are kept as long as there is room for them, counted in bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import fields, is_dataclass
from threading import Lock
from typing import Any, Generic, TypeVar

import numpy as np
from PIL import Image

Value = TypeVar("Value")

_OVERHEAD_BYTES = 100  # of an entry, and of an object
_BYTES_OF_A_PIXEL = {"1": 1, "L": 1, "P": 1, "I;16": 2}  # Pillow takes 4 for all other modes, RGB included


class BoundedCache(Generic[Value]):
    """The values that were used last, as many as are not larger than a limit together. Threads may share it.

    Args:
        most_bytes: of all values; a larger one is the only one.

    Attributes:
        size_bytes: of those that it holds.

    Example:
        >>> cache = BoundedCache(1000)
        >>> cache.get("a", lambda: b"x" * 400)[:3], cache.get("b", lambda: b"y" * 900)[:1], len(cache)
        (b'xxx', b'y', 1)
    """

    def __init__(self, most_bytes: int) -> None:
        self.size_bytes = 0
        self._most_bytes = most_bytes
        self._values: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()  # the last one is the newest
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """The value of a key, made now if it is not there. Threads that ask at the same time may each make it.

        Args:
            key: of the value.
            make: what makes it; what it raises is raised, and nothing is kept.
        """
        with self._lock:
            if (known := self._values.get(key)) is not None:
                self._values.move_to_end(key)
                return known[0]
        value = make()
        size = bytes_of(value)
        with self._lock:
            self._drop(key)
            self._values[key] = value, size
            self.size_bytes += size
            while self.size_bytes > self._most_bytes and len(self._values) > 1:
                self._drop(next(iter(self._values)))
        return value

    def _drop(self, key: Hashable) -> None:
        _, size = self._values.pop(key, (None, 0))
        self.size_bytes -= size


def bytes_of(value: Any) -> int:
    """Roughly what a value takes in memory: exactly for pixels and arrays, which is what counts.

    Args:
        value: of any kind; what dataclasses and collections hold is counted too, unless they say how large they are
            (`size_bytes`).

    Example:
        >>> bytes_of(Image.new("RGB", (100, 50))), bytes_of([np.zeros((4, 5)), None])
        (20000, 260)
    """
    if isinstance(value, Image.Image):
        return value.width * value.height * _BYTES_OF_A_PIXEL.get(value.mode, 4)
    if isinstance(value, np.ndarray):
        return int(value.nbytes)
    if isinstance(value, (bytes, str)):
        return len(value) + _OVERHEAD_BYTES
    if (said := getattr(value, "size_bytes", None)) is not None:
        return int(said)
    if is_dataclass(value):
        return _all([getattr(value, one.name) for one in fields(value)])
    if isinstance(value, dict):
        return _all([*value, *value.values()])
    return _all(value) if isinstance(value, (tuple, list, set, frozenset)) else 0


def _all(values: Iterable[Any]) -> int:
    return _OVERHEAD_BYTES + sum(map(bytes_of, values))
