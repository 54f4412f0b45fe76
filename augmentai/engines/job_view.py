"""What an engine may know of the whole job."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from augmentai.engines.image_memory import ImageMemory
from augmentai.engines.run_ledger import RunLedger
from augmentai.recipe import Recipe
from augmentai.types import Source

OnProgress = Callable[[str, float], None]


def ignore_progress(words: str, share: float) -> None:
    """An `OnProgress` for callers that show no progress."""


@dataclass(frozen=True)
class JobView:
    """What an engine may know of the whole job.

    Attributes:
        sources: those that can be read, sorted by hash.
        recipe: what the user asked for.
        max_pixels: larger images are not decoded.
        stop: set when the user cancels; an engine then begins nothing new and soon returns.
        engine_state: what an engine remembers for the length of the job, under its own name.
        on_progress: what an engine is doing, and the share done, 0 to 1, from any thread; no words when it is over.
        ledger: the run's ledger of paid requests, which `PaidEngine` keeps.
        memory: of the images in hand; while it is full, an engine that has some passes them on before it takes another.
    """

    sources: Sequence[Source]
    recipe: Recipe
    max_pixels: int
    stop: Event = field(default_factory=Event, repr=False, compare=False)
    engine_state: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    on_progress: OnProgress = field(default=ignore_progress, repr=False, compare=False)
    ledger: RunLedger = field(default_factory=RunLedger, repr=False, compare=False)
    memory: ImageMemory = field(default_factory=ImageMemory, repr=False, compare=False)
