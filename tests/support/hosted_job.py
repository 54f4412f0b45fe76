"""A job against the emulator, in one call."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image

from augmentai.dataset.readers.gather import Gathered
from augmentai.engines.base import Engine
from augmentai.engines.gan import GanEngine
from augmentai.engines.stability import StabilityEngine
from augmentai.pipeline.job import Job
from augmentai.pipeline.report import Report
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.types import Outcome, Source
from tests.support.emulator_fixture import Emulator
from tests.support.image_files import jpeg

KEY = "sk-Zq3vN8yTfakeWq71LrXbP0cK5mD2hJ9s"
PRICE = 5.0  # of a picture by `structure`


@dataclass
class Ran:
    outcomes: list[Outcome]
    report: Report
    seconds: float

    @property
    def engines(self) -> dict[str, int]:
        return dict(self.report.engines)

    @property
    def reasons(self) -> str:
        found = [fallback.reason for outcome in self.outcomes for fallback in outcome.fallbacks]
        return "\n".join(found + [outcome.reason for outcome in self.outcomes])


def plain_photos(folder: Path) -> list[Path]:
    """Three images of one colour each."""
    paths = [folder / f"{colour}.png" for colour in ("teal", "orange", "purple")]
    for path in paths:
        Image.new("RGB", (90, 64), path.stem).save(path)
    return paths


def settings_for(emulator: Emulator | str, **changes: Any) -> Settings:
    """Short waits, so that a test of a time-out does not take three minutes, and the call that keeps pictures small."""
    base = emulator if isinstance(emulator, str) else emulator.url
    quick = {
        "stability_api_key": KEY,
        "stability_api_base": base,
        "stability_endpoint": "structure",
        "stability_concurrency": 2,
        "stability_connect_seconds": 5,
        "stability_read_seconds": 15,
        "stability_total_seconds": 20,
        "stability_retry_seconds": 0.05,
        "stability_lock_seconds": 0.4,
        "stability_rest_seconds": 30,
    }
    return Settings(**(quick | changes))


def some_sources(count: int = 4, size_wh: tuple[int, int] = (48, 32), label: str | None = "cats") -> list[Source]:
    return [Source.from_bytes(f"{label or '.'}/{i}.jpg", jpeg(size_wh, seed=i), label) for i in range(count)]


def run_job(
    settings: Settings,
    sources: list[Source] | None = None,
    recipe: Recipe | None = None,
    engines: list[Engine] | None = None,
) -> Ran:
    """Hosted engine first, then the real local one. Without a recipe nothing is filtered, which would take longest."""
    engines = engines or [StabilityEngine(settings), _local()]
    job = Job(
        Gathered(tuple(sources or some_sources()), (), ()), recipe or Recipe(seed=7, filters=False), settings, engines
    )
    started = time.monotonic()
    return Ran(list(job.run()), job.report, time.monotonic() - started)


@cache
def _local() -> GanEngine:
    """The real one, loaded once for all tests."""
    return GanEngine(Settings())


def accounted(ran: Ran, hosted: int, says: str) -> None:
    """Every image is there once, by the engine that should have made it, in its source's size, with the reason."""
    assert sorted(outcome.source.path for outcome in ran.outcomes) == [f"cats/{i}.jpg" for i in range(4)]
    for outcome in ran.outcomes:
        assert outcome.variation is not None, outcome.reason
        assert outcome.variation.image.size == (48, 32)
        assert bool(outcome.fallbacks) == (outcome.variation.engine == "gan")
    assert ran.engines.get("stability", 0) == hosted
    assert ran.engines.get("gan", 0) == 4 - hosted
    assert says in ran.reasons
    assert KEY not in ran.reasons
