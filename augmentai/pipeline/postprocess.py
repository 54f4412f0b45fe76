"""From an engine's picture to a finished variation: restored, moved, judged, encoded, or sent back for another try."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from augmentai.annotations import LabelError, Labels, objects_lost
from augmentai.dataset.writers.output_set import OutputSet
from augmentai.engines.base import Made, Refused, Task
from augmentai.filters import HoldoutIndex, ImageFeatures, Siblings, Verdict, image_features, judge_quality
from augmentai.images import ImageError, Photo, encode
from augmentai.images.encode import DIGITAL_SOURCE_TYPES, MADE_BY, format_for
from augmentai.operations import (
    DrawSettings,
    OperationError,
    Warp,
    apply_operations,
    apply_warp,
    build_operations,
    warp_for,
)
from augmentai.recipe import AUTO, Recipe
from augmentai.types import Outcome, Rejection, Source, Variation, variation_seed

if TYPE_CHECKING:
    from PIL.Image import Image

_LOOKS_KEPT = 32  # of sources, whose variations come one after the other

Place = tuple[str, str]


@dataclass(frozen=True)
class _Draft:
    """A picture that its own filters have passed or not, before it is compared with its siblings and encoded."""

    made: Made
    image: Image = field(repr=False)
    labels: Labels | None
    details: Mapping[str, Any]
    verdict: Verdict
    fingerprint: bytes

    @property
    def place(self) -> Place:
        return self.made.task.source.path, self.made.task.source.sha256


@dataclass(frozen=True)
class Ready:
    """An outcome that is settled, but whose picture may still be on its way into its file, beside the engine's work."""

    settled: Outcome
    data: Future[bytes] | None = None

    def outcome(self) -> Outcome:
        """The whole outcome; waits for the file. A picture that its format cannot hold has failed after all."""
        made = self.settled.variation
        if made is None or self.data is None:
            return self.settled
        try:
            return replace(self.settled, variation=replace(made, data=self.data.result()))
        except Exception as error:
            return replace(self.settled, variation=None, reason=failure_reason(error))


