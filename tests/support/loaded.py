"""Asked in another process: what it has loaded."""

from __future__ import annotations

import sys


def is_loaded(module: str) -> bool:
    return module in sys.modules
