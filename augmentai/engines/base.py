"""What every engine is to the router, and the kinds of failure it may report.

An engine pulls tasks from an iterator when it has room and yields results as they finish, in any order, so that each kind
runs the way it is fast: one keeps requests in flight, one fills a batch on a GPU, one encodes a source once for all its
variations.

    this image is refused    yield Refused: that variation goes to the next engine, the others stay
    the engine is out        raise EngineOut with the tasks it had taken and not finished
    a passing fault          the engine's own retry rule; then one of the two above
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from PIL import Image

from augmentai.images import Photo
from augmentai.recipe import Fallback, Recipe, Source


@dataclass(frozen=True)
class Task:
    """One variation to be made. index counts from 1 within the source; seed is this variation's own."""

    source: Source
    photo: Photo = field(repr=False)
    index: int
    seed: int
    recipe: Recipe
    fallbacks: tuple[Fallback, ...] = ()

    def passed_on(self, engine: str, reason: str) -> Task:
        """The same task for the next engine, with the reason why `engine` did not make it."""
        return replace(self, fallbacks=(*self.fallbacks, Fallback(engine, reason)))


@dataclass(frozen=True)
class Made:
    """A finished variation: RGB, exactly the source's width and height.

    ai_share: "all" where a model painted the pixels, "part" where it changed those of the source.
    details: whatever explains it besides (donor, credits, the service's own seed); goes to the manifest.
    """

    task: Task
    engine: str
    image: Image.Image = field(repr=False)
    model: str
    seconds: float
    prompt: str = ""
    ai_share: str = "all"
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Refused:
    """This variation cannot be made by this engine; the reason is in words for the user."""

    task: Task
    reason: str


class EngineOut(Exception):
    """The engine cannot go on. `unfinished` holds every task it had taken and not answered, in the order taken."""

    def __init__(self, reason: str, unfinished: Sequence[Task] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.unfinished = tuple(unfinished)


@dataclass(frozen=True)
class Readiness:
    """Can the engine work now? If not, `reason` says why in words a user can act on.

    configured: the user has asked for it by giving what it needs (a key, a GPU). An engine that was never configured is
    passed over in silence; one that was and cannot work is a fallback worth telling.
    for_good: asking again during this job is of no use.
    """

    ready: bool
    reason: str = ""
    configured: bool = True
    for_good: bool = True


@dataclass(frozen=True)
class JobView:
    """What an engine may know of the whole job: its readable sources sorted by hash, and its recipe."""

    sources: Sequence[Source]
    recipe: Recipe
    max_pixels: int


class Engine(Protocol):
    """Something that makes variations. One object serves many jobs, one after the other or at once."""

    name: str

    def readiness(self) -> Readiness:
        """Cheap: called before a job and, after a failure, before each task."""
        ...

    def make(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
        """Answer every task that it takes from `tasks` with Made or Refused, or raise EngineOut."""
        ...
