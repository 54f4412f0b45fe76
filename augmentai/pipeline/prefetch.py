"""Stages before any engine: sources are decoded ahead of the engine and become tasks, one for each variation."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING

from augmentai.annotations import Labels
from augmentai.dataset.formats.masks.companions import caption_of
from augmentai.engines.base import Task
from augmentai.filters.holdout import reserved
from augmentai.images import ImageError, Photo, decode
from augmentai.images.decode import has_deep_colour
from augmentai.images.preview import inspect_header
from augmentai.pipeline.run_state import Decoded, RunState, failure_reason
from augmentai.recipe.prompt_words import asks_for_caption
from augmentai.storage import store_fault
from augmentai.system.memory import release_freed_memory
from augmentai.types import Outcome, Rejection, Source, variation_seed

if TYPE_CHECKING:
    from augmentai.engines.repaint import Region

_DECODED_AHEAD = 2  # images; more would only cost memory


def decode_ahead(sources: Iterator[Source], run: RunState) -> Iterator[Decoded]:
    """Decode images in a thread of their own, two ahead; a large one when it is its turn.

    Sources with nothing left to make are not opened.
    """
    ahead: deque[tuple[Source, Future[Decoded | None]]] = deque()

    def fill() -> None:
        while len(ahead) < _DECODED_AHEAD and (source := next(sources, None)) is not None:
            if any((source, index) not in run.checkpoint for index in run.plan.indices(source.key)):
                ahead.append((source, run.decoders.submit(_decode_small, source, run)))

    fill()
    while ahead:
        source, future = ahead.popleft()
        if run.stop.is_set():
            run.cut_short = True
            return
        fill()
        try:
            item = future.result() or _decode_large(source, run)
        except Exception as error:
            run.store_fault = store_fault(error) or run.store_fault
            run.settled_early.append(Outcome(source, 0, 0, reason=failure_reason(error)))
        else:
            del future  # it has the pixels too
            yield item
            del item


def _decode_small(source: Source, run: RunState) -> Decoded | None:
    """Decode a source, if it is small enough to be in memory beside those before it."""
    data = source.read()
    with suppress(ImageError):  # which `decode` raises as well
        width, height = inspect_header(io.BytesIO(data), source.path, run.max_pixels)
        if not run.memory.may_prepare(width * height, has_deep_colour(data)):
            return None
    return _decode(source, data, run)


def _decode_large(source: Source, run: RunState) -> Decoded:
    """Decode a source that waited for its turn, in memory that was freed for it."""
    release_freed_memory()
    decoded = _decode(source, source.read(), run)
    release_freed_memory()
    return decoded


def _decode(source: Source, data: bytes, run: RunState) -> Decoded:
    """Labels are read with the image, so that broken ones are found before an engine costs anything."""
    photo = decode(data, source.path, run.max_pixels)
    labels = None if source.labels is None else source.labels.load()
    caption = caption_of(source, labels) if asks_for_caption(run.plan.recipe.prompt) else ""
    return Decoded(source, photo, labels, _region(source, photo, labels, run), caption)


def _region(source: Source, photo: Photo, labels: Labels | None, run: RunState) -> Region | None:
    """The part that is to be painted anew.

    In a set that says where objects are, an image of which it says nothing has none; one of a class has a subject.
    """
    if run.repaint == "all":
        return None
    from augmentai.engines.repaint import find_region

    if labels is None or not (labels.shapes or labels.masks):
        says_nothing = source.label is not None or (labels is not None and "takes_no_objects" in labels.extra)
        labels = None if says_nothing or not run.locates_objects else Labels()
    return find_region(photo.flattened(), labels, run.repaint)


def skip_leaks(decoded: Iterator[Decoded], run: RunState) -> Iterator[Decoded]:
    """Stop near-copies of holdout images: nothing may be made of what a model is tested on."""
    for item in decoded:
        if (leak := _leak(item, run)) is None:
            yield item
        else:
            run.settled_early.append(leak)
        del item


def _leak(item: Decoded, run: RunState) -> Outcome | None:
    if run.holdout is None:
        return None
    features = run.source_features.of(item.source, item.photo)
    near = run.holdout.near(features, int(run.plan.recipe.thresholds.held_out))
    if near is None:
        return None
    twin, bits = near
    why = (
        f"leak: nearly the same image as {twin.path}, which is {reserved(twin)}, so nothing was made of it; "
        "remove one of them from the set"
    )
    return Outcome(item.source, 0, 0, reason=why, rejections=(Rejection(0, "leak", why, {"held_out": bits}),))


def make_tasks(decoded: Iterator[Decoded], run: RunState) -> Iterator[Task]:
    """One task for each variation that an earlier run has not made. After a stop there are no more."""
    plan = run.plan
    for item in decoded:
        source = item.source
        indices = sorted(plan.indices(source.key), key=lambda index: not run.is_stored(source, index))
        for index in indices:
            if (source, index) in run.checkpoint:
                continue
            if run.stop.is_set():
                run.cut_short = True
                return
            rejections = run.checkpoint.rejections(source, index)
            if len(rejections) >= plan.max_attempts:
                rejections = ()  # no attempt is left: the same ones end as they did before
            seed = variation_seed(plan.recipe.seed, source.sha256, index, len(rejections))
            yield Task(
                source,
                item.photo,
                index,
                seed,
                plan.recipe,
                credits=run.ledger.charged_before(source.key, index),
                labels=item.labels,
                rejections=rejections,
                region=item.region,
                caption=item.caption,
            )
        del item


class retry_first(Iterator[Task]):  # noqa: N801 (a stage, listed with functions)
    """Rejected variations come back before new ones, also after the last new one was taken."""

    def __init__(self, tasks: Iterator[Task], run: RunState) -> None:
        self._tasks, self._retries, self._memory = tasks, run.retries, run.memory

    def __next__(self) -> Task:
        task = self._retries.popleft() if self._retries else next(self._tasks)
        self._memory.take(task.source.key, task.index, task.photo)
        return task

    def close(self) -> None:
        """Nothing to close: the stage before it is closed separately."""
