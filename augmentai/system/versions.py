"""Which versions made a picture: told in each line of the manifest and in the recipe of a run."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from augmentai.engines.base import Engine
    from augmentai.settings import Settings

_PACKAGES = ("torch", "pillow", "numpy", "diffusers", "transformers")


@cache
def versions() -> dict[str, str]:
    """Of AugmentAI, Python and the installed packages that make pixels. Imports none of them."""
    from augmentai import __version__

    found = {"augmentai": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def models(recipe_engine: str, settings: Settings, engines: Sequence[Engine]) -> dict[str, str]:
    """The version of the model of each engine that this job could use, by the engine's name. Loads none of them."""
    told = {"gan": _weights_of, "diffusion": _hub_model_of, "stability": _hosted_model_of}
    return {
        engine.name: told[engine.name](settings)
        for engine in engines
        if engine.name in told and recipe_engine in {"auto", engine.name} and engine.readiness().ready
    }


def _weights_of(settings: Settings) -> str:
    return f"weights sha256 {_sha256_of(settings.gan_weights, settings.gan_weights.stat().st_mtime_ns)[:16]}"


def _hub_model_of(settings: Settings) -> str:
    from augmentai.engines.diffusion.availability import revision_of

    name = Path(settings.diffusion_model).name if Path(settings.diffusion_model).exists() else settings.diffusion_model
    revision = revision_of(settings)
    return f"{name} {revision}" if revision else name


def _hosted_model_of(settings: Settings) -> str:
    return f"{settings.stability_endpoint} {settings.stability_model}"


@lru_cache(maxsize=2)
def _sha256_of(path: Path, changed_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
