"""What every engine is to the router, and the kinds of failure it may report.

An engine pulls tasks from an iterator when it has room and yields results as they finish, in any order, so that each
kind runs the way it is fast: one keeps requests in flight, one fills a batch on a GPU, one encodes a source once for
all its variations.

    this image is refused    yield Refused: that variation goes to the next engine, the others stay
    the engine is out        raise EngineUnavailable with the tasks it had taken and not finished
    a passing fault          the engine's own retry rule; then one of the two above
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Event
from typing import TYPE_CHECKING, Any, Protocol

from PIL import Image

from augmentai.images import Photo
from augmentai.recipe import Recipe
from augmentai.types import Fallback, Rejection, Source

if TYPE_CHECKING:
    from augmentai.annotations import Labels


@dataclass(frozen=True)
class Task:
    """One variation to be made. index counts from 1 within the source; seed is this variation's own."""

    source: Source
    photo: Photo = field(repr=False)
    index: int
    seed: int
    recipe: Recipe
    fallbacks: tuple[Fallback, ...] = ()
    credits: float = 0.0  # what tries that came to nothing were charged
    labels: Labels | None = field(default=None, repr=False, compare=False)  # the source's; no engine needs them
    rejections: tuple[Rejection, ...] = ()  # tries before this one that a filter rejected

    @property
    def attempt(self) -> int:
        """0, then one more for each try that was rejected. An engine that chooses by index chooses by this too."""
        return len(self.rejections)

    def retry(self, seed: int, rejection: Rejection, credits: float) -> Task:
        """The same variation to be tried once more, by the first engine that can. credits: spent so far, in all."""
        rejections = (*self.rejections, rejection)
        return replace(self, seed=seed, rejections=rejections, credits=credits, fallbacks=())

    def passed_on(self, engine: str, reason: str, credits: float = 0.0) -> Task:
        """The same task for the next engine, with the reason why `engine` did not make it and what it cost."""
        return replace(self, fallbacks=(*self.fallbacks, Fallback(engine, reason)), credits=self.credits + credits)


@dataclass(frozen=True)
class Made:
    """A finished variation: RGB, exactly the source's width and height.

    ai_share: "all" where a model painted the pixels, "part" where it changed those of the source.
    strength: that it was made with, where the recipe left it to the engine.
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
    strength: float | None = None

    @property
    def strength_used(self) -> float:
        """The recipe's strength, or the engine's own where the recipe leaves it to the engine."""
        return self.task.recipe.strength_or(self.strength or 0.0)


@dataclass(frozen=True)
class Refused:
    """This variation cannot be made by this engine; the reason is in words for the user.

    credits: what the try was charged all the same.
    """

    task: Task
    reason: str
    credits: float = 0.0


class EngineUnavailable(Exception):  # noqa: N818 (a word of the house)
    """The engine cannot go on. `unfinished` holds every task it had taken and not answered, in the order taken.

    for_good: not again during this job, whatever `readiness` says to the next one (a key may be topped up meanwhile).
    fall_back: False where the rest of the job is to be left undone rather than go to the next engine.
    """

    def __init__(
        self, reason: str, unfinished: Sequence[Task] = (), for_good: bool = False, fall_back: bool = True
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.unfinished = tuple(unfinished)
        self.for_good = for_good
        self.fall_back = fall_back


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


OnProgress = Callable[[str, float], None]


def ignore_progress(words: str, share: float) -> None:
    """Where nobody asks what an engine is at."""


@dataclass(frozen=True)
class JobView:
    """What an engine may know of the whole job: its readable sources sorted by hash, and its recipe.

    stop: set when the user wants no more; an engine then begins nothing new and soon returns.
    engine_state: what an engine keeps for the length of the job, under its own name (credits spent).
    on_progress: for an engine whose images take long: what it is doing, in words, and the share of that which is done,
    0 to 1; no words when it is done. May be called from any thread.
    """

    sources: Sequence[Source]
    recipe: Recipe
    max_pixels: int
    stop: Event = field(default_factory=Event, repr=False, compare=False)
    engine_state: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    on_progress: OnProgress = field(default=ignore_progress, repr=False, compare=False)


class Engine(Protocol):
    """Something that makes variations. One object serves many jobs, one after the other or at once."""

    name: str

    def readiness(self) -> Readiness:
        """Cheap: called before a job and, after a failure, before each task."""
        ...

    def make(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
        """Answer every task that it takes from `tasks` with Made or Refused, or raise EngineUnavailable."""
        ...
