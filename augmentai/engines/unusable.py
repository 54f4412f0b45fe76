"""A stand-in for a registered engine that cannot be loaded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from augmentai.engines.base import Engine, EngineUnavailableError, JobView, Made, Readiness, Refused, Task

if TYPE_CHECKING:
    from augmentai.settings import Settings


class UnusableEngine(Engine):
    """Never ready; shows the engine's name with the reason why it cannot be loaded."""

    def __init__(self, settings: Settings, name: str, reason: str) -> None:
        super().__init__(settings)
        self.name = self.title = name
        self._reason = reason

    def readiness(self) -> Readiness:
        return Readiness(False, self._reason)

    def make(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
        raise EngineUnavailableError(self._reason, for_good=True)
