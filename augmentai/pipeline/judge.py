"""The stage in which filters judge a variation, and what happens to a rejected one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from augmentai.backbone import BackboneError
from augmentai.engines.base import Made
from augmentai.filters import ImageFeatures, Verdict, image_features, judge_quality, measure_drift
from augmentai.filters.holdout import reserved
from augmentai.operations import warp_for
from augmentai.operations.few_ways import count_ways
from augmentai.pipeline.judge_class import judge_class
from augmentai.pipeline.run_state import Draft, RunState, failed, failed_draft, repainted_region, spent_on
from augmentai.recipe import AUTO
from augmentai.types import Outcome, Rejection, variation_seed

_CHANGE_WITHOUT_ENGINE = 0.5
_MOST_DRAWS = 64  # for one variation, counting those that gave the source itself or a sibling again


def judge(drafts: Iterator[Draft | Outcome], run: RunState) -> Iterator[Draft | Outcome]:
    """Pass on what the filters accept; retry or give up the rest."""
    for item in drafts:
        answer = _answer(item, run)
        del item
        if answer is not None:
            yield answer
        del answer


def _answer(item: Draft | Outcome, run: RunState) -> Draft | Outcome | None:
    """What is accepted, or given up; None for what is retried."""
    if isinstance(item, Outcome) or not run.plan.recipe.filters:
        return item
    try:
        judged = _judged(item, run)
    except Exception as error:
        return failed_draft(item, error)
    return reject(judged, run) if judged.verdict.filter else judged


def expected_change(made: Made) -> float:
    """0 to 1: what thresholds are multiplied by. The strength, except where no engine painted: operations have none.

    Where a part of the image was painted, it is that part which can have changed.
    """
    change = made.strength_used if made.painted else _CHANGE_WITHOUT_ENGINE
    region = repainted_region(made)
    return change if region is None else change * region.share


def reject(draft: Draft, run: RunState, accepted: int = 0) -> Outcome | None:
    """Queue another attempt with the next seed, or give the variation up.

    Where no engine paints, a draw that leaves the source or a sibling as it is costs next to nothing and does not count
    as an attempt: of a recipe that flips, every other draw does.

    Args:
        draft: what was rejected.
        run: the run.
        accepted: how many variations of its source are there already.

    Returns:
        The outcome that says why it is given up; None if it is retried.
    """
    task, recipe, verdict = draft.made.task, run.plan.recipe, draft.verdict
    rejection = Rejection(task.seed, verdict.filter, verdict.reason, verdict.scores)
    spent = spent_on(draft.made)
    paid = spent > 0 and not recipe.paid_retries
    rejections = (*task.rejections, rejection)
    ways = None if draft.made.painted else _ways(draft, run)
    if ways is not None and ways <= accepted:
        return replace(failed(task, _no_more(ways), spent), rejections=rejections)
    may_retry = _may_retry(rejections, draft.made.painted, run.plan.max_attempts) and not paid
    if may_retry and not _stays_as_it_is(draft, run):
        seed = variation_seed(recipe.seed, task.source.sha256, task.index, task.attempt + 1)
        run.retries.append(task.retry(seed, rejection, spent))
        return None
    attempts = f" in each of {task.attempt + 1} attempts" if task.attempt else ""
    reason = "; ".join((f"rejected{attempts}: {verdict.reason}", *_why_unchanged(draft)))
    if paid and recipe.retries:
        reason += "; not retried, since each attempt costs credits (paid_retries allows it)"
    return replace(failed(task, reason, spent), rejections=rejections)


def _stays_as_it_is(draft: Draft, run: RunState) -> bool:
    """Whether any other draw would come to the same, since the operations can do nothing with the image.

    They may have seen it mirrored and not mirrored, which can differ; both have been drawn then.
    """
    task, recipe = draft.made.task, run.plan.recipe
    if draft.made.painted or not draft.for_good or draft.verdict.filter != "near_copy":
        return False
    geometry = run.plan.geometry.for_source(task.source)
    if geometry != "flip":
        return geometry == "none"
    seeds = (*(one.seed for one in task.rejections), task.seed)
    warps = [warp_for(geometry, task.photo.size_wh, seed, recipe.mirror, task.labels) for seed in seeds]
    always = all(one.probability == 1 or one.is_idle for one in run.operations)
    return always and len({warp.is_identity for warp in warps}) == 2


def _why_unchanged(draft: Draft) -> tuple[str, ...]:
    """Of a draft that is as its source: what its operations said about that."""
    return draft.notices if draft.verdict.filter == "near_copy" else ()


def _may_retry(rejections: Sequence[Rejection], painted: bool, max_attempts: int) -> bool:
    idle = 0 if painted else sum(map(_is_idle, rejections))
    return len(rejections) - idle < max_attempts and len(rejections) < max(max_attempts, _MOST_DRAWS if idle else 0)


def _is_idle(rejection: Rejection) -> bool:
    """Whether a draw, without an engine that paints, gave what was there already."""
    return rejection.filter == "near_copy" or (rejection.filter == "duplicate" and rejection.scores["sibling"] == 0)


def _ways(draft: Draft, run: RunState) -> int | None:
    """How many different variations of this source there can be, if that can be counted."""
    task, recipe = draft.made.task, run.plan.recipe
    geometry = run.plan.geometry.for_source(task.source)
    if recipe.geometry == AUTO and geometry != "none":
        return None  # a mirror image that was not asked for does not count as a variation
    return count_ways(geometry, run.operations, task.photo.size_wh, task.labels, recipe.mirror)


def _no_more(ways: int) -> str:
    there = "is only 1 different variation" if ways == 1 else f"are only {ways} different variations"
    if not ways:
        there = "is no different variation"
    return f"there {there} of this image, since the recipe at most flips and turns it; add operations or ask for fewer"


def _judged(draft: Draft, run: RunState) -> Draft:
    photo = draft.made.task.photo
    source = run.source_features.of(draft.made.task.source, photo)
    assert draft.features is not None  # filters are on
    painted, final = draft.features
    recipe = run.plan.recipe
    verdict = judge_quality(source, painted, expected_change(draft.made), recipe.thresholds, moved=draft.moved)
    if not verdict.filter:
        verdict = _against_holdout(verdict, final, run)
    if not verdict.filter:
        verdict = _against_drift(verdict, draft, run)
    if not verdict.filter and not source.plain:
        draft, verdict = _against_source(draft, verdict, source, painted, run)
    if not verdict.filter:
        draft, verdict = judge_class(draft, verdict, run)
    details = draft.details
    if "drifted" in verdict.marks:
        details = {**details, "drifted": verdict.marks["drifted"]}
    fingerprint = b"" if source.plain else _fingerprint(draft, final)
    return replace(draft, verdict=verdict, details=details, fingerprint=fingerprint)


def _fingerprint(draft: Draft, final: ImageFeatures) -> bytes:
    """By which siblings are compared: where only objects were painted anew, it is of the largest of them."""
    region = repainted_region(draft.made)
    if region is None or region.focus is None:
        return final.fingerprint
    return image_features(draft.painted.crop(region.focus), draft.made.task.photo.black_white).fingerprint


def _against_holdout(verdict: Verdict, final: ImageFeatures, run: RunState) -> Verdict:
    most_bits = int(run.plan.recipe.thresholds.held_out)
    near = run.holdout.near(final, most_bits) if run.holdout is not None else None
    if near is None:
        return verdict
    twin, bits = near
    why = f"near-duplicate of {twin.path}, which is {reserved(twin)}"
    return replace(verdict, scores={**verdict.scores, "held_out": bits}, filter="held_out", reason=why)


def _against_drift(verdict: Verdict, draft: Draft, run: RunState) -> Verdict:
    """Whether labelled objects are still where their labels say, after an engine that repaints the image."""
    made, recipe = draft.made, run.plan.recipe
    labels, least, region = made.task.labels, recipe.thresholds.drift, repainted_region(made)
    if labels is None or not made.repainted or made.strength_used <= 0 or least <= 0:
        return verdict
    if region is not None and (region.of == "background" or labels.shapes):
        return verdict  # objects are the source's own pixels, or are meant to be others
    measured = measure_drift(made.task.photo.rgb, made.image, labels)
    verdict = replace(verdict, scores={**verdict.scores, "drift": measured.lowest})
    drifted = measured.below(least)
    if not drifted:
        return verdict
    if recipe.drift == "mark":
        return replace(verdict, marks={"drifted": drifted})
    what = f"{len(drifted)} of {len(measured.scores)} labelled objects" if min(drifted) >= 0 else "its mask"
    why = f"drifted: {what} no longer match (edges agree by {measured.lowest:.2f}, expected at least {least:g})"
    return replace(verdict, filter="drift", reason=why)


def _against_source(
    draft: Draft, verdict: Verdict, before: ImageFeatures, after: ImageFeatures, run: RunState
) -> tuple[Draft, Verdict]:
    """Whether a repainted image still shows what its source shows. Operations after it may recombine what they like."""
    made, semantic = draft.made, run.semantic
    if semantic is None or not made.repainted or made.strength_used <= 0 or repainted_region(made) is not None:
        return draft, verdict  # a scene or an object that was asked for differs from that of the source
    try:
        score = semantic.compare(made.task.source, before.small, after.small)
        accepted = semantic.accepts(score)
    except BackboneError as error:
        notice = f"not compared with what its source shows: {error}"
        return replace(draft, notices=(*draft.notices, notice)), verdict
    verdict = replace(verdict, scores={**verdict.scores, "semantic": score})
    if accepted or "drifted" in verdict.marks:  # what drifted and is to be marked only stays
        return draft, verdict
    why = f"shows something else than its source: features agree by {score:.2f}, expected at least {semantic.least:.2f}"
    return draft, replace(verdict, filter="semantic", reason=why)
