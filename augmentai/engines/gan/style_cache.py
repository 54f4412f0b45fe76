"""Styles of images, remembered over jobs, so that a donor is decoded and encoded once."""

from __future__ import annotations

import hashlib
import mmap
import threading
import zlib
from collections import OrderedDict
from typing import TYPE_CHECKING

import numpy as np

from augmentai.gan.layout import STYLE_DIM

if TYPE_CHECKING:
    from augmentai.gan.runtime.arrays import Array

_MAX_STYLES = 4096

StyleKey = tuple[str, str]  # (cache key of the weights, SHA-256 of the image)


class StyleCache:
    """The styles used last. Thread-safe; processes that are forked later find each other's styles.

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
        self._shared = SharedStyles()

    def look_up(self, key: StyleKey) -> tuple[bool, Array | None]:
        """Whether an image is known, and its style; None if it cannot be decoded."""
        with self._lock:
            if key in self._styles:
                self._styles.move_to_end(key)
                return True, self._styles[key]
        style = self._shared.look_up(key)
        return style is not None, style

    def remember(self, key: StyleKey, style: Array | None) -> None:
        """Keep a style; None for an image that cannot be decoded."""
        if style is not None:
            self._shared.remember(key, style)
        with self._lock:
            self._styles[key] = style
            while len(self._styles) > self._size:
                self._styles.popitem(last=False)


class SharedStyles:
    """A table of styles in memory that forked processes share. A style may be missing, but never is another's.

    Each has one place in the table, where a later one takes over. There are no locks, which a killed process would keep
    closed: what is half-written does not match its checksum.

    Example:
        >>> styles = SharedStyles()
        >>> styles.remember(("weights", "image"), np.ones(64, np.float32))
        >>> styles.look_up(("weights", "image")).sum(), styles.look_up(("weights", "another"))
        (np.float32(64.0), None)
    """

    _KEY_BYTES, _SUM_BYTES = 32, 4

    def __init__(self, places: int = _MAX_STYLES) -> None:
        self._places = places
        self._bytes_each = self._KEY_BYTES + self._SUM_BYTES + 4 * STYLE_DIM
        self._table = mmap.mmap(-1, places * self._bytes_each)

    def look_up(self, key: StyleKey) -> Array | None:
        """The style of an image, float32 (64,); None if it is not there."""
        name, start = self._place(key)
        found = self._table[start : start + self._bytes_each]
        style = found[self._KEY_BYTES + self._SUM_BYTES :]
        if found[: self._KEY_BYTES + self._SUM_BYTES] != name + self._sum_of(name, style):
            return None
        return np.frombuffer(style, np.float32)

    def remember(self, key: StyleKey, style: Array) -> None:
        """Keep a style, float32 (64,)."""
        name, start = self._place(key)
        data = np.ascontiguousarray(style, np.float32).tobytes()
        self._table[start : start + self._bytes_each] = name + self._sum_of(name, data) + data

    def _place(self, key: StyleKey) -> tuple[bytes, int]:
        name = hashlib.sha256("\0".join(key).encode()).digest()
        return name, int.from_bytes(name[:8], "big") % self._places * self._bytes_each

    def _sum_of(self, name: bytes, style: bytes) -> bytes:
        return zlib.crc32(style, zlib.crc32(name)).to_bytes(self._SUM_BYTES, "big")
