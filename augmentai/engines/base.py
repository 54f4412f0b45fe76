"""The engine protocol: the base class, what goes in and what comes out, and how an engine may fail.

An engine pulls tasks from an iterator when it has room and yields results as they finish, in any order, so that each
kind can run at its fastest: one keeps requests in flight, one fills a batch on a GPU, one encodes a source once for
all its variations.

    image refused            yield Refused: that variation goes to the next engine, the others stay
    engine unavailable       raise EngineUnavailableError with the tasks it had taken and not finished
    transient fault          the engine's own retry rule, then one of the two above

A whole engine, which another package registers under `augmentai.engines` (see `augmentai.registry`):

    >>> from PIL import Image, ImageOps
    >>> from augmentai.settings import Settings
    >>> class Inverter(Engine):
    ...     name, title, blurb = "inverter", "Inverter", "free"
    ...
    ...     def make(self, tasks, job):
    ...         for task in tasks:
    ...             yield self.made(task, ImageOps.invert(task.photo.rgb))
    >>> photo = Photo(Image.new("RGB", (8, 8), "white"), "PNG", "RGB")
    >>> task = Task(Source.from_bytes("a.png", b""), photo, index=1, seed=7, recipe=Recipe())
    >>> made, = Inverter(Settings()).make(iter([task]), JobView((), Recipe(), max_pixels=1_000_000))
    >>> made.engine, made.image.getpixel((0, 0))
    ('inverter', (0, 0, 0))
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from PIL import Image

from augmentai.engines.job_view import JobView as JobView
from augmentai.engines.job_view import OnProgress as OnProgress
from augmentai.engines.job_view import ignore_progress as ignore_progress
from augmentai.engines.readiness import Readiness as Readiness
from augmentai.images import Photo
from augmentai.recipe import AUTO, Recipe
from augmentai.types import Fallback, Rejection, Source

if TYPE_CHECKING:
    from augmentai.annotations import Labels
    from augmentai.engines.budget import Estimate
    from augmentai.engines.repaint import Region
    from augmentai.settings import Settings


@dataclass(frozen=True)
class Task:
    """One variation to be made.

    Attributes:
        source: the image it is made from.
        photo: the same, decoded; engines read `photo.rgb`, or `photo.flattened()` if they do not support transparency.
        index: counts the variations of a source from 1.
        seed: this variation's own, 1 to 4294967294; the same seed has to give the same pixels.
        recipe: what the user asked for.
        fallbacks: the engines that have not made it, and why.
        credits: charged so far for attempts that failed or were rejected.
        labels: the source's annotations; engines do not need them.
        rejections: earlier attempts that a filter rejected.
        caption: what the set says of the image in words, if the prompt asks for it.
        region: the part that is to be painted anew; None if that is the whole image. Whatever an engine that repaints
            returns, the source's own pixels are laid back over the rest.
    """

    source: Source
    photo: Photo = field(repr=False)
    index: int
    seed: int
    recipe: Recipe
    fallbacks: tuple[Fallback, ...] = ()
    credits: float = 0.0
    labels: Labels | None = field(default=None, repr=False, compare=False)
    rejections: tuple[Rejection, ...] = ()
    region: Region | None = field(default=None, repr=False, compare=False)
    caption: str = ""

    @property
    def attempt(self) -> int:
        """0, then one more for each rejected attempt. An engine that chooses by index has to choose by this too."""
        return len(self.rejections)

    def retry(self, seed: int, rejection: Rejection, credits: float) -> Task:
        """The same variation for another attempt by the first engine that can.

        Args:
            seed: of the new attempt.
            rejection: why the last one was rejected.
            credits: charged so far, in all.
        """
        rejections = (*self.rejections, rejection)
        return replace(self, seed=seed, rejections=rejections, credits=credits, fallbacks=())

    def passed_on(self, engine: str, reason: str, credits: float = 0.0) -> Task:
        """The same task for the next engine.

        Args:
            engine: the one that did not make it.
            reason: why not.
            credits: what that cost.
        """
        return replace(self, fallbacks=(*self.fallbacks, Fallback(engine, reason)), credits=self.credits + credits)


@dataclass(frozen=True)
class Made:
    """A finished variation, as `Engine.made` builds it with the engine's own name and capabilities.

    Attributes:
        task: the one it answers.
        engine: name of the engine that made it.
        image: RGB, exactly the source's width and height.
        model: which model painted it.
        seconds: how long that took.
        prompt: the prompt that was used, if any.
        repainted: the model painted every pixel; False if it changed those of the source.
        details: whatever else explains it (donor, credits, the service's own seed); goes into the manifest.
        strength: what it was made with, if the recipe left the strength to the engine.
        painted: a model changed it; False if the source passed through as it is.
    """

    task: Task
    engine: str
    image: Image.Image = field(repr=False)
    model: str
    seconds: float
    prompt: str = ""
    repainted: bool = True
    details: Mapping[str, Any] = field(default_factory=dict)
    strength: float | None = None
    painted: bool = True

    @property
    def strength_used(self) -> float:
        """The recipe's strength, or the engine's own if the recipe leaves it to that; 0 if nothing was painted."""
        return self.task.recipe.strength_or(self.strength or 0.0) if self.painted else 0.0


@dataclass(frozen=True)
class Refused:
    """This variation cannot be made by this engine.

    Attributes:
        task: the task it answers.
        reason: why, in words for the user.
        credits: what the attempt was charged nevertheless.
    """

    task: Task
    reason: str
    credits: float = 0.0


class EngineUnavailableError(Exception):
    """The engine cannot continue.

    Attributes:
        reason: why, in words a user can act on.
        unfinished: every task it had taken and not answered, in the order taken.
        for_good: do not ask it again during this job, whatever `readiness` says (a key may be topped up meanwhile).
        fall_back: False if the rest of the job must be left undone rather than go to the next engine.
    """

    def __init__(
        self, reason: str, unfinished: Sequence[Task] = (), for_good: bool = False, fall_back: bool = True
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.unfinished = tuple(unfinished)
        self.for_good = for_good
        self.fall_back = fall_back


class Engine(ABC):
    """Something that makes variations. Its attributes state what it can do, so that nothing has to know it by name.

    One object serves many jobs, one after the other or at once.

    Attributes:
        name: what recipes, flags and manifests call it; the name it is registered under.
        title, blurb, changes: its name for people; a few words after it ("hosted, paid"); a line on what it changes.
        setup_hint: one sentence on how to make it ready, for users who have not; "" if nothing is needed.
        paid: it charges credits; such an engine is a `PaidEngine`.
        reads_prompt: it follows the recipe's prompt.
        paints: a model changes the image; False if only geometry and operations do.
        repaints: it paints every pixel itself, so labelled objects may drift.
        repaints_in_part: where a task has a region, it paints that alone, to fit what is around it.
        borrows_from_other_sources: what it makes of one image depends on the other images of the job.
        works_in_processes: several processes may make its images at the same time: it needs neither a device nor a
            connection, and a process that is forked once it is warm can use what it has loaded.
        may_differ: why the same request may give other pixels another time; "" if it never does.
        auto_rank: its place in the order of engine="auto", lowest first; None: used only when named.
        auto_strength: the strength, 0 to 1, that it works with if the recipe says "auto".
    """

    name: str
    title: str = ""
    blurb: str = ""
    changes: str = ""
    setup_hint: str = ""
    paid: bool = False
    reads_prompt: bool = False
    paints: bool = True
    repaints: bool = False
    repaints_in_part: bool = False
    borrows_from_other_sources: bool = False
    works_in_processes: bool = False
    may_differ: str = ""
    auto_rank: int | None = None
    auto_strength: float = 0.5

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @abstractmethod
    def make(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
        """Answer every task that is taken from `tasks`.

        Args:
            tasks: pulled when there is room for another; endless from the engine's point of view.
            job: what may be known of the whole job.

        Yields:
            Made or Refused for each task, in any order.

        Raises:
            EngineUnavailableError: it cannot continue; with the tasks taken and not answered.
        """

    def readiness(self) -> Readiness:
        """Whether it can work now. Cheap: called before a job and, after a failure, before each task."""
        return Readiness(True)

    def warm_up(self) -> None:  # noqa: B027 (optional)
        """Load what the first task would wait for, in the caller's thread. Never raises."""

    def model_version(self) -> str:
        """Which model makes the pixels, for the record of a run: by default the package that the engine is from.

        Must not load the model.
        """
        from augmentai.registry import registered

        entry = registered("engines").get(self.name)
        return entry.package if entry else ""

    def differs_from(self, model: str) -> str:
        """Why images that it made before, by what `Made.model` named then, cannot be made again; "" if they can."""
        return ""

    def differs_in(self, details: Mapping[str, Any]) -> str:
        """Likewise, by what `Made.details` said then of how an image was made."""
        return ""

    def seconds_per_image(self, pixels: float) -> float:
        """A first guess at the time that one variation of this many pixels takes; finished jobs correct it."""
        return 1.0 + pixels / 1e6

    def estimate(self, recipe: Recipe, variations: int) -> Estimate | None:
        """The most that a job may cost. Never goes online, never raises.

        Args:
            recipe: what to make.
            variations: how many in all.

        Returns:
            The estimate; None if the variations are free.
        """
        return None

    def serves(self, wanted: str) -> bool:
        """Whether a recipe may use this engine.

        Args:
            wanted: the recipe's engine: a name, or "auto".
        """
        return wanted == self.name or (wanted == AUTO and self.auto_rank is not None)

    def follows(self, recipe: Recipe) -> str:
        """What it makes of a recipe's prompts: the same text for two that say the same to it; "" for nothing."""
        return f"{recipe.prompt}\n{recipe.negative_prompt}".strip() if self.reads_prompt else ""

    def lenders(self, sources: Sequence[Source]) -> Sequence[Source]:
        """Those images of a job whose content or number can change what it makes of another one.

        A worker that makes a part of a run is handed these alone as `JobView.sources`.

        Args:
            sources: all images of the job, sorted by hash.
        """
        return sources if self.borrows_from_other_sources else ()

    def measure_set(self, job: JobView) -> Mapping[str, Any]:
        """What it works out from all images of a job before the first one, to be done once for many workers.

        Args:
            job: with all images that may lend.

        Returns:
            What to put into `JobView.engine_state` of each worker; the values are numbers or text.
        """
        return {}

    def unused_settings(self, recipe: Recipe) -> tuple[str, ...]:
        """What a recipe asks for that this engine ignores, in words for the user."""
        from augmentai.engines.unused_settings import ignored_prompt, ignored_repaint

        return (*ignored_prompt(self, recipe), *ignored_repaint(self, recipe))

    def made(
        self,
        task: Task,
        image: Image.Image,
        *,
        model: str = "",
        seconds: float = 0.0,
        prompt: str = "",
        repainted: bool | None = None,
        details: Mapping[str, Any] | None = None,
        strength: float | None = None,
    ) -> Made:
        """A finished variation in this engine's name; see `Made` for what each is.

        Args:
            model: `model_version()` by default.
            repainted: as the engine's `repaints` by default.
            strength: `auto_strength` by default.
        """
        return Made(
            task,
            self.name,
            image,
            model or self.model_version(),
            seconds,
            prompt,
            self.repaints if repainted is None else repainted,
            details or {},
            self.auto_strength if strength is None else strength,
            self.paints,
        )
