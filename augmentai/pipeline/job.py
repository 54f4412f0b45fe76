"""The loop: one recipe over one set of sources. The page, the API, the command line and `augment()` all run this."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from threading import Event

from augmentai.dataset.checkpoint import Checkpoint
from augmentai.dataset.lift_file import LiftFile
from augmentai.dataset.paid_answers import variation_name
from augmentai.dataset.readers.gather import Gathered, Limits
from augmentai.dataset.writers.output_set import OutputSet
from augmentai.engines import estimate
from augmentai.engines.base import Engine, OnProgress, ignore_progress
from augmentai.engines.budget import Estimate
from augmentai.engines.image_memory import ImageMemory
from augmentai.engines.run_ledger import RunLedger
from augmentai.pipeline.plan import RunPlan, plan_run
from augmentai.pipeline.report import Report
from augmentai.pipeline.run_state import RunState
from augmentai.pipeline.split import make_split
from augmentai.pipeline.stages import run_stages
from augmentai.pipeline.worker_pool import run_shared, workers_for
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.types import Outcome, Source


@dataclass
class Job:
    """One run of a recipe over sources, from its plan to its report.

    Iterate over `run()` for outcomes as they finish; `report` counts them. Set `stop` to end early: what an engine has
    begun is finished or dropped, nothing new begins, and `report` says that the run was stopped.

    Args:
        gathered: the source set; if the recipe asks for a split, the job's own has one.
        recipe: what is asked for. The job's own has a seed other than 0.
        settings: limits.
        engines: in order of preference.
        stop: ends the run early when set.
        first_index, retry_round: see `RunPlan`.
        on_progress: see `JobView`.
        lift: what was measured on the set before, for the card and the report; None if nothing was.
        workers: how many processes may share the run, where engines and files allow it, and this process may be forked:
            None for as many as pay.

    Attributes:
        plan: what the run will do, known before it begins.
        output: the set around the variations: originals, labels, splits.
        report: what has happened so far.
        ledger: the run's ledger of paid requests.

    Raises:
        RecipeError: the set cannot be converted or split as asked, or has no classes to balance.
        ValueError: from `run()`, if the recipe names an engine that is not among `engines`.
    """

    gathered: Gathered
    recipe: Recipe
    settings: Settings
    engines: Sequence[Engine]
    stop: Event = field(default_factory=Event)
    first_index: int = 1
    retry_round: int = 1
    on_progress: OnProgress = ignore_progress
    lift: LiftFile | None = None
    workers: int | None = 1

    def __post_init__(self) -> None:
        self.recipe = self.recipe.with_seed()
        self.gathered = make_split(self.gathered, self.recipe, self.settings.max_pixels)
        numbering = self.first_index, self.retry_round
        limit = self.settings.max_pixels
        self.plan: RunPlan = plan_run(self.gathered, self.recipe, self.engines, *numbering, max_pixels=limit)
        self.output = OutputSet(self.gathered, self.recipe)
        self.ledger = RunLedger()
        self.report = Report(self.plan, self.output.losses, self.ledger)
        self.report.lift = self.lift
        self._checkpoint = Checkpoint()
        self._state: RunState | None = None

    def resume(self, checkpoint: Checkpoint, ledger: RunLedger | None = None) -> None:
        """Skip what an earlier run of the same plan has made; the report counts it.

        Args:
            checkpoint: what that run has made.
            ledger: that of its paid requests; None if there is none.
        """
        self._checkpoint = checkpoint
        self.ledger = ledger or self.ledger
        self.report.ledger = self.ledger
        self.plan = self.plan.in_round(checkpoint.retry_round)
        self.report.add_checkpoint(checkpoint)

    def has(self, source: Source, index: int) -> bool:
        """Whether an earlier run has made this variation, or paid for it in vain."""
        return (source, index) in self._checkpoint

    @property
    def has_begun(self) -> bool:
        """Whether an engine has made or requested an image: until then, a stop has nothing to wait for."""
        return self._state is not None and (self._state.begun or self.ledger.committed() > 0)

    @property
    def left_to_make(self) -> int:
        """How many variations do not exist and may be made; what was paid for in vain is not made again."""
        done = self._checkpoint
        return max(0, self.plan.total - done.variations - done.skipped_paid - done.given_up)

    @property
    def left_to_buy(self) -> int:
        """How many of these are not paid for."""
        stored, bought = self.ledger.answers.variations(), 0
        for source in self.plan.sources if stored else ():
            for index in self.plan.indices(source.key):
                bought += (source, index) not in self._checkpoint and variation_name(source.key, index) in stored
        return max(0, self.left_to_make - bought)

    @property
    def estimate_of_rest(self) -> Estimate | None:
        """The most that the rest of a resumed run may cost, within what the limit of the job leaves of it."""
        return estimate(self.engines, self.recipe, self.left_to_buy, self.ledger.committed())

    def run(self) -> Generator[Outcome, None, None]:
        """Outcomes as they finish: one for each variation, and one for each source that cannot be read.

        Raises nothing for a bad file or a faulty engine: both end as outcomes that say why. Closing the generator ends
        the work and its threads.
        """
        state = self._state = RunState(
            self.plan,
            self.output,
            self.engines,
            self.settings.max_pixels,
            self.stop,
            self.on_progress,
            self._checkpoint,
            self.ledger,
            self._checkpoint.fingerprints(self.plan.indices),
            memory=ImageMemory(self.settings.images_mb),
        )
        self.report.skipped_engines = state.skipped_engines
        outcomes = self._outcomes(state)
        finished = False
        try:
            for failure in self.gathered.failures:  # already counted by the report
                yield Outcome(Source(failure.file, None, "", 0, bytes), 0, 0, reason=failure.reason)
            for outcome in outcomes:
                self.report.add(outcome)
                yield outcome
                del outcome
            finished = not state.cut_short
        finally:
            self.report.stopped = not finished
            outcomes.close()
            state.close()
            self.report.ended = True

    def _outcomes(self, state: RunState) -> Generator[Outcome, None, None]:
        sources = self._in_order(state)
        workers = 1 if self.workers == 1 else workers_for(sources, state, self.workers)
        return run_stages(sources, state) if workers == 1 else run_shared(sources, state, workers)

    def _in_order(self, state: RunState) -> Sequence[Source]:
        """The sources, first those of which something is paid for already."""
        if not state.stored_answers:
            return self.plan.sources

        def is_bought(source: Source) -> bool:
            return any(state.is_stored(source, index) for index in self.plan.indices(source.key))

        return sorted(self.plan.sources, key=lambda source: not is_bought(source))


def limits(settings: Settings, files: int | None = None) -> Limits:
    """The limits on reading.

    Args:
        settings: with the limits on file size, ZIP size and pixels.
        files: the most images per job, which only the page and the API limit.
    """
    return Limits(
        settings.max_file_bytes,
        settings.max_zip_bytes,
        files,
        settings.max_archive_files,
        None if settings.max_labels_mb is None else int(settings.max_labels_mb * 1_000_000),
        settings.max_objects,
        settings.max_points,
    )
