"""The stage in which geometry and operations move an image and its labels together, whichever engine painted it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image as PillowImage

from augmentai.engines import title
from augmentai.engines.base import Made
from augmentai.operations import DrawSettings, OperationError, apply_operations, warp_for
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
    made, notices = _laid_back(made, run)
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
    repainted = made.repainted and task.region is None  # what is kept of a source keeps its depth
    fine = None if repainted or applied.warp is None else _refined(photo, painted, applied.warp)
    notices = (*notices, *applied.notices)
    return Draft(made, applied.image, applied.labels, details, is_new, unmoved, painted, fine=fine, notices=notices)


def _laid_back(made: Made, run: RunState) -> tuple[Made, tuple[str, ...]]:
    """The answer with the source's own pixels wherever they are to be kept, and what the user should know of it."""
    task, region = made.task, made.task.region
    if region is None or not made.painted or made.strength_used <= 0:
        return made, ()
    if not made.repainted:
        return made, (f"made by {title(made.engine)}, which does not repaint, so the whole image changed",)
    if region.fault:
        raise OperationError(f"not repainted: {region.fault}")
    details = {**made.details, "repaint": region.as_record()}
    return replace(made, image=region.lay_back(task.photo.rgb, made.image), details=details), ()


def _refined(photo: Photo, painted: Image, warp: Warp) -> np.ndarray[Any, Any] | None:
    """The painted image in its source's 16 bits per channel, moved; None if it has 8, or cannot be moved in 16."""
    fine = photo.refine(painted)
    if fine is None or warp.is_identity:
        return fine
    if photo.alpha is not None:
        return None  # colours would have to be weighted by their opacity
    moved = [np.asarray(warp.image(PillowImage.fromarray(fine[..., channel]))) for channel in range(3)]
    return np.stack(moved, -1)
