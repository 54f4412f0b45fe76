"""The versions that a run records."""

from __future__ import annotations

from augmentai import __version__
from augmentai.system.versions import versions


def test_packages_that_make_pixels() -> None:
    found = versions()
    assert found["augmentai"] == __version__
    assert set(found) >= {"python", "torch", "pillow", "numpy"}
