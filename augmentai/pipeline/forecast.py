"""How long a run will take, before it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from augmentai.engines.base import Engine
from augmentai.pipeline.image_sizes import mean_pixels

if TYPE_CHECKING:
    from augmentai.pipeline.job import Job


class Forecast(NamedTuple):
    """A first guess.

    Attributes:
        engine: the one that is asked first.
        each: seconds for one variation.
    """

    engine: str
    each: float


def forecast_time(job: Job) -> Forecast | None:
    """How long each variation of a job takes, as the engine guesses that would be asked first.

    Args:
        job: the run.

    Returns:
        None if no engine is ready, if it has no figure of its own, or if no image can be read.
    """
    asked = (engine for engine in job.engines if engine.serves(job.recipe.engine))
    first = next((engine for engine in asked if engine.readiness().ready), None)
    if first is None or type(first).seconds_per_image is Engine.seconds_per_image:
        return None
    if (pixels := mean_pixels(job.plan.sources, job.settings.max_pixels)) is None:
        return None
    return Forecast(first.name, first.seconds_per_image(pixels))
