"""The versions that made an image: recorded in each line of the manifest and in the recipe of a run."""

from __future__ import annotations

import platform
from functools import cache
from importlib import metadata

_PACKAGES = ("torch", "pillow", "numpy", "diffusers", "transformers")

NAMES = ("augmentai", "python", *_PACKAGES)


@cache
def versions() -> dict[str, str]:
    """Versions of AugmentAI, Python and the installed packages that make pixels, by name. Imports none of them."""
    from augmentai.version import __version__

    found = {"augmentai": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
