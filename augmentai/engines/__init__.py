"""The engines, one package or file each, behind the base class of `augmentai.engines.base`.

Nothing outside this package names an engine: `available` builds all that are registered, each of which states what it
can do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from augmentai.engines.base import Engine
    from augmentai.settings import Settings

# Read by `augmentai.registry`; nothing is imported until an engine is used.
BUILT_IN = {
    "stability": "augmentai.engines.stability:StabilityEngine",
    "diffusion": "augmentai.engines.diffusion:DiffusionEngine",
    "gan": "augmentai.engines.gan:GanEngine",
}


def available(settings: Settings) -> list[Engine]:
    """Every registered engine: those of "auto" in its order of preference, then those used only when named.

    Nothing is loaded or contacted until an engine is used. One that cannot be imported or built is in the list too, not
    ready, with the reason.

    Args:
        settings: what each engine is built with.
    """
    from augmentai.registry import names

    engines = [_built(name, settings) for name in names("engines")]
    return sorted(engines, key=lambda engine: (engine.auto_rank is None, engine.auto_rank or 0))


def _built(name: str, settings: Settings) -> Engine:
    from augmentai.engines.base import Engine, UnusableEngine
    from augmentai.registry import RegistryError, find, registered

    package = registered("engines")[name].package
    origin = f" of the package {package}" if package else ""
    try:
        engine = find("engines", name)(settings)
    except RegistryError as error:
        return UnusableEngine(settings, name, str(error))
    except Exception as error:  # another package's constructor may fail in any way
        reason = f"the engine {name!r}{origin} cannot be set up ({type(error).__name__}: {error})"
        return UnusableEngine(settings, name, reason)
    if not isinstance(engine, Engine):
        reason = f"the engine {name!r}{origin} is not a subclass of augmentai.engines.base.Engine; update that package"
        return UnusableEngine(settings, name, reason)
    if getattr(engine, "name", name) != name:
        reason = f"the engine {name!r}{origin} calls itself {engine.name!r}; the two names have to be the same"
        return UnusableEngine(settings, name, reason)
    engine.title = engine.title or name
    return engine


def with_settings(engines: Sequence[Engine], settings: Settings) -> list[Engine]:
    """The same engines, but the hosted one made anew for `settings`: it holds a key, which must not be shared."""
    from augmentai.engines.stability import StabilityEngine

    return [StabilityEngine(settings) if engine.name == StabilityEngine.name else engine for engine in engines]


def with_limits(engines: Sequence[Engine], settings: Settings) -> list[Engine]:
    """The same engines, the hosted one with the limits of credits in `settings` for the jobs that it is given."""
    from augmentai.engines.stability import StabilityEngine

    return [engine.with_limits(settings) if isinstance(engine, StabilityEngine) else engine for engine in engines]
