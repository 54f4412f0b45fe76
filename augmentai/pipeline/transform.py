"""The stage in which geometry and operations move an image and its labels together, whichever engine painted it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image as PillowImage

from augmentai.annotations import objects_lost
from augmentai.engines.base import Made
from augmentai.operations import DrawSettings, apply_operations, apply_warp, warp_for
from augmentai.pipeline.run_state import Draft, RunState, failed, failure_reason, spent_on
from augmentai.recipe import AUTO
from augmentai.types import Outcome

if TYPE_CHECKING:
    from PIL.Image import Image

    from augmentai.images import Photo
    from augmentai.operations import Warp


def transform(answers: Iterator[Made | Outcome], run: RunState) -> Iterator[Draft | Outcome]:
    """Bring a painted image back to its source's mode, then move it as the recipe asks."""
    for answer in answers:
        if isinstance(answer, Outcome):
            yield answer
            continue
        try:
            yield _draft(answer, run)
        except Exception as error:
            yield failed(answer.task, failure_reason(error), spent_on(answer))


def _draft(made: Made, run: RunState) -> Draft:
    task, recipe = made.task, run.plan.recipe
    photo, labels = task.photo, task.labels
    painted = photo.restore(made.image)
    warp = warp_for(run.plan.geometry.for_source(task.source), photo.size_wh, task.seed, recipe.mirror, labels)
    image, moved = apply_warp(warp, painted, labels, recipe.least_visible)
    settings = DrawSettings(recipe.mirror, recipe.least_visible)
    applied = apply_operations(image, moved, run.operations, task.seed, settings, run.donors_for(task.source))
    lost = applied.lost + (objects_lost(labels, moved) if labels is not None and moved is not None else 0)
    image, moved = applied.image, applied.labels
    details = {**made.details, **warp.details, **applied.details}
    if lost:
        details["labels_dropped"] = lost
    # A mirror image alone counts as new if it was asked for; a training that flips by itself has seen it already.
    is_new = applied.moved or (not warp.is_identity and recipe.geometry != AUTO)
    fine = None if made.repainted or "operations" in details else _refined(photo, painted, warp)
    return Draft(made, image, moved, details, is_new, image is painted, painted, fine=fine, notices=applied.notices)


def _refined(photo: Photo, painted: Image, warp: Warp) -> np.ndarray[Any, Any] | None:
    """The painted image in its source's 16 bits per channel, moved; None if it has 8, or cannot be moved in 16."""
    fine = photo.refine(painted)
    if fine is None or warp.is_identity:
        return fine
    if photo.alpha is not None:
        return None  # colours would have to be weighted by their opacity
    moved = [np.asarray(warp.image(PillowImage.fromarray(fine[..., channel]))) for channel in range(3)]
    return np.stack(moved, -1)
