"""The images with boxes or masks that small sets are drawn from: cells are looked at once, for all draws."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import numpy as np

from augmentai.backbone import Backbone
from augmentai.lift.cells import Cells, CellTable, dense_view
from augmentai.lift.dense_arms import CellVariations
from augmentai.lift.dense_cells import cells_of_views, cells_of_whole, shown_in
from augmentai.lift.dense_images import DenseImage, dense_images
from augmentai.lift.dense_variations import cells_of_variations
from augmentai.lift.labelled_set import LEAST_PER_CLASS, LiftSet
from augmentai.lift.plan import DENSE_CROPS, OWN_VIEWS
from augmentai.lift.progress import Progress
from augmentai.lift.variations import Maker
from augmentai.lift.views import draw_crop, seeded
from augmentai.settings import Settings
from benchmarks.calibration.pool import NOTHING, CalibrationError


@dataclass(frozen=True)
class CellPool:
    """What is known of a set with boxes or masks.

    Attributes:
        name: of the set.
        classes: numbers, from 1.
        training: images to draw training sets from; their order is that of `views`.
        views: some cells of flips and crops of these.
        tests: all cells of the images to test on.
        made: by recipe, cells of variations of all training images.
    """

    name: str
    classes: Mapping[str, int]
    training: tuple[DenseImage, ...]
    views: Cells
    tests: Cells
    made: Mapping[str, CellVariations]


def read_cell_pool(
    data: LiftSet,
    most_training: int,
    most_test: int,
    makers: Sequence[Maker],
    backbone: Backbone,
    settings: Settings,
    seed: int,
    folder: Path,
) -> CellPool:
    """Look at a set. Whatever its splits, its images are divided at random: those to train on, and those to test on.

    Args:
        data: the set.
        most_training, most_test: images to draw from.
        makers: the recipes; what they borrow comes from the training images.
        backbone: what looks at images.
        settings: limits.
        seed: of everything that is drawn.
        folder: for small copies of the images.

    Raises:
        CalibrationError: there are too few images.
    """
    images = sorted((*data.training, *data.test), key=lambda one: (one.sha256, one.path))
    order = seeded(seed, "cells").permutation(len(images))[: most_training + most_test]
    (folder / "all").mkdir()
    found = [
        one for one in dense_images([images[n] for n in order], folder / "all", settings.max_pixels) if one.classes
    ]
    training, test = found[:most_training], found[most_training:]
    if not test:
        raise CalibrationError(f"{data.name}: {len(found)} labelled images; a pool needs more than {most_training}")
    counts = Counter(name for one in training for name in one.classes or ())
    names = sorted(name for name, count in counts.items() if count >= LEAST_PER_CLASS)
    classes = {name: number for number, name in enumerate(names, 1)}
    numbers = np.arange(len(training))
    sources = [one.source for one in training]
    made = {NOTHING: _more_views(training, classes, backbone, seed)}
    for maker in makers:
        progress = Progress({}, lambda words, share: None, Event().is_set)
        made[maker.name] = cells_of_variations(maker, sources, numbers, classes, backbone, settings, seed, progress)
    views = cells_of_views(training, classes, backbone, seed, _ignore)
    whole = cells_of_whole(test, classes, backbone, seed, _ignore)
    return CellPool(data.name, classes, tuple(training), views, whole, made)


def _more_views(
    training: Sequence[DenseImage], classes: Mapping[str, int], backbone: Backbone, seed: int
) -> CellVariations:
    """Flips and crops of the images themselves, seeded as those of variations are."""
    views = DENSE_CROPS * OWN_VIEWS
    table = CellTable(len(training), views, backbone)
    for row, one in enumerate(training):
        image, shown = one.open(), shown_in(one, classes)
        for column in range(views):
            rng = seeded(seed, one.source.sha256, "variation", column)
            table.add(row, column, dense_view(image, shown, draw_crop(image.size, rng), len(classes)), rng)
    made = np.ones((len(training), views), bool)
    return CellVariations(np.arange(len(training)), table.finish(), made, changed=True)


def _ignore() -> None:
    """For a look that shows no progress."""
