"""The variations of training images with the labels that the pipeline gives them, seen as cells of views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from augmentai.annotations import Labels
from augmentai.backbone import Backbone
from augmentai.dataset.readers.gather import Gathered
from augmentai.dataset.sorted_sources import sort_key
from augmentai.lift.cell_labels import class_map, objects_of
from augmentai.lift.cells import CellTable, dense_view
from augmentai.lift.dense_arms import CellVariations, Ints
from augmentai.lift.plan import DENSE_CROPS, DENSE_VIEW, OWN_VIEWS
from augmentai.lift.progress import Progress
from augmentai.lift.variations import Maker, differs
from augmentai.lift.views import draw_crop, seeded
from augmentai.pipeline.job import Job
from augmentai.settings import Settings
from augmentai.types import Source


def cells_of_variations(
    maker: Maker,
    sources: Sequence[Source],
    numbers: Ints,
    classes: Mapping[str, int],
    backbone: Backbone,
    settings: Settings,
    seed: int,
    progress: Progress,
) -> CellVariations:
    """Make the variations of training images and take cells of their views.

    Args:
        maker: what makes them.
        sources: training images alone, with labels; what is borrowed comes from these.
        numbers: of these images among all training images, ascending.
        classes: numbers of the classes, from 1.
        backbone: what computes features.
        settings: limits.
        seed: of crops and cells.
        progress: counts variations and views.

    Raises:
        LiftStoppedError: the measurement is to end.
    """
    rows = {source.key: row for row, source in enumerate(sources)}
    words = f"making variations: {maker.name}"
    views = DENSE_CROPS * OWN_VIEWS
    table = CellTable(len(sources), views, backbone)
    made = np.zeros((len(sources), views), bool)
    changed, reasons = False, dict[str, None]()
    gathered = Gathered(tuple(sorted(sources, key=sort_key)), (), ())
    outcomes = Job(gathered, maker.recipe, settings, maker.engines, progress.stop).run()
    for outcome in outcomes:
        progress.done("variation", words)
        if outcome.variation is None:
            reasons[outcome.reason] = None
            continue
        image, labels = outcome.variation.image.convert("RGB"), outcome.variation.labels or Labels()
        row, shown = rows[outcome.source.key], class_map(objects_of(labels, outcome.label), classes, image.size)
        changed = changed or differs(outcome, settings.max_pixels)
        for column in range(outcome.index - 1, views, maker.recipe.variations):
            rng = seeded(seed, outcome.source.sha256, "variation", column)
            table.add(row, column, dense_view(image, shown, draw_crop(image.size, rng), len(classes)), rng)
            made[row, column] = True
            progress.done("view", words, DENSE_VIEW)
    failed = len(sources) * maker.recipe.variations - int(made[:, : maker.recipe.variations].sum())
    return CellVariations(numbers, table.finish(), made, failed, changed, tuple(reasons))
