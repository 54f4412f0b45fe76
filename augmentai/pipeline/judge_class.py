"""Whether a repainted image, or each object that was painted anew, still shows its class."""

from __future__ import annotations

from dataclasses import replace

from PIL import Image

from augmentai.backbone import BackboneError
from augmentai.filters import OtherClassFilter, Verdict
from augmentai.filters.class_bank import boxes_of
from augmentai.filters.other_class import Change
from augmentai.pipeline.run_state import Draft, RunState, repainted_region

_MOST_OBJECTS = 8  # of an image, the largest first


def judge_class(draft: Draft, verdict: Verdict, run: RunState) -> tuple[Draft, Verdict]:
    """Reject what an engine that repaints has made into something of another class.

    Args:
        draft: a variation.
        verdict: what the filters before found, who did not reject it.
        run: the run.

    Returns:
        Both, with what was found. Where nothing can be said of a class, a notice says why, and nothing is rejected.
    """
    made = draft.made
    if not made.repainted or made.strength_used <= 0:
        return draft, verdict
    region = repainted_region(made)
    labels, category = made.task.labels, made.task.source.label
    if region is not None and region.of == "background":
        return draft, verdict  # what the class is told by is the source's own pixels
    if region is not None and labels is not None and labels.shapes:
        parts = boxes_of(labels)[:_MOST_OBJECTS]
        return _judged(draft, verdict, run.classes_of_objects, parts)
    if category is None or (labels is not None and labels.shapes):
        return draft, verdict
    return _judged(draft, verdict, run.classes_of_images, [(category, (0, 0, *draft.painted.size))])


def _judged(
    draft: Draft,
    verdict: Verdict,
    classes: OtherClassFilter | None,
    parts: list[tuple[str, tuple[int, int, int, int]]],
) -> tuple[Draft, Verdict]:
    if classes is None:
        return draft, verdict
    notices = dict.fromkeys(draft.notices)
    found: list[tuple[bool, float, str, Change]] = []
    before = draft.made.task.photo.flattened()
    for category, box in parts:
        try:
            if not classes.has_classes:
                break  # of one class nothing can be said, and nobody expects it
            if why := classes.why_not_judged(category):
                notices.setdefault(f"whether {classes.what} still show their class was not judged: {why}")
                continue
            change = _compared(classes, draft, before, category, box)
            found.append((classes.accepts(change), change.after.mean, category, change))
        except BackboneError as error:
            notices.setdefault(f"not compared with the classes of the set: {error}")
            break
    draft = replace(draft, notices=tuple(notices))
    if not found:
        return draft, verdict
    accepted, mean, category, change = min(found, key=lambda one: one[:2])  # what is rejected comes first
    scores = {"class_prototype": change.after.prototype, "class_neighbours": change.after.neighbours}
    verdict = replace(verdict, scores={**verdict.scores, **scores})
    if accepted:
        return draft, verdict
    least = classes.standard.least
    why = (
        f"no longer shows its class {category!r}: it resembles that by {mean:+.2f} more than any other, "
        f"expected at least {least:+.2f}"
    )
    return draft, replace(verdict, filter="other_class", reason=why)


def _compared(
    classes: OtherClassFilter, draft: Draft, before: Image.Image, category: str, box: tuple[int, int, int, int]
) -> Change:
    task = draft.made.task
    return classes.compare(before.crop(box), draft.painted.crop(box), category, task.source.sha256)
