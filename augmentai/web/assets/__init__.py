"""Files that the page is made of besides Python: styles, scripts, drawings. None comes from another host."""

from __future__ import annotations

from functools import cache
from pathlib import Path

HERE = Path(__file__).parent


@cache
def asset(name: str) -> str:
    """The text of one of them."""
    return (HERE / name).read_text(encoding="utf-8")
