"""What a job would cost and take, told before the click, and a visitor's own key for their own job."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from augmentai.engines import with_settings
from augmentai.engines.base import Engine, Estimate, Readiness
from augmentai.engines.stability import estimate, visitor_settings
from augmentai.recipe import Recipe
from augmentai.settings import Settings

_SLOW_TO_LEARN = 0.3


def own_key(settings: Settings, engines: Sequence[Engine], key: str) -> tuple[Settings, Sequence[Engine]]:
    """Settings and engines for one job with a visitor's own key; no key, and all stays as it was.

    The key lives in these objects and goes with them. The owner's daily limit of credits is not the visitor's.
    """
    changed = visitor_settings(settings, key or "")
    return changed, engines if changed is settings else with_settings(engines, changed)


def used(engines: Sequence[Engine], wanted: str) -> tuple[str | None, dict[str, Readiness]]:
    """The engine that will be asked first for this job, or None, and how ready each is."""
    ready = {engine.name: engine.readiness() for engine in engines}
    asked = [name for name in ready if wanted in {"auto", name}]
    return next((name for name in asked if ready[name].ready), None), ready


def price(settings: Settings, recipe: Recipe, variations: int) -> Estimate | None:
    """The most that the hosted engine may charge for so many in all; None where it costs nothing."""
    cost = estimate(settings, recipe, 0, variations)
    return cost if cost is not None and cost.pictures else None


class Pace:
    """How long a variation takes each engine on this server, learnt from its jobs. Thread-safe."""

    def __init__(self, engines: Sequence[Engine]) -> None:
        self._first_guess = {engine.name: engine.seconds_per_image for engine in engines}
        self._factor: dict[str, float] = {}
        self._lock = threading.Lock()

    def seconds(self, engine: str, pictures: int, pixels: int) -> float:
        """For `pictures` variations of about `pixels` each."""
        return pictures * self._first_guess[engine](pixels) * self._factor.get(engine, 1.0)

    def learn(self, engine: str, pictures: int, pixels: int, seconds: float) -> None:
        """What a finished job took. Small ones say little: they are mostly waking up."""
        if pictures < 4 or not pixels:
            return
        with self._lock:
            factor = self._factor.get(engine, 1.0)
            found = factor * seconds / max(1e-6, self.seconds(engine, pictures, pixels))
            self._factor[engine] = factor + _SLOW_TO_LEARN * (found - factor)
