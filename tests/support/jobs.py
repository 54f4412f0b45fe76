"""Jobs in memory, with a small true engine that is done at once."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

from PIL import Image

from augmentai.dataset.readers.gather import gather
from augmentai.engines.base import Engine, JobView, Made, Refused, Task
from augmentai.engines.gan.light_words import follows_any
from augmentai.pipeline.job import Job, limits
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.types import Outcome


class Darker(Engine):
    """A small true engine that is done at once, and misbehaves on request. It has the name of the local one, so that a
    recipe can ask for it."""

    name = "gan"
    auto_rank = 0

    def __init__(self, misbehave: Callable[[int], None] = lambda number: None) -> None:
        self.misbehave = misbehave
        self.taken = 0
        self.closed = False

    def model_version(self) -> str:
        return "darker 1"

    def follows(self, recipe: Recipe) -> str:
        """As the local one: of a prompt, words for light."""
        return recipe.prompt if follows_any(recipe.prompt) else ""

    def make(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
        try:
            for task in tasks:
                self.taken += 1
                self.misbehave(self.taken)
                yield self.darker(task)
        finally:
            self.closed = True

    def darker(self, task: Task) -> Made:
        image = task.photo.rgb.point(lambda v: v * (90 - task.index) // 100)
        return Made(task, self.name, image, "darker 1", 0.0, repainted=False, details={"share": 0.9})


def job_of(engine: Any, inputs: list[Any], recipe: Recipe, settings: Settings | None = None) -> Job:
    """A job of one engine over files, folders or sources."""
    settings = settings or Settings()
    return Job(gather(inputs, limits(settings)), recipe, settings, [engine])


def opened(outcome: Outcome) -> Image.Image:
    """The variation as it is read from its own file."""
    assert outcome.variation is not None, outcome.reason
    image = Image.open(io.BytesIO(outcome.variation.data))
    image.load()
    return image
