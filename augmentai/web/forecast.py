"""The plan of a job, from the classes of its images, before any of them is read."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, repeat
from typing import Any

from augmentai.annotations import Labels, Shape
from augmentai.dataset.formats.base import ImageInfo
from augmentai.dataset.readers.gather import Gathered
from augmentai.engines.base import Engine
from augmentai.operations.auto_geometry import DatasetTraits
from augmentai.pipeline.balance import classes_of
from augmentai.pipeline.plan import RunPlan, plan_run
from augmentai.recipe import Recipe, RecipeError
from augmentai.recipe.split_shares import split_shares
from augmentai.types import Source

_MAX_LABELS_READ = 500  # of a larger set, this many are read, spread evenly: the page needs the answer at once

_MOST_SECONDS = 3.0
_PASSES = 16

ClassGroup = tuple[str | None, tuple[str, ...], int]  # (class folder, classes in the labels, number of such images)


@dataclass(frozen=True)
class _ClassNames:
    """Labels of which only the classes are known."""

    names: tuple[str, ...]

    def load(self) -> Labels:
        return Labels(tuple(Shape(name, None) for name in self.names))


def class_groups(images: Sequence[ImageInfo], most_seconds: float = _MOST_SECONDS) -> list[ClassGroup]:
    """Group images by the classes that they show. Of large sets only some labels are read, and scaled up.

    Args:
        images: those to augment.
        most_seconds: after these no more labels are read.
    """
    labelled = [info for info in images if info.label is None and info.labels is not None]
    sample = labelled[:: -(-len(labelled) // _MAX_LABELS_READ)] if labelled else []
    end = time.monotonic() + most_seconds
    shown: Counter[tuple[str, ...]] = Counter()
    # In this order any first part of the sample is spread over the whole of it.
    for info in (info for start in range(_PASSES) for info in sample[start::_PASSES]):
        shown[tuple(sorted(classes_of(Source("", None, "", 0, bytes, labels=info.labels))))] += 1
        if time.monotonic() > end:
            break
    groups: list[ClassGroup] = [
        (None, names, round(count * len(labelled) / shown.total())) for names, count in shown.items()
    ]
    folders = Counter(info.label for info in images if info.label is not None or info.labels is None)
    return [*groups, *((label, (), count) for label, count in folders.items())]


def forecast(upload_state: Mapping[str, Any], recipe: Recipe, engines: Sequence[Engine] = ()) -> RunPlan:
    """Plan a job from what is known of an upload, as `plan_run` will plan it once the files are read.

    Exact, unless classes are balanced and an image shows several, or a split is to be made: which images are augmented
    depends on their content then.

    Args:
        upload_state: `images`, `holdout`, `class_groups` and `traits`, see `UploadSummary.as_state`.
        recipe: what to make.
        engines: those of the server.

    Raises:
        RecipeError: classes are to be balanced and there are none, a split is to be made and there is one, or nothing
            would change the images.
    """
    each = ([(label, names)] * count for label, names, count in upload_state.get("class_groups", ()))
    classes = chain.from_iterable(each)
    if not (recipe.per_class or recipe.balance):  # the groups of a large set are estimates; its images are counted
        classes = chain(classes, repeat((None, ())))
    sources = tuple(
        Source(str(number), label, "x", 0, bytes, labels=_ClassNames(names))
        for number, (label, names) in enumerate(islice(classes, upload_state.get("images", 0)))
    )
    if recipe.make_split:
        sources = _training_part(sources, recipe, upload_state.get("holdout", 0))
    traits = DatasetTraits(**upload_state.get("traits", {}))
    return plan_run(Gathered(sources, (), ()), recipe, engines, traits=traits)


def _training_part(sources: Sequence[Source], recipe: Recipe, holdout: int) -> tuple[Source, ...]:
    """As many of the sources, spread evenly over their classes, as a split will leave for training."""
    if holdout:
        raise RecipeError(f"make_split is {recipe.make_split}, and the set has a split already; leave make_split empty")
    share = split_shares(recipe.make_split)["train"]
    return tuple(source for n, source in enumerate(sources) if int((n + 1) * share + 1e-9) > int(n * share + 1e-9))
