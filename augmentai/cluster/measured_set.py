"""What single variations depend on in the whole set: measured once for a plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from augmentai.backbone import BackboneError
from augmentai.cluster.class_examples import Known
from augmentai.engines.base import Engine, JobView
from augmentai.pipeline.whole_set import WholeSet
from augmentai.recipe import Recipe
from augmentai.types import Source


@dataclass(frozen=True)
class MeasuredSet:
    """What was found out about a set.

    Attributes:
        lenders: the images that engines may borrow from.
        engine_state: what engines worked out from them.
        semantic: the threshold of the semantic filter; None if no engine would need it.
        locates_objects: whether the set says of any image where its objects are.
        holdout: the validation and test images that could be read, with their hashes; none if nothing is compared with
            them. Gone through once.
        classes: what its classes look like, if engines repaint and this is judged.
    """

    lenders: Sequence[Source]
    engine_state: Mapping[str, Any]
    semantic: float | None
    locates_objects: bool
    holdout: Iterable[tuple[Source, int]]
    classes: Known


def measured_set(
    whole: WholeSet, engines: Iterable[Engine], recipe: Recipe, holdout: Iterable[tuple[Source, int]]
) -> MeasuredSet:
    """Find out about a set what its variations depend on. Some images are decoded.

    Args:
        whole: the set.
        engines: those that there are.
        recipe: of the run.
        holdout: see `MeasuredSet`.
    """
    used = used_engines(engines, recipe)
    lenders = {source.key: source for engine in used for source in engine.lenders(whole.by_hash)}
    by_hash = sorted(lenders.values(), key=lambda source: (source.sha256, source.path))
    view = JobView(by_hash, recipe, whole.max_pixels)
    state: dict[str, Any] = {}
    for engine in used:
        state |= engine.measure_set(view)
    semantic, classes = _seen(whole) if any(engine.repaints for engine in used) else (None, {})
    return MeasuredSet(by_hash, state, semantic, whole.locates_objects, holdout, classes)


def _seen(whole: WholeSet) -> tuple[float | None, Known]:
    """What a network sees in the set. Without the network workers will say so, as a single run does."""
    repaint = whole.plan.recipe.repaint
    wanted = {
        "images": whole.classes_of_images if repaint != "background" else None,
        "objects": whole.classes_of_objects if repaint not in {"all", "background"} else None,
    }
    try:
        semantic = None if whole.semantic is None else whole.semantic.least
        return semantic, {what: classes.measured() for what, classes in wanted.items() if classes is not None}
    except BackboneError:
        return None, {}


def used_engines(engines: Iterable[Engine], recipe: Recipe) -> list[Engine]:
    """Those that may make something of a recipe here."""
    return [one for one in engines if one.serves(recipe.engine) and one.readiness().configured]
