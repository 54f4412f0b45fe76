"""The stage in which geometry and operations move an image and its labels together, whichever engine painted it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image as PillowImage

from augmentai.engines.base import Made
from augmentai.operations import DrawSettings, apply_operations, warp_for
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
    settings = DrawSettings(recipe.mirror, recipe.least_visible, recipe.balance or bool(recipe.per_class))
    donors = run.donors_for(task.source)
    applied = apply_operations(painted, labels, run.operations, task.seed, settings, donors, first=warp)
    details = {**made.details, **warp.details, **applied.details}
    if applied.lost:
        details["labels_dropped"] = applied.lost
    if applied.labels is not None and applied.labels.hidden.objects:
        details["labels_hidden"] = asdict(applied.labels.hidden)
    unmoved = applied.image is painted
    # A mirror image alone counts as new if it was asked for; a training that flips by itself has seen it already.
    is_new = not unmoved and (applied.moved or recipe.geometry != AUTO)
    fine = None if made.repainted or applied.warp is None else _refined(photo, painted, applied.warp)
    return Draft(
        made, applied.image, applied.labels, details, is_new, unmoved, painted, fine=fine, notices=applied.notices
    )


def _refined(photo: Photo, painted: Image, warp: Warp) -> np.ndarray[Any, Any] | None:
    """The painted image in its source's 16 bits per channel, moved; None if it has 8, or cannot be moved in 16."""
    fine = photo.refine(painted)
    if fine is None or warp.is_identity:
        return fine
    if photo.alpha is not None:
        return None  # colours would have to be weighted by their opacity
    moved = [np.asarray(warp.image(PillowImage.fromarray(fine[..., channel]))) for channel in range(3)]
    return np.stack(moved, -1)
