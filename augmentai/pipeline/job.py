"""The one generator: sources x recipe -> outcomes, one at a time. Every door of the house leads here."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from threading import Event

from augmentai import engines as engine_room
from augmentai.annotations import Labels
from augmentai.dataset.checkpoint import Checkpoint
from augmentai.dataset.readers.gather import Gathered, Limits, gather
from augmentai.dataset.writers.output_set import OutputSet
from augmentai.engines.base import Engine, Estimate, JobView, Made, OnProgress, Refused, Task, ignore_progress
from augmentai.filters import HoldoutIndex, ImageFeatures, image_features
from augmentai.filters.features import SIDE_PX
from augmentai.images import ImageError, Photo, decode
from augmentai.operations.auto_geometry import dataset_traits, resolve_geometry
from augmentai.pipeline.balance import plan
from augmentai.pipeline.postprocess import Finisher, Ready, failure_reason
from augmentai.pipeline.report import Report
from augmentai.pipeline.router import Router
from augmentai.recipe import Recipe
from augmentai.settings import Settings, load_settings
from augmentai.system.cpu import usable_cores
from augmentai.types import Outcome, Source, variation_seed

_ENCODED_BESIDE = 1  # pictures that become files while the engine makes the next
_DECODED_AHEAD = 2  # pictures decoded while the engine works; more would only cost memory


@dataclass
class Job:
    """One run of a recipe over sources.

    Iterate over `run()` for outcomes as they finish. `report` counts them. Set `stop` to end early: what an engine has
    begun is finished or dropped, nothing new is begun, and `report` says that it was stopped.
    first_index: number of the first variation of each source; more than 1 where earlier ones are there already.
    rounds: how often the recipe's tries are gone through before a variation that filters reject is left out; more than
    1 where a finished run is tried again.
    on_progress: see `JobView`.
    `output` is the set around the variations: originals, labels, splits. `geometry` is what the recipe's comes to.
    Raises ValueError where the recipe names an unknown engine, and RecipeError where the set cannot be converted or has
    no classes to balance.
    """

    gathered: Gathered
    recipe: Recipe
    settings: Settings
    engines: Sequence[Engine]
    stop: Event = field(default_factory=Event)
    first_index: int = 1
    rounds: int = 1
    on_progress: OnProgress = ignore_progress

    def __post_init__(self) -> None:
        self.recipe = self.recipe.with_seed()
        self.report = Report(self.recipe, len(self.gathered.sources), self.gathered.failures, self.gathered.notices)
        self.output = OutputSet(self.gathered, self.recipe)
        self.plan = plan(self.gathered.sources, self.recipe)
        for notice in self.plan.notices:
            self.report.notice(notice)
        self.report.estimate = self.estimate
        self.report.losses = self.output.losses
        sources = self.gathered.sources
        labelled = self.gathered.foreign_labels or any(source.labels is not None for source in sources)
        seen = dataset_traits(((source.path, source.label) for source in sources), labelled)
        self.geometry = resolve_geometry(self.recipe, seen)
        self.report.geometry = str(self.geometry)
        if self.geometry.notice:
            self.report.notice(self.geometry.notice)
        self._unreadable: deque[Outcome] = deque()
        self._unanswered: dict[tuple[str, str, int], Task] = {}
        self._cut_short = False
        self._checkpoint = Checkpoint()
        self._prints: Mapping[tuple[str, str], Mapping[int, bytes | None]] = {}
        self._encoders = ThreadPoolExecutor(1, "encode")
        self._finisher = Finisher(
            self.recipe,
            self.output,
            self._wanted,
            lambda place: self._prints.get(place, {}),
            self._held_out,
            self._encoders,
            lambda: self.rounds * (self.recipe.retries + 1),
            self.geometry.for_source,
        )

    def resume(self, checkpoint: Checkpoint) -> None:
        """Leave out what an earlier run of the same recipe over the same sources has made; the report counts it."""
        self._checkpoint = checkpoint
        self.rounds = max(self.rounds, checkpoint.retry_round)
        self._prints = checkpoint.fingerprints(self._wanted)
        self.report.add_checkpoint(checkpoint)

    @property
    def estimate(self) -> Estimate | None:
        """What the paid engines would cost at most; None where none would be used."""
        return engine_room.estimate(self.engines, self.recipe, self.plan.total)

    @property
    def expected(self) -> int:
        """How many variations there will be if nothing goes wrong."""
        return self.plan.total

    def wanted(self, source: Source) -> int:
        """How many variations of a source there will be if nothing goes wrong; 0 for one that is not varied."""
        return self.plan.of((source.path, source.sha256))

    def run(self) -> Generator[Outcome, None, None]:
        """Outcomes as they finish: one for each wanted variation, and one for each source that cannot be read.

        Raises nothing for a bad file or a faulty engine: both end as outcomes that say why. Closing the generator ends
        the work and its thread.
        """
        pool = ThreadPoolExecutor(1, "decode")
        tasks = _WithRetries(self._tasks(pool), self._finisher.again, self._begin)
        results = self._results(tasks)
        waiting: deque[Ready] = deque()
        ended = False
        try:
            for failure in self.gathered.failures:  # already counted by the report
                yield Outcome(Source(failure.file, None, "", 0, bytes), 0, 0, reason=failure.reason)
            for result in results:
                waiting.extend(self._finisher.outcomes(result))
                # While a file is encoded the engine makes the next picture. What was paid for waits for nothing.
                paid = any(ready.settled.credits for ready in waiting)
                yield from self._all_but(0 if paid else _ENCODED_BESIDE, waiting)
            waiting.extend(self._finisher.left())
            yield from self._all_but(0, waiting)
            yield from self._said(None)
            ended = not self._cut_short
        finally:
            self.report.stopped = not ended
            results.close()
            tasks.close()
            pool.shutdown(cancel_futures=True)
            self._encoders.shutdown(cancel_futures=True)

    def _all_but(self, count: int, waiting: deque[Ready]) -> Iterator[Outcome]:
        while len(waiting) > count:
            yield from self._said(waiting.popleft().outcome())

    def _results(self, tasks: Iterator[Task]) -> Generator[Made | Refused, None, None]:
        """Every task answered once, also where an engine breaks off, forgets tasks, or answers one twice."""
        router = Router(self.engines, self.recipe)
        self.report.passed_over = router.passed_over
        by_hash = sorted(self.gathered.sources, key=lambda s: (s.sha256, s.path))
        view = JobView(by_hash, self.recipe, self.settings.max_pixels, self.stop, on_progress=self.on_progress)
        first = next(tasks, None)  # with nothing left to do, no engine is loaded
        rest: Iterator[Task] = chain([first], tasks) if first is not None else iter(())
        while first is not None:
            fault = "it came back without an answer"
            results = router.route(rest, view)
            try:
                for result in results:
                    if self._unanswered.pop(_key(result.task), None) is not None:
                        yield result
            except Exception as error:  # a fault in an engine costs the pictures it had in hand, never the job
                fault = f"{type(error).__name__}: {error}"
            finally:
                results.close()  # type: ignore[attr-defined]  # a generator: lets engines drop what they began
            if self.stop.is_set():
                self._cut_short = self._cut_short or bool(self._unanswered or self._finisher.again)
                return
            for task in self._taken_back():
                yield Refused(task, f"a fault inside the engine ({fault}); please report it")
            following = next(tasks, None)
            if following is None:
                return
            rest = chain([following], tasks)  # begins anew; a round that takes nothing loses this one, so it ends

    def _taken_back(self) -> list[Task]:
        lost = list(self._unanswered.values())
        self._unanswered.clear()
        return lost

    def _said(self, outcome: Outcome | None) -> Iterator[Outcome]:
        """Sources that could not be read were met while an engine drew tasks; they are told as soon as may be."""
        while self._unreadable:
            unreadable = self._unreadable.popleft()
            self.report.add(unreadable)
            yield unreadable
        if outcome is not None:
            self.report.add(outcome)
            yield outcome

    def _tasks(self, pool: ThreadPoolExecutor) -> Generator[Task, None, None]:
        ahead: deque[tuple[Source, Future[tuple[Photo, Labels | None]]]] = deque()
        waiting = iter(self.gathered.sources)

        def fill() -> None:
            while len(ahead) < _DECODED_AHEAD and (source := next(waiting, None)) is not None:
                if all((source, index) in self._checkpoint for index in self._wanted((source.path, source.sha256))):
                    continue
                ahead.append((source, pool.submit(self._decode, source)))

        fill()
        while ahead:
            source, future = ahead.popleft()
            if self.stop.is_set():
                self._cut_short = True
                return
            fill()
            try:
                photo, labels = future.result()
            except Exception as error:
                self._unreadable.append(Outcome(source, 0, 0, reason=failure_reason(error)))
                continue
            if (leak := self._finisher.leak(source, photo)) is not None:
                self._unreadable.append(leak)
                continue
            for index in self._wanted((source.path, source.sha256)):
                if (source, index) in self._checkpoint:
                    continue
                if self.stop.is_set():
                    self._cut_short = True
                    return
                tried = self._checkpoint.rejections(source, index)
                if len(tried) >= self.rounds * (self.recipe.retries + 1):
                    tried = ()  # no try is left: the same ones end as they did before
                seed = variation_seed(self.recipe.seed, source.sha256, index, len(tried))
                yield self._begin(Task(source, photo, index, seed, self.recipe, labels=labels, rejections=tried))

    def _begin(self, task: Task) -> Task:
        self._unanswered[_key(task)] = task
        return task

    def _wanted(self, place: tuple[str, str]) -> range:
        return range(self.first_index, self.first_index + self.plan.of(place))

    def _decode(self, source: Source) -> tuple[Photo, Labels | None]:
        """Labels are read with the picture: where they are broken, no engine has cost anything yet."""
        photo = decode(source.read(), source.path, self.settings.max_pixels)
        return photo, None if source.labels is None else source.labels.load()

    @cached_property
    def _hashes(self) -> HoldoutIndex | None:
        """Of the pictures held out, which takes a moment for each; None where nothing is to be compared with them."""
        held_out = self.gathered.holdout
        if not (held_out and self.recipe.filters and self.recipe.thresholds.held_out):
            return None
        with ThreadPoolExecutor(usable_cores(), "hash") as pool:
            return HoldoutIndex(held_out, self._glance, pool)

    def _held_out(self) -> HoldoutIndex | None:
        return self._hashes

    def _glance(self, source: Source) -> ImageFeatures | None:
        """A picture small, which for JPEG is quick; None where it cannot be read, or the job is stopped."""
        if self.stop.is_set():
            return None
        try:
            photo = decode(source.read(), source.path, self.settings.max_pixels, draft_side_px=SIDE_PX)
        except (ImageError, OSError):
            return None  # the set's own reader tells of it
        return image_features(photo.restore(photo.rgb), photo.black_white)


class _WithRetries(Iterator[Task]):
    """Tasks, those first that are to be tried again. May go on after its end, when one of the last is rejected."""

    def __init__(self, tasks: Generator[Task, None, None], again: deque[Task], begin: Callable[[Task], Task]) -> None:
        self._tasks, self._again, self._begin = tasks, again, begin

    def __next__(self) -> Task:
        return self._begin(self._again.popleft()) if self._again else next(self._tasks)

    def close(self) -> None:
        self._tasks.close()


def _key(task: Task) -> tuple[str, str, int]:
    return task.source.path, task.source.sha256, task.index


def limits(settings: Settings, files: int | None = None) -> Limits:
    """What the settings allow to be read; `files` bounds a job of the page or the API."""
    return Limits(settings.max_file_bytes, settings.max_zip_bytes, files)


def augment(
    sources: str | os.PathLike[str] | Source | Iterable[str | os.PathLike[str] | Source],
    recipe: Recipe | None = None,
    settings: Settings | None = None,
) -> Iterator[Outcome]:
    """Make variations: yields an Outcome as each finishes.

    sources: files, folders (class folders kept), ZIPs, or `Source` objects; one or many.
    recipe: what to make, `Recipe()` by default. settings: the environment's by default.
    Bad files never raise: they come out as outcomes that are not ok and say why.
    Raises SettingsError where the environment holds a setting that cannot be used, and RecipeError where the recipe's
    `to` cannot hold what the sources have.
    """
    if isinstance(sources, str | os.PathLike | Source):
        sources = [sources]
    settings = settings or load_settings()
    recipe = recipe or Recipe()
    gathered = gather(sources, limits(settings), layout=recipe.layout)
    yield from Job(gathered, recipe, settings, engine_room.available(settings)).run()