class Finisher:
    """Takes what the engines answer and gives outcomes; `again` holds the tasks that are to be tried once more.

    Files are encoded in `pool`, since a PNG or WebP takes as long as the engine does for the next picture. wanted:
    the indices of a source's variations. known: prints of variations that an earlier run has made. held_out:
    pictures of the validation and test splits, asked for when first needed. tries: of one variation, at most.
    geometry: the recipe's, or what "auto" is for this source.
    """

    def __init__(
        self,
        recipe: Recipe,
        output: OutputSet,
        wanted: Callable[[Place], Sequence[int]],
        known: Callable[[Place], Mapping[int, bytes | None]],
        held_out: Callable[[], HoldoutIndex | None],
        pool: Executor,
        tries: Callable[[], int],
        geometry: Callable[[Source], str],
    ) -> None:
        self._tries = tries
        self._geometry = geometry
        self._pool = pool
        self.again: deque[Task] = deque()
        self._recipe, self._output, self._wanted, self._held_out = recipe, output, wanted, held_out
        self._operations = build_operations(recipe.operations)
        self._draw_settings = DrawSettings(recipe.mirror, recipe.least_visible)
        self._siblings: Siblings[_Draft] = Siblings(wanted, known)
        self._looks: OrderedDict[str, ImageFeatures] = OrderedDict()

    def outcomes(self, result: Made | Refused) -> Iterator[Ready]:
        """What this answer settles: itself, nothing where it is tried again or waits, and those that waited for it."""
        task = result.task
        if isinstance(result, Refused):
            spent = task.credits + result.credits
            yield from self._given_up(task, _failed(task, result.reason, spent))
            return
        try:
            draft = self._draft(result)
        except Exception as error:
            yield from self._given_up(task, _failed(task, failure_reason(error), _spent(result)))
            return
        if draft.verdict.filter:
            yield from self._rejected(draft)
        elif not self._compares(draft.place):
            yield self._finished(draft)
        else:
            self._siblings.finished(draft.place, task.index, draft)
            yield from self._now_ready(draft.place)

    def left(self) -> Iterator[Ready]:
        """When a job is stopped: pictures that waited for a sibling and were paid for.

        Others are made again for nothing and compared then, so that a run that goes on ends with the same pictures as
        one that was never stopped.
        """
        for draft in self._siblings.left():
            if _spent(draft.made):
                yield self._finished(draft)

    def _draft(self, made: Made) -> _Draft:
        task, recipe = made.task, self._recipe
        photo = task.photo
        labels = task.labels
        restored = photo.restore(made.image)
        warp = warp_for(self._geometry(task.source), photo.size_wh, task.seed, recipe.mirror, labels)
        image, moved = apply_warp(warp, restored, labels, recipe.least_visible)
        applied = apply_operations(image, moved, self._operations, task.seed, self._draw_settings)
        image, moved = applied.image, applied.labels
        verdict, seen = Verdict({}), b""
        if recipe.filters:
            after = image_features(restored, photo.black_white)
            final = after if image is restored else image_features(image, photo.black_white)
            verdict = self._verdict(made, labels, warp, applied.moved, after, final)
            seen = b"" if self._look_of(task.source, photo).plain else final.fingerprint
        details = {**made.details, **warp.details, **applied.details}
        if labels is not None and moved is not None and (lost := objects_lost(labels, moved)):
            details["labels_dropped"] = lost
        if "drifted" in verdict.marks:
            details["drifted"] = verdict.marks["drifted"]
        return _Draft(made, image, moved, details, verdict, seen)

    def _verdict(
        self,
        made: Made,
        labels: Labels | None,
        warp: Warp,
        operated: bool,
        after: ImageFeatures,
        final: ImageFeatures,
    ) -> Verdict:
        task, recipe = made.task, self._recipe
        before = self._look_of(task.source, task.photo)
        # A bare mirror image is new to whoever asked for it, but not to a training that mirrors by itself.
        is_new = operated or (not warp.is_identity and recipe.geometry != AUTO)
        verdict = judge_quality(before, after, made.strength_used, recipe.thresholds, moved=is_new)
        if not verdict.filter:
            verdict = self._against_held_out(verdict, final)
        repaints = made.repainted and made.strength_used > 0 and recipe.thresholds.drift > 0
        if verdict.filter or not repaints or labels is None:
            return verdict
        from augmentai.filters.drift import drift

        measured = drift(task.photo.rgb, made.image, labels)
        verdict = replace(verdict, scores={**verdict.scores, "drift": measured.lowest})
        drifted = measured.below(recipe.thresholds.drift)
        if not drifted:
            return verdict
        if recipe.drift == "mark":
            return replace(verdict, marks={"drifted": drifted})
        things = f"{len(drifted)} of {len(measured.scores)} labelled things" if min(drifted) >= 0 else "its mask"
        why = f"drifted: {things} no longer match (edges agree by {measured.lowest:.2f}, expected at least"
        return replace(verdict, filter="drift", reason=f"{why} {recipe.thresholds.drift:g})")

    def _against_held_out(self, verdict: Verdict, final: ImageFeatures) -> Verdict:
        held_out = self._held_out()
        near = held_out.near(final, int(self._recipe.thresholds.held_out)) if held_out is not None else None
        if near is None:
            return verdict
        scores = {**verdict.scores, "held_out": near[1]}
        why = f"near-duplicate of {near[0].path}, which is kept for {near[0].split}"
        return replace(verdict, scores=scores, filter="held_out", reason=why)

    def leak(self, source: Source, photo: Photo) -> Outcome | None:
        """Where the source itself is nearly a picture that is held out, its outcome: nothing is made of it."""
        held_out = self._held_out()
        if held_out is None:
            return None
        near = held_out.near(self._look_of(source, photo), int(self._recipe.thresholds.held_out))
        if near is None:
            return None
        why = (
            f"leak: it is nearly the same picture as {near[0].path}, which is kept for {near[0].split}, so nothing was "
            "made of it; take one of them out of the set"
        )
        return Outcome(source, 0, 0, reason=why, rejections=(Rejection(0, "leak", why, {"held_out": near[1]}),))

    def _look_of(self, source: Source, photo: Photo) -> ImageFeatures:
        look = self._looks.get(source.sha256)
        if look is None:
            look = self._looks[source.sha256] = image_features(photo.restore(photo.rgb), photo.black_white)
        self._looks.move_to_end(source.sha256)
        while len(self._looks) > _LOOKS_KEPT:
            self._looks.popitem(last=False)
        return look

    def _compares(self, place: Place) -> bool:
        recipe = self._recipe
        on = recipe.filters and recipe.strength != 0 and recipe.thresholds.duplicate > 0
        return on and len(self._wanted(place)) > 1

    def _now_ready(self, place: Place) -> Iterator[Ready]:
        """Judge what waits for nobody any more, lowest index first."""
        while (draft := self._siblings.next_ready(place)) is not None:
            index = draft.made.task.index
            nearest = self._siblings.nearest(place, index, draft.fingerprint)
            least = self._recipe.thresholds.duplicate * draft.made.strength_used
            if nearest is not None:
                scores = {**draft.verdict.scores, "sibling": nearest[1]}
                verdict = replace(draft.verdict, scores=scores)
                if nearest[1] <= least:
                    why = f"near-duplicate of variation {nearest[0]}: they differ by {nearest[1]} of 255 levels at most"
                    verdict = replace(verdict, filter="duplicate", reason=f"{why}, expected more than {least:.1f}")
                draft = replace(draft, verdict=verdict)
            if draft.verdict.filter:
                yield from self._rejected(draft)
                continue
            ready = self._finished(draft)
            self._siblings.settled(place, index, draft.fingerprint if ready.settled.ok and draft.fingerprint else None)
            yield ready

    def _rejected(self, draft: _Draft) -> Iterator[Ready]:
        """Try it again, or give it up and say why."""
        task, recipe, verdict = draft.made.task, self._recipe, draft.verdict
        rejection = Rejection(task.seed, verdict.filter, verdict.reason, verdict.scores)
        spent = _spent(draft.made)
        paid = spent > 0 and not recipe.paid_retries
        if task.attempt + 1 < self._tries() and not paid:
            seed = variation_seed(recipe.seed, task.source.sha256, task.index, task.attempt + 1)
            self.again.append(task.retry(seed, rejection, spent))
            return
        tries = f" in each of {task.attempt + 1} tries" if task.attempt else ""
        reason = f"left out{tries}: {verdict.reason}"
        if paid and recipe.retries:
            reason += "; not tried again, since each try costs credits (paid_retries allows it)"
        outcome = _failed(task, reason, spent)
        yield from self._given_up(task, replace(outcome, rejections=(*task.rejections, rejection)))

    def _given_up(self, task: Task, outcome: Outcome) -> Iterator[Ready]:
        yield Ready(outcome)
        place = (task.source.path, task.source.sha256)
        if self._compares(place):
            self._siblings.settled(place, task.index, None)
            yield from self._now_ready(place)

    def _finished(self, draft: _Draft) -> Ready:
        made, task = draft.made, draft.made.task
        file_format = format_for(task.photo, task.recipe.output_format)
        note = f"{MADE_BY}, engine {made.engine}, model {made.model}, seed {task.seed}"
        source_type = DIGITAL_SOURCE_TYPES[0 if made.repainted else 1]
        file = self._output.names.variation(task.source, task.index, file_format)
        try:
            beside, record = self._output.labels_for(task.source, file, draft.labels, task.labels, draft.image.size)
        except Exception as error:
            return Ready(_failed(task, failure_reason(error), _spent(made)))
        profile, black_white = task.photo.icc_profile, task.photo.black_white
        data = self._pool.submit(encode, draft.image, file_format, note, source_type, profile, black_white)
        variation = Variation(
            file=file,
            data=b"",
            image=draft.image,
            engine=made.engine,
            model=made.model,
            prompt=made.prompt,
            strength=made.strength_used,
            seconds=made.seconds,
            details=draft.details,
            labels=draft.labels,
            beside=beside,
            record=record,
        )
        outcome = Outcome(
            task.source,
            task.index,
            task.seed,
            variation,
            fallbacks=task.fallbacks,
            notices=task.photo.notices,
            credits=_spent(made),
            rejections=task.rejections,
            scores=draft.verdict.scores,
            fingerprint=draft.fingerprint,
        )
        return Ready(outcome, data)


def _spent(made: Made) -> float:
    """Credits, those of tries before it included: the router adds them."""
    return float(made.details.get("credits", 0.0))


def _failed(task: Task, reason: str, credits: float) -> Outcome:
    return Outcome(
        task.source,
        task.index,
        task.seed,
        reason=reason,
        fallbacks=task.fallbacks,
        notices=task.photo.notices,
        credits=float(credits),
        rejections=task.rejections,
    )


def failure_reason(error: Exception) -> str:
    """Why something could not be done, in words for the user."""
    if isinstance(error, ImageError | LabelError | OperationError | OSError) and str(error):
        return str(error)  # written for the user
    if isinstance(error, MemoryError):
        return "not enough memory for this picture; make it smaller"
    return f"an unexpected fault ({type(error).__name__}: {error}); please report it"
