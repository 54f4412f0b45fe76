"""How many calls a function makes: what grows with the square of its input shows so on any machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def calls_of(function: Callable[[], Any]) -> int:
    """The calls of Python and C functions while a function runs; an iteration of a generator is one."""
    count = 0

    def counts(_: FrameType, event: str, __: Any) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(counts)
    try:
        function()
    finally:
        sys.setprofile(before)
    return count
