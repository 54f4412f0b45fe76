"""Returning freed memory to the operating system, so that a long run stays as small as a short one.

glibc keeps a separate heap (arena) per thread. Images that are decoded, made and encoded in different threads leave
holes in these arenas, which grew by 5 kB per image although the memory in use stayed the same. It also returns every
image's memory at once, and has to get it again for the next one, page by page.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # malloc.h
_KEPT_BYTES = 64 << 20  # of freed memory, until `release_freed_memory`
_LARGE_BYTES = 32 << 20  # the most that glibc allows; larger pieces are returned at once

_PIXELS_BETWEEN = 25_000_000
_IMAGES_BETWEEN = 256  # small images leave holes too


def use_one_arena() -> None:
    """Make all threads allocate from one arena from now on, which keeps what is freed until `release_freed_memory`.

    Does nothing if the C library has no arenas.
    """
    _libc("mallopt")(_M_ARENA_MAX, 1)
    _libc("mallopt")(_M_TRIM_THRESHOLD, _KEPT_BYTES)
    _libc("mallopt")(_M_MMAP_THRESHOLD, _LARGE_BYTES)


def release_freed_memory() -> None:
    """Return freed memory to the operating system; takes a few milliseconds. Does nothing without glibc.

    Example:
        >>> release_freed_memory()
    """
    _libc("malloc_trim")(0)


class Tidying:
    """Returns freed memory after so many images, or pixels of them."""

    def __init__(self) -> None:
        self._images = self._pixels = 0

    def made(self, pixels: int) -> None:
        """One more image was made and let go of; 0 pixels if there is none."""
        self._images += 1
        self._pixels += pixels
        if self._images >= _IMAGES_BETWEEN or self._pixels >= _PIXELS_BETWEEN:
            release_freed_memory()
            self._images = self._pixels = 0


@cache
def _libc(function: str) -> Callable[..., Any]:
    try:
        return getattr(ctypes.CDLL(None), function)
    except (AttributeError, OSError, TypeError):  # another C library, or Windows
        return lambda *_: 0
