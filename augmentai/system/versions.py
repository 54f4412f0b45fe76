"""The versions that made an image: recorded in each line of the manifest and in the recipe of a run."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from augmentai.engines.base import Engine

_PACKAGES = ("torch", "pillow", "numpy", "diffusers", "transformers")


@cache
def versions() -> dict[str, str]:
    """Versions of AugmentAI, Python and the installed packages that make pixels, by name. Imports none of them."""
    from augmentai import __version__

    found = {"augmentai": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def models(wanted: str, engines: Sequence[Engine]) -> dict[str, str]:
    """The version of the model of each engine that a job may use, by the engine's name. Loads none of them.

    Args:
        wanted: the recipe's engine, or "auto".
        engines: those of the job. One that is not ready, or states no version, is not listed.
    """
    ready = [engine for engine in engines if engine.serves(wanted) and engine.readiness().ready]
    return {engine.name: version for engine in ready if (version := engine.model_version())}
