"""The engines, one package or file each, behind the base class of `augmentai.engines.base`.

Nothing outside this package names an engine: `available` builds all that are registered, each of which states what it
can do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeGuard

if TYPE_CHECKING:
    from augmentai.engines.base import Engine
    from augmentai.engines.budget import Estimate
    from augmentai.engines.paid import PaidEngine
    from augmentai.engines.readiness import Readiness
    from augmentai.recipe import Recipe
    from augmentai.settings import Settings

# Read by `augmentai.registry`; nothing is imported until an engine is used.
BUILT_IN = {
    "stability": "augmentai.engines.stability:StabilityEngine",
    "diffusion": "augmentai.engines.diffusion:DiffusionEngine",
    "gan": "augmentai.engines.gan:GanEngine",
    "none": "augmentai.engines.none:NoEngine",
    "huggingface": "augmentai.engines.huggingface:HuggingFaceEngine",
    "comfy": "augmentai.engines.comfy:ComfyEngine",
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
    from augmentai.engines.base import Engine
    from augmentai.engines.guarded import fault_in, guarded
    from augmentai.engines.unusable import UnusableEngine
    from augmentai.registry import RegistryError, find, registered

    package = registered("engines")[name].package
    origin = f" of the package {package}" if package else ""
    try:
        found = find("engines", name)
        foreign = bool(package) and isinstance(found, type) and issubclass(found, Engine)
        engine = (guarded(found) if foreign else found)(settings)
    except RegistryError as error:
        return UnusableEngine(settings, name, str(error))
    except Exception as error:  # another package's constructor may fail in any way
        reason = f"the engine {name!r}{origin} cannot be set up ({type(error).__name__}: {error})"
        return UnusableEngine(settings, name, reason)
    if not isinstance(engine, Engine):
        reason = f"the engine {name!r}{origin} is not a subclass of augmentai.engines.base.Engine; update that package"
        return UnusableEngine(settings, name, reason)
    if (own_name := getattr(engine, "name", None)) != name:
        if own_name is None:
            what = "has no name; add `name = ...` to the class"
        else:
            what = f"calls itself {own_name!r}; the two names have to be the same"
        reason = f"the engine {name!r}{origin} {what}"
        return UnusableEngine(settings, name, reason)
    if fault := fault_in(engine):
        return UnusableEngine(settings, name, f"the engine {name!r}{origin} {fault}")
    engine.title = engine.title or name
    return engine


def title(name: str) -> str:
    """An engine's title, or its name if it is not installed or cannot be loaded."""
    from augmentai.registry import RegistryError, find

    try:
        return str(find("engines", name).title or name)
    except (RegistryError, AttributeError):
        return name


def is_listed(engine: Engine, readiness: Readiness) -> bool:
    """Whether lists of engines name it: it paints, and "auto" may use it or somebody has set it up."""
    return engine.paints and (engine.auto_rank is not None or readiness.configured)


def estimate(engines: Sequence[Engine], recipe: Recipe, variations: int, spent: float = 0.0) -> Estimate | None:
    """The most that a job may cost.

    Args:
        engines: those of the job.
        recipe: what to make.
        variations: how many in all.
        spent: credits that the job has spent already, before it was resumed.

    Returns:
        The dearest estimate of the engines that the recipe may use; None if all of them are free.
    """
    left = (_after(engine, spent) for engine in engines if engine.serves(recipe.engine))
    known = (engine.estimate(recipe, variations) for engine in left)
    return max((one for one in known if one is not None), key=lambda one: one.credits, default=None)


def _after(engine: Engine, spent: float) -> Engine:
    """The engine, with what this job may still spend."""
    from augmentai.engines.paid import PaidEngine

    if not spent or not isinstance(engine, PaidEngine) or engine.limits.per_job is None:
        return engine
    return engine.with_limits(max(0.0, engine.limits.per_job - spent))


def why_none_can_run(engines: Sequence[Engine], wanted: str) -> str:
    """Why no engine that a job may use can ever make anything; "" if one can.

    Args:
        engines: those of the job.
        wanted: the recipe's engine, or "auto".
    """
    states = {engine.title: engine.readiness() for engine in engines if engine.serves(wanted)}
    if any(state.ready or not state.for_good for state in states.values()):
        return ""
    return "; ".join(f"{name} cannot be used: {state.reason}" for name, state in states.items())


def key_engine(engines: Sequence[Engine]) -> PaidEngine | None:
    """The first engine that a visitor may bring a key for."""
    from augmentai.engines.paid import PaidEngine

    return next((engine for engine in engines if isinstance(engine, PaidEngine) and engine.key_title), None)


def with_key(engines: Sequence[Engine], key: str) -> list[Engine]:
    """The engines of one visitor: that of `key_engine` with the visitor's own key; the same ones without a key.

    Only the new engine holds the key.
    """
    taking = key_engine(engines) if key.strip() else None
    return [taking.with_key(key) if taking is not None and engine is taking else engine for engine in engines]


def with_limits(engines: Sequence[Engine], credits_per_job: float) -> list[Engine]:
    """The same engines, limited to this many of the owner's credits per job."""
    return [engine.with_limits(credits_per_job) if owner_pays(engine) else engine for engine in engines]


def owner_pays(engine: Engine) -> TypeGuard[PaidEngine]:
    """Whether it charges credits to the owner of this installation."""
    from augmentai.engines.paid import PaidEngine

    return isinstance(engine, PaidEngine) and not engine.visitor_pays


def model_versions(wanted: str, engines: Sequence[Engine]) -> dict[str, str]:
    """The version of the model of each engine that a job may use, by the engine's name. Loads none of them.

    Args:
        wanted: the recipe's engine, or "auto".
        engines: those of the job. One that is not ready, or states no version, is not listed.
    """
    ready = [engine for engine in engines if engine.serves(wanted) and engine.readiness().ready]
    return {engine.name: version for engine in ready if (version := engine.model_version())}
