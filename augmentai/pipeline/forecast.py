"""How long a run will take, before it starts."""

from __future__ import annotations

import io
from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from augmentai.engines.base import Engine
from augmentai.images import ImageError
from augmentai.images.preview import inspect_header
from augmentai.types import Source

if TYPE_CHECKING:
    from augmentai.pipeline.job import Job

_SAMPLES = 32  # images, whose headers are read


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


def mean_pixels(sources: Sequence[Source], max_pixels: int) -> float | None:
    """The mean number of pixels of some of the images, spread over all of them; None if none of these can be read.

    Args:
        sources: the images.
        max_pixels: larger ones do not count.

    Example:
        >>> mean_pixels([Source.from_bytes("a.jpg", b"text")], 10**8) is None
        True
    """
    found, count = [], min(len(sources), _SAMPLES)
    for source in (sources[place * len(sources) // count] for place in range(count)):
        try:
            width, height = inspect_header(io.BytesIO(source.read()), source.path, max_pixels)
        except (ImageError, OSError):
            continue  # the run reports it
        found.append(width * height)
    return fmean(found) if found else None
