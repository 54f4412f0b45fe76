"""The images that small sets are drawn from: views, variations and test images are looked at once, for all draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np

from augmentai.images import decode
from augmentai.lift.feature_table import FeatureTable
from augmentai.lift.labelled_set import LiftSet
from augmentai.lift.learners import LinearProbe
from augmentai.lift.plan import OWN_VIEWS, POOL_VIEWS, sample
from augmentai.lift.prepared import Preparation, Prepared, prepare
from augmentai.lift.variations import Maker, VariationViews, views_of_variations
from augmentai.lift.views import Squares, flip_and_crop, seeded
from augmentai.settings import Settings
from augmentai.types import Source

Ints = np.ndarray[Any, np.dtype[np.int64]]
Rows = np.ndarray[Any, Any]

NOTHING = "nothing"  # the recipe whose variations are the images themselves


class CalibrationError(ValueError):
    """A set cannot be drawn from; the message says why."""


@dataclass(frozen=True)
class Pool:
    """What is known of a large set.

    Attributes:
        name: of the set.
        classes: names.
        training: training images; their order is that of `labels` and `views`.
        labels, test_labels: class numbers.
        views, whole: of the training images, features of flips and crops, and of each as it is when it is tested.
        tests: features of the test images as they are ("clean") and, if asked for, "shifted".
        made: by recipe, views of variations of all training images. Of a recipe that borrows, any training image of
            the pool lends; no test image does.
        learner: what looked at them.
        settings: for the engines.
        seed: of views and variations.

    Shape:
        labels: int64 (N,); views: (N, pool, width); whole: (N, width); tests: (M, width) each; test_labels: int64 (M,).
    """

    name: str
    classes: tuple[str, ...]
    training: tuple[Prepared, ...]
    labels: Ints
    views: Rows
    whole: Rows
    tests: Mapping[str, Rows]
    test_labels: Ints
    made: Mapping[str, VariationViews]
    learner: LinearProbe
    settings: Settings
    seed: int

    def vary(self, maker: Maker, rows: Ints) -> VariationViews:
        """Variations of some training images, which borrow from no others."""
        sources = [self.training[row].source for row in rows]
        return _vary(maker, sources, rows, self.learner, self.settings, self.seed)


def read_pool(
    data: LiftSet,
    most: int,
    makers: Sequence[Maker],
    learner: LinearProbe,
    settings: Settings,
    seed: int,
    folder: Path,
    most_test: int | None = None,
    shifted: bool = False,
) -> Pool:
    """Look at a set.

    Args:
        data: the set.
        most: training images of a class.
        makers: the recipes whose variations are made once for all draws.
        learner: what looks at images.
        settings: for the engines.
        seed: of views and variations.
        folder: for small copies of the images.
        most_test: test images; all by default.
        shifted: look at shifted test images as well.

    Raises:
        CalibrationError: there is no test image.
    """
    if not data.test:
        raise CalibrationError(
            f"{data.name}: no test images; expected a train and a test folder with class folders in them"
        )
    number = {name: position for position, name in enumerate(data.classes)}
    how = Preparation(folder, learner.side_px, seed, settings.max_pixels, train=True, test=True)
    chosen = sample(data.training, most * len(number), seed)
    training = [one for one in prepare(chosen, how) if not one.reason]
    held_out = data.test if most_test is None else sample(data.test, most_test, seed)
    tested = [one for one in prepare(held_out, replace(how, train=False)) if not one.reason]
    views = learner.table(len(training), POOL_VIEWS, _ignore)
    for row, one in enumerate(training):
        assert one.views is not None
        views.add(row, 0, one.views)
    kept = tuple(one.without_pixels() for one in training)
    sources, everything = [one.source for one in kept], np.arange(len(kept))
    made = {maker.name: _vary(maker, sources, everything, learner, settings, seed) for maker in makers}
    tests = {"clean": _features([one.clean for one in tested], learner)}
    if shifted:
        tests["shifted"] = _features([one.shifted for one in tested], learner)
    return Pool(
        data.name,
        data.classes,
        kept,
        np.array([number[str(source.label)] for source in sources], np.int64),
        _in_memory(views),
        _features([one.clean for one in training], learner),
        tests,
        np.array([number[str(one.source.label)] for one in tested], np.int64),
        {NOTHING: _more_views(training, learner, seed, settings.max_pixels), **made},
        learner,
        settings,
        seed,
    )


def _features(squares: Sequence[Squares | None], learner: LinearProbe) -> Rows:
    table = learner.table(len(squares), 1, _ignore)
    for row, one in enumerate(squares):
        assert one is not None
        table.add(row, 0, one)
    return _in_memory(table)


def _in_memory(table: FeatureTable) -> Rows:
    rows = table.finish()
    assert isinstance(rows, np.ndarray)
    return rows


def _more_views(training: Sequence[Prepared], learner: LinearProbe, seed: int, max_pixels: int) -> VariationViews:
    """Flips and crops of the images themselves, seeded as those of variations are."""
    table = learner.table(len(training), OWN_VIEWS, _ignore)
    for row, one in enumerate(training):
        image = decode(one.source.read(), one.source.path, max_pixels).rgb
        for column in range(OWN_VIEWS):
            rng = seeded(seed, one.source.sha256, "variation", column)
            table.add(row, column, flip_and_crop(image, 1, learner.side_px, rng))
    made = np.ones((len(training), OWN_VIEWS), bool)
    return VariationViews(np.arange(len(training)), table.finish(), made, changed=True)


def _vary(
    maker: Maker, sources: Sequence[Source], rows: Ints, learner: LinearProbe, settings: Settings, seed: int
) -> VariationViews:
    return views_of_variations(maker, sources, rows, learner, settings, seed, _ignore, _nothing, Event())


def _ignore(count: int) -> None:
    """For a look that shows no progress."""


def _nothing() -> None:
    """The same."""
