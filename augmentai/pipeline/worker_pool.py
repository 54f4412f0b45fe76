"""One run shared out among processes of this machine: each makes all variations of some images, and this one writes.

What a variation depends on is its source, its seed and the whole set, never on what else a process makes, so that any
number of processes makes the same files. They are forked once the engine is warm and the whole set is measured.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from multiprocessing.connection import wait
from typing import Any

from augmentai.dataset.formats.detect import format_named
from augmentai.dataset.formats.folders import FolderLayout
from augmentai.engines.base import JobView
from augmentai.images.decode import load_decoders
from augmentai.images.shrink_kernel import compiled_kernel
from augmentai.pipeline.image_sizes import mean_pixels
from augmentai.pipeline.plan import RunPlan
from augmentai.pipeline.router import Router
from augmentai.pipeline.run_state import RunState
from augmentai.pipeline.worker_process import Finished, Settled, Taken, make_assigned
from augmentai.system.cpu import usable_cores
from augmentai.system.forks import Fork, can_fork, fork
from augmentai.types import Outcome, Source, SourceKey

_AHEAD = 2  # images that are assigned to a process before it asks for them
_LEAST_EACH = 24  # variations: with fewer for each process, starting it takes longer than it saves
_LOOK_S = 0.1  # how often a stop is noticed
_ADVICE = "make the image smaller, or set AUGMENTAI_WORKERS=1"


def workers_for(sources: Sequence[Source], run: RunState, wanted: int | None) -> int:
    """How many processes to share a run out among; 1 if this one should make all of it.

    Args:
        sources: the images of the run.
        run: the run, which nothing was done for yet.
        wanted: how many at most; None for as many as pay.
    """
    most = min(usable_cores() if wanted is None else wanted, len(sources))
    if most <= 1 or not (can_fork() and run.plan.total and _may_share(sources, run)):
        return 1
    if wanted is not None:
        return most
    most = min(most, run.plan.total // _LEAST_EACH)
    pixels = mean_pixels(sources, run.max_pixels) or 0.0
    while most > 1 and not run.memory.share(most).has_room_for(pixels):
        most -= 1  # each must have room for one image at least
    return max(1, most)


def _may_share(sources: Sequence[Source], run: RunState) -> bool:
    """Whether engines, files and labels can be used by several processes at the same time."""
    engines = Router(run.engines, run.plan.recipe).engines
    if not engines or not all(engine.works_in_processes for engine in engines) or run.stored_answers:
        return False
    # Of ZIPs, tables and databases the processes would share one open file, and each move the other's place in it.
    return all(source.file is not None for source in sources) and _has_own_labels(run.plan, sources)


def _has_own_labels(plan: RunPlan, sources: Sequence[Source]) -> bool:
    """Whether each image's labels are in files of its own, or there are none, and labels stay in their format."""
    layout = plan.gathered.layout
    labels = [source.labels for source in sources if source.labels is not None]
    if not layout.is_in(plan.recipe.to) or layout.masks:
        return False
    if isinstance(layout, FolderLayout):
        return not labels
    if format_named(layout.name).part is None:
        return False
    packed = [layout.packed(reader) for reader in labels]
    return all(one is not None and not any(entry.origin for entry in one.files) for one in packed)


def prepare(run: RunState) -> None:
    """Load and measure what all processes need, once."""
    load_decoders(run.max_pixels)
    compiled_kernel()
    router, whole = Router(run.engines, run.plan.recipe), run.whole_set
    run.skipped_engines.update(router.passed_over)
    view = JobView(whole.by_hash, run.plan.recipe, run.max_pixels, run.stop, whole.engine_state, memory=run.memory)
    for engine in router.engines:
        engine.warm_up()
        whole.engine_state.update(engine.measure_set(view))
    _ = whole.holdout, whole.locates_objects


def run_shared(sources: Sequence[Source], run: RunState, workers: int) -> Generator[Outcome, None, None]:
    """Send sources through the stages in several processes; see `stages.run_stages`.

    Args:
        sources: the images to augment.
        run: what the stages share.
        workers: how many processes.
    """
    prepare(run)
    run.memory = run.memory.share(workers)
    run.whole_set.processes = workers
    pool = _Pool(sources, run)
    try:
        yield from pool.outcomes(workers)
    finally:
        pool.close()


@dataclass
class _InHand:
    """An image that a process is making variations of.

    Attributes:
        number: of the image.
        missing: the variations that are not settled.
        notice: why it is made again, if it is.
    """

    number: int
    missing: set[int]
    notice: str = ""


@dataclass(eq=False)
class _Worker:
    """A process, and what it has in hand.

    Attributes:
        fork: the process.
        in_hand: images that were assigned to it and are not settled.
        unread: how many of them it has not taken yet.
        told: whether it knows that there are no more.
        single: whether it makes one image alone, with which another process has failed.
    """

    fork: Fork
    in_hand: dict[SourceKey, _InHand] = field(default_factory=dict)
    unread: int = 0
    told: bool = False
    single: bool = False


