"""The stage in which engines paint: every task is answered exactly once, whatever an engine does."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from itertools import chain

from augmentai.engines.base import JobView, Refused, Task
from augmentai.pipeline.drafts import Begun, begin_drafts
from augmentai.pipeline.router import Router
from augmentai.pipeline.run_state import RunState, failed
from augmentai.types import Outcome

_TaskKey = tuple[str, str, int]


def paint(tasks: Iterator[Task], run: RunState) -> Iterator[Begun | Outcome]:
    """Answer every task: an image by the first engine that can make it, or the outcome that says why none could.

    Outcomes that were settled before any engine are yielded as soon as possible.
    """
    with closing(_answers(tasks, run)) as answers:
        for answer in answers:
            yield from _drain(run)
            if isinstance(answer, Refused):
                yield failed(answer.task, answer.reason, answer.task.credits + answer.credits)
            else:
                yield answer
            del answer
    yield from _drain(run)


def _drain(run: RunState) -> Iterator[Outcome]:
    while run.settled_early:
        yield run.settled_early.popleft()


def _answers(tasks: Iterator[Task], run: RunState) -> Generator[Begun | Refused, None, None]:
    """Every task answered once, even if an engine breaks off, forgets tasks, or answers one twice."""
    plan = run.plan
    router = Router(run.engines, plan.recipe)
    run.skipped_engines.update(router.passed_over)
    run.outages = router.outages
    whole = run.whole_set
    shared = whole.by_hash, plan.recipe, run.max_pixels, run.stop, whole.engine_state
    view = JobView(*shared, on_progress=run.on_progress, ledger=run.ledger, memory=run.memory)
    watched = _Unanswered(tasks)
    while (first := next(watched, None)) is not None:  # with nothing left to do, no engine is loaded
        fault = "it came back without an answer"
        results = router.route(chain(iter([first]), watched), view)  # a round that takes nothing loses it
        del first  # or its photo would be in memory to the end of the round
        try:
            for result in begin_drafts(results, run):
                run.begun = True
                if watched.answered(result.task):
                    yield result
                del result
        except Exception as error:  # a fault in an engine costs the images it had in hand, never the job
            fault = f"{type(error).__name__}: {error}"
        finally:
            results.close()  # engines abandon what they have begun
        if run.stop.is_set():
            left = watched.pending or run.retries or next(watched, None)  # the stages before this one say so too
            run.cut_short = run.cut_short or bool(left)
            return
        for task in watched.take_back():
            yield Refused(task, f"a fault inside the engine ({fault}); please report it")


class _Unanswered(Iterator[Task]):
    """Tasks on their way to the engines, remembered until they are answered."""

    def __init__(self, tasks: Iterator[Task]) -> None:
        self._tasks = tasks
        self.pending: dict[_TaskKey, Task] = {}

    def __next__(self) -> Task:
        task = next(self._tasks)
        self.pending[_key(task)] = task
        return task

    def answered(self, task: Task) -> bool:
        """Whether this answer is the first to its task."""
        return self.pending.pop(_key(task), None) is not None

    def take_back(self) -> list[Task]:
        """What an engine took and never answered."""
        lost = list(self.pending.values())
        self.pending.clear()
        return lost


def _key(task: Task) -> _TaskKey:
    return (*task.source.key, task.index)
