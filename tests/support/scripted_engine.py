"""A small true engine that makes of each variation what a test tells it to."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from PIL import Image

from augmentai.engines.base import JobView, Made, Readiness, Refused, Task

Painter = Callable[[Task], Image.Image]


class Scripted:
    """paint: the picture for a task. hold: so many tasks are taken before any is answered, in an order drawn from
    `shuffle`. credits: what each costs. ai_share: what is said of the pictures."""

    name = "gan"

    def __init__(
        self, paint: Painter, hold: int = 1, shuffle: int = 0, credits: float = 0.0, ai_share: str = "part"
    ) -> None:
        self.paint, self.hold, self.credits, self.ai_share = paint, hold, credits, ai_share
        self.order = random.Random(shuffle)
        self.taken: list[tuple[str, int, int]] = []

    def readiness(self) -> Readiness:
        return Readiness(True)

    def make(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
        more = True
        while more:
            batch: list[Task] = []
            while len(batch) < self.hold and (task := next(tasks, None)) is not None:
                self.taken.append((task.source.path, task.index, task.attempt))
                batch.append(task)
            more = bool(batch)
            self.order.shuffle(batch)
            for task in batch:
                details = {"credits": self.credits} if self.credits else {}
                image = self.paint(task)
                share, best = self.ai_share, 0.4
                yield Made(task, self.name, image, "scripted 1", 0.0, ai_share=share, details=details, strength=best)


def tinted(task: Task, step: int) -> Image.Image:
    """The source, lighter by so many levels and a little redder with every index: no two siblings are alike."""
    red, green, blue = task.photo.rgb.split()
    more = step + 8 * task.index + 3 * task.attempt
    return Image.merge("RGB", (red.point(lambda v: v * (200 - more) // 200), green, blue))
