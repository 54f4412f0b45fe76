"""Imports supervision, which is needed only to encode, decode or outline bitmaps."""

from __future__ import annotations

import warnings
from types import ModuleType


def supervision() -> ModuleType:
    """The library, without its warning that OpenCV is not installed: it works on NumPy too."""
    warnings.filterwarnings("ignore", message="OpenCV .* is not installed", module="supervision")
    import supervision

    return supervision
