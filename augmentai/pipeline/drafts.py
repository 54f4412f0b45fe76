"""Moving one painted image and its labels, and measuring it: what several threads do at the same time."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from augmentai.engines import title
from augmentai.engines.base import Made, Refused, Task
from augmentai.filters import image_features
from augmentai.operations import Donors, DrawSettings, OperationError, apply_operations, warp_for
from augmentai.pipeline.run_state import BESIDE, Draft, RunState, spent_on
from augmentai.recipe import AUTO
from augmentai.system.memory import release_freed_memory

if TYPE_CHECKING:
    from PIL.Image import Image

    from augmentai.filters import ImageFeatures
    from augmentai.images import Photo
    from augmentai.images.deep_colour import Rows
    from augmentai.operations import Warp


@dataclass(frozen=True)
class Begun:
    """An image that an engine made, and the draft that a worker makes of it."""

    made: Made
    draft: Future[Draft]

    @property
    def task(self) -> Task:
        """The one that the image answers."""
        return self.made.task


def begin_drafts(results: Iterator[Made | Refused], run: RunState) -> Generator[Begun | Refused, None, None]:
    """Begin the drafts of an engine's results while it makes the next ones; none is held when the results end.

    What was paid for waits for nothing. An exception of the engine comes after all that it had made.
    """
    held: deque[Begun | Refused] = deque()
    fault: Exception | None = None
    try:
        for result in results:
            held.append(result if isinstance(result, Refused) else _begun(result, run))
            del result
            while held and (run.memory.is_full or not _may_wait(held)):
                yield from _settled(held.popleft(), run)
    except Exception as error:
        fault = error
    while held:
        yield from _settled(held.popleft(), run)
    if fault is not None:
        raise fault


def _settled(one: Begun | Refused, run: RunState) -> Iterator[Begun | Refused]:
    """After a stop, what is unfinished and cost nothing is left to another run."""
    if isinstance(one, Refused) or spent_on(one.made) or not run.stop.is_set():
        yield one


def _begun(made: Made, run: RunState) -> Begun:
    return Begun(made, run.workers.submit(make_draft, made, run, run.donors_for(made.task.source)))


def _may_wait(held: deque[Begun | Refused]) -> bool:
    """Whether the engine may make the next image before the first of these is finished."""
    begun = [one for one in held if isinstance(one, Begun)]
    if len(begun) < len(held) or begun[0].draft.done() or any(spent_on(one.made) for one in begun):
        return False
    return len(begun) <= BESIDE


def make_draft(made: Made, run: RunState, donors: Donors) -> Draft:
    """Bring a painted image back to its source's mode, then move it as the recipe asks.

    Raises:
        Exception: any that an operation or a codec raises; the variation has failed.
    """
    task, recipe = made.task, run.plan.recipe
    photo, labels = task.photo, task.labels
    made, notices = _laid_back(made, run)
    warp = warp_for(run.plan.geometry.for_source(task.source), photo.size_wh, task.seed, recipe.mirror, labels)
    is_only_moved = made.image is photo.rgb and not run.operations and not warp.is_identity  # so its pixels stay
    painted = photo.original if is_only_moved else photo.restore(made.image)
    settings = DrawSettings(recipe.mirror, recipe.least_visible, recipe.balance or bool(recipe.per_class))
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
    fine = (
        None if repainted or applied.warp is None else _refined(photo, None if is_only_moved else painted, applied.warp)
    )
    notices = (*notices, *applied.notices)
    draft = Draft(made, applied.image, applied.labels, details, is_new, unmoved, painted, fine=fine, notices=notices)
    draft = replace(draft, for_good=applied.for_good)
    draft = replace(draft, features=_measured(draft)) if recipe.filters else draft
    if not run.memory.may_prepare(photo.rgb.width * photo.rgb.height):
        release_freed_memory()  # of what moved it, before it is encoded
    return draft


def _measured(draft: Draft) -> tuple[ImageFeatures, ImageFeatures]:
    """What filters ask of an image before it was moved, and after; asked for here, in this thread."""
    black_white = draft.made.task.photo.black_white
    painted = image_features(draft.painted, black_white)
    final = painted if draft.unmoved else image_features(draft.image, black_white)
    for image in (painted, final):
        image.measure()
    return painted, final


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


def _refined(photo: Photo, painted: Image | None, warp: Warp) -> Rows | None:
    """The painted image in its source's 16 bits per channel, moved; None if it has 8, or cannot be moved in 16.

    painted: None if its pixels are the source's own.
    """
    fine = photo.fine if painted is None else photo.refine(painted)
    if fine is None or warp.is_identity:
        return fine
    if photo.alpha is not None:
        return None  # colours would have to be weighted by their opacity
    return warp.colours(fine)
