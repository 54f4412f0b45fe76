"""Small real engines that make of each variation what a test asks for."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator

from PIL import Image

from augmentai.engines.base import Engine, JobView, Made, Readiness, Refused, Task

Painter = Callable[[Task], Image.Image]


class Copying(Engine):
    """Returns each source unchanged, for tests of what is done with the result."""

    name = "gan"
    auto_rank = 0

    def __init__(self, pause: float = 0.0) -> None:
        self.pause = pause

    def readiness(self) -> Readiness:
        return Readiness(True)

    def make(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
        for task in tasks:
            time.sleep(self.pause)
            yield Made(task, self.name, task.photo.rgb, "copy", 0.0)


class Scripted(Engine):
    """paint: the picture for a task. hold: so many tasks are taken before any is answered, in an order drawn from
    `shuffle`. credits: what each costs. repainted: what is stated of the images."""

    name = "gan"
    auto_rank = 0

    def __init__(
        self, paint: Painter, hold: int = 1, shuffle: int = 0, credits: float = 0.0, repainted: bool = False
    ) -> None:
        self.paint, self.hold, self.credits, self.repainted = paint, hold, credits, repainted
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
                how = {"repainted": self.repainted, "details": details, "strength": 0.4}
                yield Made(task, self.name, image, "scripted 1", 0.0, **how)


def tinted(task: Task, step: int) -> Image.Image:
    """The source, lighter by so many levels and a little redder with every index: no two siblings are alike."""
    red, green, blue = task.photo.rgb.split()
    more = step + 8 * task.index + 3 * task.attempt
    return Image.merge("RGB", (red.point(lambda v: v * (200 - more) // 200), green, blue))
