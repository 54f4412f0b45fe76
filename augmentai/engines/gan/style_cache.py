"""Styles of images, remembered over jobs, so that a donor is decoded and encoded once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from augmentai.gan.runtime.arrays import Array

_MAX_STYLES = 4096

StyleKey = tuple[str, str]  # (cache key of the weights, SHA-256 of the image)


class StyleCache:
    """The styles used last. Thread-safe.

    Example:
        >>> cache = StyleCache(size=1)
        >>> for image in ("first", "second"):
        ...     cache.remember(("weights", image), None)
        >>> cache.look_up(("weights", "first")), cache.look_up(("weights", "second"))
        ((False, None), (True, None))
    """

    def __init__(self, size: int = _MAX_STYLES) -> None:
        self._size = size
        self._styles: OrderedDict[StyleKey, Array | None] = OrderedDict()
        self._lock = threading.Lock()

    def look_up(self, key: StyleKey) -> tuple[bool, Array | None]:
        """Whether an image is known, and its style; None if it cannot be decoded."""
        with self._lock:
            if key not in self._styles:
                return False, None
            self._styles.move_to_end(key)
            return True, self._styles[key]

    def remember(self, key: StyleKey, style: Array | None) -> None:
        """Keep a style; None for an image that cannot be decoded."""
        with self._lock:
            self._styles[key] = style
            while len(self._styles) > self._size:
                self._styles.popitem(last=False)
