"""All engines together: those of a job, and the versions of their models."""

from __future__ import annotations

from collections.abc import Iterator

from augmentai.engines import model_versions
from augmentai.engines.base import Engine, JobView, Made, Readiness, Refused, Task
from augmentai.settings import Settings


class Versioned(Engine):
    def __init__(self, name: str, version: str, rank: int | None = 0, ready: bool = True) -> None:
        super().__init__(Settings())
        self.name, self.auto_rank = name, rank
        self._version, self._ready = version, ready

    def readiness(self) -> Readiness:
        return Readiness(self._ready)

    def model_version(self) -> str:
        return self._version

    def make(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
        yield from ()


def test_models_of_the_engines_that_a_job_may_use() -> None:
    engines = [
        Versioned("a", "1"),
        Versioned("broken", "2", ready=False),
        Versioned("silent", ""),
        Versioned("named", "3", rank=None),
    ]
    assert model_versions("auto", engines) == {"a": "1"}
    assert model_versions("named", engines) == {"named": "3"}
    assert model_versions("broken", engines) == {}
