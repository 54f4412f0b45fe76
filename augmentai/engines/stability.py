from collections.abc import Iterator

from augmentai.engines.base import JobView, Made, Readiness, Refused, Task
from augmentai.settings import Settings


class StabilityEngine:
    name = "stability"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def readiness(self) -> Readiness:
        return Readiness(False, "not built yet", configured=False)

    def make(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
        yield from ()