class _Pool:
    """The processes of one run."""

    def __init__(self, sources: Sequence[Source], run: RunState) -> None:
        self._sources, self._run = sources, run
        self._left = iter(range(len(sources)))
        self._next = self._pull()
        self._again: deque[_InHand] = deque()
        self._workers: list[_Worker] = []
        self._stopping = False

    def outcomes(self, workers: int) -> Iterator[Outcome]:
        """All outcomes, as they come."""
        for _ in range(workers):
            if self._next is not None:
                self._start()
        self._run.begun = True
        while self._workers or self._again:
            self._notice_stop()
            if not self._workers:  # what a process has failed with is made last, each image alone
                self._start(self._again.popleft())
            by_pipe = {worker.fork.pipe: worker for worker in self._workers}
            for pipe in wait(list(by_pipe), _LOOK_S):
                worker = by_pipe[pipe]  # type: ignore[index]
                try:
                    message = worker.fork.pipe.recv()
                except Exception:  # it has ended without a word, or in the middle of one
                    yield from self._lost(worker, "")
                    continue
                yield from self._received(worker, message)

    def close(self) -> None:
        """End all processes that are still at work."""
        for worker in self._workers:
            worker.fork.close()
        for worker in self._workers:
            worker.fork.ended()
        self._workers.clear()

    def _start(self, alone: _InHand | None = None) -> None:
        run, sources = self._run, self._sources
        forked = fork(partial(make_assigned, sources=sources, run=run), [worker.fork for worker in self._workers])
        worker = _Worker(forked, single=alone is not None)
        self._workers.append(worker)
        if alone is not None:
            self._assign(worker, alone)
        self._top_up(worker)

    def _top_up(self, worker: _Worker) -> None:
        while not (worker.single or worker.told) and worker.unread < _AHEAD and self._next is not None:
            self._assign(worker, self._next)
            self._next = self._pull()
        if not worker.told and (worker.single or self._next is None):
            self._tell(worker, None)

    def _assign(self, worker: _Worker, item: _InHand) -> None:
        worker.in_hand[self._sources[item.number].key] = item
        worker.unread += 1
        self._tell(worker, item.number)

    def _tell(self, worker: _Worker, number: int | None) -> None:
        worker.told = number is None
        with suppress(OSError):  # it has ended, which is noticed when it is listened to
            worker.fork.pipe.send(number)

    def _pull(self) -> _InHand | None:
        """The next image with something left to make."""
        plan, checkpoint = self._run.plan, self._run.checkpoint
        for number in self._left:
            source = self._sources[number]
            if missing := {index for index in plan.indices(source.key) if (source, index) not in checkpoint}:
                return _InHand(number, missing)
        return None

    def _notice_stop(self) -> None:
        if self._stopping or not self._run.stop.is_set():
            return
        self._stopping = True
        self._run.cut_short = self._run.cut_short or self._next is not None or bool(self._again)
        self._next = None
        self._again.clear()
        for worker in self._workers:
            worker.fork.stop()
            self._top_up(worker)

    def _received(self, worker: _Worker, message: Any) -> Iterator[Outcome]:
        if isinstance(message, Taken):
            worker.unread -= 1
            self._top_up(worker)
        elif isinstance(message, Settled):
            item = worker.in_hand.get(message.source)
            if item is None:
                return
            index = message.outcome.index
            if index == 0:
                item.missing.clear()  # of the whole image
            elif index in item.missing:
                item.missing.remove(index)
            else:
                return  # settled before, by a process that did not finish
            if not item.missing:
                del worker.in_hand[message.source]
            outcome = message.unpacked(self._sources[item.number])
            yield replace(outcome, notices=(*outcome.notices, item.notice)) if item.notice else outcome
        elif isinstance(message, Finished):
            yield from self._finished(worker, message)

    def _finished(self, worker: _Worker, last: Finished) -> Iterator[Outcome]:
        run = self._run
        run.cut_short = run.cut_short or last.cut_short
        run.outages |= last.outages
        for words in last.losses:
            run.output.losses.setdefault(words, None)  # type: ignore[attr-defined]
        if worker.in_hand and not self._stopping:
            yield from self._lost(worker, last.fault or "it came back without an answer")
        else:
            self._remove(worker)

    def _lost(self, worker: _Worker, fault: str) -> Iterator[Outcome]:
        """A process has ended early: what it had in hand is made again, once."""
        how = self._remove(worker)
        how = f"it met {fault}" if fault else how or "it ended without a word"
        if self._stopping:
            self._run.cut_short = self._run.cut_short or bool(worker.in_hand)
            return
        for key, item in worker.in_hand.items():
            if not worker.single:
                notice = f"made again, since the process that made it did not finish: {how}"
                self._again.append(replace(item, notice=notice))
                continue
            reason = f"each process that made it failed: {how}; {_ADVICE}"
            yield from (self._failure(key, item, index, reason) for index in sorted(item.missing))
        if self._next is not None and not worker.single:
            self._start()

    def _failure(self, key: SourceKey, item: _InHand, index: int, reason: str) -> Outcome:
        return Outcome(self._sources[item.number], index, 0, reason=reason)

    def _remove(self, worker: _Worker) -> str:
        """Forget a process. Returns how it ended, in words; "" if all was well."""
        self._workers.remove(worker)
        worker.fork.close()
        return worker.fork.ended()
