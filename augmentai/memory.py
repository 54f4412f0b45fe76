"""Memory that was freed is given back to the system, so that a long run stays as small as a short one."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache


def give_back() -> None:
    """Ask the C library to return what it holds of freed memory; does nothing where it knows no such call.

    glibc keeps an arena of pieces for each thread. Pictures of all sizes, decoded, made and encoded in threads of their
    own, leave holes in them that grew by 5 kB a picture, while what was really held stayed the same.
    """
    _trim()(0)


@cache
def _trim() -> Callable[[int], int]:
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # another C library, or Windows
        return lambda _: 0
