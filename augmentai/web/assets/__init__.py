"""Styles, scripts, HTML and drawings of the page. None is loaded from another host."""

from __future__ import annotations

from functools import cache
from pathlib import Path

HERE = Path(__file__).parent


@cache
def asset(name: str) -> str:
    """The text of one of these files."""
    return (HERE / name).read_text(encoding="utf-8")
