"""Estimates before the click: which engine will run, and for how long."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from augmentai.engines.base import Engine, Readiness

_LEARNING_RATE = 0.3
_FEWEST_IMAGES = 4  # smaller jobs say little: they mostly load the model


def first_ready(engines: Sequence[Engine], wanted: str) -> tuple[Engine | None, dict[Engine, Readiness]]:
    """The engine that a job would ask first, or None, and how ready each is.

    Args:
        engines: in order of preference.
        wanted: the recipe's engine.
    """
    ready = {engine: engine.readiness() for engine in engines}
    return next((engine for engine in engines if engine.serves(wanted) and ready[engine].ready), None), ready


class TimeEstimator:
    """How long each engine takes on this server: its own first guess, corrected by every job. Thread-safe."""

    def __init__(self, engines: Sequence[Engine]) -> None:
        self._first_guess = {engine.name: engine.seconds_per_image for engine in engines}
        self._factor: dict[str, float] = {}
        self._lock = threading.Lock()

    def seconds(self, engine: str, images: int, pixels: float) -> float:
        """Seconds for this many variations of about `pixels` each; 0 for an engine that this server does not have."""
        if engine not in self._first_guess:
            return 0.0
        return images * self._first_guess[engine](pixels) * self._factor.get(engine, 1.0)

    def learn(self, engine: str, images: int, pixels: float, seconds: float) -> None:
        """Correct the estimate by what a finished job took."""
        if images < _FEWEST_IMAGES or not pixels:
            return
        with self._lock:
            factor = self._factor.get(engine, 1.0)
            measured = factor * seconds / max(1e-6, self.seconds(engine, images, pixels))
            self._factor[engine] = factor + _LEARNING_RATE * (measured - factor)
