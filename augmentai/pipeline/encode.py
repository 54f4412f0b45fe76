"""The stage that encodes finished images as files while the engine works."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace

from augmentai.images import encode
from augmentai.images.decode import REDUCED
from augmentai.images.deep_colour import DEEP_FORMATS
from augmentai.images.encode import DIGITAL_SOURCE_TYPES, MADE_BY, format_for
from augmentai.operations import borrowed_from
from augmentai.operations.compositing.harmonise import is_harmonised
from augmentai.pipeline.run_state import BESIDE, Draft, RunState, failure_reason, spent_on
from augmentai.pipeline.write_labels import file_of
from augmentai.types import Outcome, Variation


@dataclass(frozen=True)
class _Pending:
    """An outcome that is settled, but whose image may still be being encoded."""

    outcome: Outcome
    data: Future[bytes] | None = None

    @property
    def is_done(self) -> bool:
        return self.data is None or self.data.done()

    def result(self) -> Outcome:
        """The whole outcome; waits for the file. An image that its format cannot hold has failed after all."""
        made = self.outcome.variation
        if made is None or self.data is None:
            return self.outcome
        try:
            return replace(self.outcome, variation=replace(made, data=self.data.result()))
        except Exception as error:
            return replace(self.outcome, variation=None, reason=failure_reason(error))


def encode_files(drafts: Iterator[Draft | Outcome], run: RunState) -> Iterator[Outcome]:
    """Encode images while the engine makes the next."""
    pending: deque[_Pending] = deque()
    for item in drafts:
        if isinstance(item, Outcome) and not item.index:
            yield item  # of a whole source: it has no place among variations
            continue
        pending.append(_Pending(item) if isinstance(item, Outcome) else _submitted(item, run))
        del item  # its pixels are in memory until the next one comes
        while pending and (run.memory.is_full or not _may_wait(pending)):
            yield _settled(pending.popleft(), run)
    while pending:
        yield _settled(pending.popleft(), run)


def _settled(one: _Pending, run: RunState) -> Outcome:
    outcome = one.result()
    run.memory.release(outcome.source.key, outcome.index)
    return outcome


def _may_wait(pending: deque[_Pending]) -> bool:
    """Whether the next image may be made before the first of these is done. What was paid for waits for nothing."""
    if any(one.outcome.credits for one in pending) or pending[0].is_done:
        return False
    return len(pending) <= BESIDE


def _submitted(draft: Draft, run: RunState) -> _Pending:
    made, task = draft.made, draft.made.task
    photo, file_format = task.photo, format_for(task.photo, task.recipe.output_format)
    fine = draft.fine if file_format in DEEP_FORMATS else None
    reduced = (REDUCED,) if photo.fine is not None and fine is None else ()
    data = run.workers.submit(
        encode, draft.image, file_format, *_mark(draft), photo.icc_profile, photo.black_white, photo.credit, fine
    )
    variation = Variation(
        file=file_of(draft, run),
        data=b"",
        image=draft.image,
        engine=made.engine,
        model=made.model,
        prompt=made.prompt,
        strength=made.strength_used,
        seconds=made.seconds,
        details=draft.details,
        labels=draft.labels,
        beside=draft.label_files,
        record=draft.record,
    )
    outcome = Outcome(
        task.source,
        task.index,
        task.seed,
        variation,
        fallbacks=task.fallbacks,
        notices=(*photo.notices, *reduced, *draft.notices),
        credits=spent_on(made),
        rejections=task.rejections,
        scores=draft.verdict.scores,
        fingerprint=draft.fingerprint,
    )
    return _Pending(outcome, data)


def _mark(draft: Draft) -> tuple[str, str]:
    """What the file says of its making: a note, and the digital source type of IPTC."""
    made = draft.made
    repainted, altered, transformed, composed = DIGITAL_SOURCE_TYPES
    if made.painted:
        note = f"AI-made {MADE_BY}, engine {made.engine}, model {made.model}, seed {made.task.seed}"
        return note, repainted if made.repainted and made.task.region is None else altered
    if is_harmonised(draft.details):
        return f"AI-made {MADE_BY}, light of its objects by a network, seed {made.task.seed}", altered
    note = f"{MADE_BY[0].upper()}{MADE_BY[1:]}, made without AI, seed {made.task.seed}"
    return note, composed if borrowed_from(draft.details) else transformed
