"""Returning freed memory to the operating system, so that a long run stays as small as a short one.

glibc keeps a separate heap (arena) per thread. Images that are decoded, made and encoded in different threads leave
holes in these arenas, which grew by 5 kB per image although the memory in use stayed the same.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

_M_ARENA_MAX = -8  # malloc.h


def use_one_arena() -> None:
    """Make all threads allocate from one arena from now on. Does nothing if the C library has no arenas."""
    _libc("mallopt")(_M_ARENA_MAX, 1)


def release_freed_memory() -> None:
    """Return freed memory to the operating system; takes a few milliseconds. Does nothing without glibc.

    Example:
        >>> release_freed_memory()
    """
    _libc("malloc_trim")(0)


@cache
def _libc(function: str) -> Callable[..., Any]:
    try:
        return getattr(ctypes.CDLL(None), function)
    except (AttributeError, OSError, TypeError):  # another C library, or Windows
        return lambda *_: 0
