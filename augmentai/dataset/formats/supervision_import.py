"""supervision, which is only loaded where a bitmap has to be packed, unpacked or drawn around."""

from __future__ import annotations

import warnings
from types import ModuleType


def supervision() -> ModuleType:
    """The library. It works without OpenCV, on NumPy, and need not tell everyone so."""
    warnings.filterwarnings("ignore", message="OpenCV .* is not installed", module="supervision")
    import supervision

    return supervision
