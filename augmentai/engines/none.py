"""The engine that paints nothing: geometry and operations alone make the variations."""

from __future__ import annotations

from collections.abc import Iterator

from augmentai.engines.base import Engine, JobView, Made, Refused, Task
from augmentai.recipe import AUTO, Recipe

_SECONDS_PER_MEGAPIXEL = 0.08  # decoding and encoding


class NoEngine(Engine):
    """Hands every source on as it is. Used only when named.

    Example:
        >>> from PIL import Image
        >>> from augmentai.images import Photo
        >>> from augmentai.settings import Settings
        >>> from augmentai.types import Source
        >>> photo = Photo(Image.new("RGB", (8, 8), "red"), "PNG", "RGB")
        >>> task = Task(Source.from_bytes("a.png", b""), photo, index=1, seed=7, recipe=Recipe())
        >>> made, = NoEngine(Settings()).make(iter([task]), JobView((), Recipe(), max_pixels=1_000_000))
        >>> made.image is photo.rgb, made.painted, made.strength_used
        (True, False, 0.0)
    """

    name = "none"
    title = "No engine"
    blurb = "geometry and operations alone, no AI"
    paints = False
    works_in_processes = True

    def make(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
        for task in tasks:
            yield self.made(task, task.photo.rgb, strength=0.0)
            del task  # its photo need not be in memory while the next one is decoded

    def seconds_per_image(self, pixels: float) -> float:
        return 0.02 + pixels / 1e6 * _SECONDS_PER_MEGAPIXEL

    def unused_settings(self, recipe: Recipe) -> tuple[str, ...]:
        ignored = ("the strength is not used without an engine",) if recipe.strength != AUTO else ()
        return (*super().unused_settings(recipe), *ignored)
