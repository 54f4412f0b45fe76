"""Memory that was freed is given back to the system, so that a long run stays as small as a short one.

glibc keeps an arena of pieces for each thread. Pictures, decoded, made and encoded in threads of their own,
leave holes in them that grew by 5 kB a picture, while what was really held stayed the same.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

_M_ARENA_MAX = -8  # malloc.h


def use_one_arena() -> None:
    """From here on threads take their pieces from one arena. Does nothing where the C library knows no arenas."""
    _call("mallopt")(_M_ARENA_MAX, 1)


def release_freed_memory() -> None:
    """Return freed memory to the system, in a few milliseconds. Does nothing where that cannot be asked for."""
    _call("malloc_trim")(0)


@cache
def _call(name: str) -> Callable[..., Any]:
    try:
        return getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError, TypeError):  # another C library, or Windows
        return lambda *_: 0
