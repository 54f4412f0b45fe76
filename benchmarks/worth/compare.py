"""Many draws of a few training images per class: with each technique's variations against as many flips and crops."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from augmentai.backbone import cached, load_backbone
from augmentai.images import decode
from augmentai.lift.arms import BASELINE, Images, Part, scores
from augmentai.lift.labelled_set import LiftSet, read_set
from augmentai.lift.learners import LinearProbe
from augmentai.lift.measure import makers_of
from augmentai.lift.plan import OWN_VIEWS
from augmentai.lift.variations import VariationViews
from augmentai.lift.views import flip_and_crop, seeded
from augmentai.settings import Settings, load_settings
from benchmarks.calibration.calibrate import first_of_each
from benchmarks.calibration.pool import Pool, read_pool
from benchmarks.worth.techniques import Technique

KINDS = ("clean", "shifted")
_REPEATS = 3  # of each draw, with other views: draws differ by more

Differences = dict[str, dict[str, list[float]]]  # by technique and kind of test image: of each draw, in points


@dataclass(frozen=True)
class Plan:
    """What is drawn from each set.

    Attributes:
        shots: training images of a class.
        draws: training sets of each size.
        pool: training images of a class that are drawn from.
        tests: test images, evenly over the classes as far as there are.
        seed: of everything.
    """

    shots: tuple[int, ...] = (5, 10)
    draws: int = 5
    pool: int = 20
    tests: int = 300
    seed: int = 1


def compare(
    path: Path,
    wanted: Sequence[Technique],
    plan: Plan,
    report: Callable[[str], None],
    settings: Settings | None = None,
) -> dict[int, Differences]:
    """Measure techniques on one set.

    A frozen network looks at all images once. Of each draw, an arm trains a logistic regression on 8 flipped and
    cropped views of each image and 8 flipped and cropped views of its variations, the other arm on 16 of the image:
    the protocol of `augmentai lift`. Styles are borrowed from all training images that are drawn from.

    Args:
        path: a folder with training and test images of the same classes.
        wanted: what is measured; "nothing", eight more flips and crops, always is.
        plan: what is drawn.
        report: told what is being done.
        settings: for the engines; read from the environment by default.

    Returns:
        By number of training images per class: by technique and kind of test images, the difference of each draw.
    """
    settings = settings or load_settings()
    learner = LinearProbe(cached(load_backbone(), settings))
    recipes = {one.name: one.recipe for one in wanted if one.recipe is not None}
    makers = makers_of(recipes, settings, plan.seed, paid=False, folds=False)
    data = read_set(path, None, settings)
    report(f"{path.name}: looking at images and making variations")
    with tempfile.TemporaryDirectory(prefix="augmentai-worth-") as folder:
        pool = read_pool(data, plan.pool, makers, learner, settings, plan.seed, Path(folder), plan.tests, shifted=True)
        changed = {one.name: _changed(pool, one) for one in wanted if one.change is not None}
    made = {**pool.made, **changed}
    return {shots: _differences(pool, made, shots, plan) for shots in plan.shots if _has(data, shots)}


def _has(data: LiftSet, shots: int) -> bool:
    labels = [source.label for source in data.training]
    return min(labels.count(name) for name in data.classes) >= shots


def _changed(pool: Pool, technique: Technique) -> VariationViews:
    """Views of images that a function changed, each beside another image of its class; crops as those of a recipe."""
    assert technique.change is not None
    images = [decode(one.source.read(), one.source.path, pool.settings.max_pixels).rgb for one in pool.training]
    table = pool.learner.table(len(images), OWN_VIEWS, lambda count: None)
    for row, image in enumerate(images):
        others = np.flatnonzero((pool.labels == pool.labels[row]) & (np.arange(len(images)) != row))
        sha256 = pool.training[row].source.sha256
        for column in range(OWN_VIEWS):
            rng = seeded(pool.seed, sha256, technique.name, column)
            varied = technique.change(image, images[int(rng.choice(others))], rng)
            crops = seeded(pool.seed, sha256, "variation", column)
            table.add(row, column, flip_and_crop(varied, 1, pool.learner.side_px, crops))
    made = np.ones((len(images), OWN_VIEWS), bool)
    return VariationViews(np.arange(len(images)), table.finish(), made, changed=True)


def _differences(pool: Pool, made: Mapping[str, VariationViews], shots: int, plan: Plan) -> Differences:
    images = Images(pool.views, pool.labels, pool.tests, pool.test_labels, len(pool.classes))
    everything = np.arange(len(pool.test_labels))
    found: Differences = {name: {kind: [] for kind in KINDS} for name in made}
    for number in range(plan.draws):
        rng = seeded(plan.seed, "draw", shots, number)
        train = np.sort(first_of_each(pool.labels, len(pool.classes), rng)[: shots * len(pool.classes)])
        part = Part(train, everything, made)
        right = scores(images, [part], list(made), _REPEATS, plan.seed + number, pool.learner, lambda units: None)
        for name in made:
            for kind in KINDS:
                better = right[kind][name].mean() - right[kind][BASELINE].mean()
                found[name][kind].append(round(100 * float(better), 3))
    return found
