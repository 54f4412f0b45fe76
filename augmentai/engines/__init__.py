"""One file an engine, behind the protocol of `base`. `available` gives them in the router's order of preference."""

from __future__ import annotations

from collections.abc import Sequence

from augmentai.engines.base import Engine
from augmentai.settings import Settings

# Read by `augmentai.registry`; nothing is imported until an engine is used. The order in which "auto" prefers them.
BUILT_IN = {
    "stability": "augmentai.engines.stability:StabilityEngine",
    "diffusion": "augmentai.engines.diffusion:DiffusionEngine",
    "gan": "augmentai.engines.gan:GanEngine",
}


def available(settings: Settings) -> list[Engine]:
    """Every engine, best first. Nothing is loaded or contacted until it is used."""
    from augmentai.engines.diffusion import DiffusionEngine
    from augmentai.engines.gan import GanEngine
    from augmentai.engines.stability import StabilityEngine

    return [StabilityEngine(settings), DiffusionEngine(settings), GanEngine(settings)]


def with_settings(engines: Sequence[Engine], settings: Settings) -> list[Engine]:
    """The same engines, but the hosted one made anew for `settings`: it holds a key, which must not be shared."""
    from augmentai.engines.stability import StabilityEngine

    return [StabilityEngine(settings) if engine.name == StabilityEngine.name else engine for engine in engines]


def with_limits(engines: Sequence[Engine], settings: Settings) -> list[Engine]:
    """The same engines, the hosted one with the limits of credits in `settings` for the jobs that it is given."""
    from augmentai.engines.stability import StabilityEngine

    return [engine.with_limits(settings) if isinstance(engine, StabilityEngine) else engine for engine in engines]
