"""The two arms of a dense look: probes trained on cells of views, tested on the cells of whole images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from augmentai.lift.arms import BASELINE
from augmentai.lift.average_precision import pseudo_values
from augmentai.lift.cell_labels import UNCLEAR
from augmentai.lift.cells import Cells
from augmentai.lift.plan import LEAST_CELLS, OWN_VIEWS, SHARED_VIEWS
from augmentai.lift.probe import Probe, fit
from augmentai.lift.views import seeded
from augmentai.system.threads import in_order

Ints = np.ndarray[Any, np.dtype[np.int64]]
Table = np.ndarray[Any, np.dtype[np.float32]]

_IMAGES_AT_ONCE = 16  # tested: 12 MB of features


@dataclass(frozen=True)
class CellVariations:
    """Cells of views of the variations of some training images.

    There may be several crops of each variation: the views c, c + 8, c + 16 and so on, of which a repeat draws one.

    Attributes:
        numbers: of these images among all training images, ascending.
        cells: of each view.
        made: which views there are.
        failed: how many variations could not be made.
        changed: whether any variation differs from its image.
        reasons: why variations could not be made.

    Shape:
        numbers: int64 (images,); made: bool (images, views).
    """

    numbers: Ints
    cells: Cells
    made: np.ndarray[Any, np.dtype[np.bool_]]
    failed: int = 0
    changed: bool = False
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class DensePart:
    """One training set and the images that its models are tested on: numbers of images, and variations by recipe.

    Attributes:
        share: of the training images that a repeat trains on, at random.
    """

    train: Ints
    test: Ints
    variations: Mapping[str, CellVariations]
    share: float = 1.0


@dataclass(frozen=True)
class DenseCells:
    """Cells of all images.

    Attributes:
        views: of the training images.
        tests: all cells of the test images, one view each.
        classes: how many, beside ground.
    """

    views: Cells
    tests: Cells
    classes: int


def learnable(views: Cells, train: Ints, classes: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Whether the views of training images have enough cells of each class to tell arms apart by it.

    Args:
        views: of all images.
        train: numbers of the training images.
        classes: how many, beside ground.

    Shape:
        output: bool (classes,).

    Example:
        >>> shown = np.zeros((2, 24, 4), np.int16)
        >>> shown[..., 0] = 1
        >>> learnable(Cells(np.zeros((2, 24, 4, 3), np.float16), shown), np.arange(2), classes=2).tolist()
        [True, False]
    """
    cells = [int((views.classes[train] == number).sum()) for number in range(1, classes + 1)]
    return np.array(cells) >= LEAST_CELLS


def precisions(
    cells: DenseCells,
    parts: Sequence[DensePart],
    recipes: Sequence[str],
    repeats: int,
    seed: int,
    on_fit: Callable[[], None],
) -> dict[str, Table]:
    """Train every arm in every repeat, and test it.

    Args:
        cells: what is known of the images.
        parts: training and test images.
        recipes: names of the arms with variations.
        repeats: how often; each draws other views.
        seed: of all draws.
        on_fit: called after each repeat of each part.

    Returns:
        For each arm, what each test image adds to the average precision of each class (`pseudo_values`): float32
        (repeats, test images, classes); NaN of classes that no test image shows.
    """
    import torch

    arms = (BASELINE, *recipes)
    work = [(repeat, number) for repeat in range(repeats) for number in range(len(parts))]

    def one(item: tuple[int, int]) -> dict[str, Table]:
        torch.set_num_threads(1)  # of this thread's: two fits at once are quicker than one after the other
        repeat, number = item
        return _scored(cells, parts[number], arms, seeded(seed, "repeat", repeat, number))

    images, count = cells.tests.classes.shape[0], cells.tests.classes.shape[2]
    found = {arm: np.empty((repeats, images, cells.classes), np.float32) for arm in arms}
    scores = {arm: np.zeros((images, count, cells.classes), np.float32) for arm in arms}
    for (repeat, number), scored in zip(work, in_order(one, work, "fit"), strict=True):
        for arm, values in scored.items():
            scores[arm][parts[number].test] = values
        if number == len(parts) - 1:
            for arm in arms:
                found[arm][repeat] = _values(scores[arm], cells)
        on_fit()
    return found


def _scored(cells: DenseCells, part: DensePart, arms: Sequence[str], rng: np.random.Generator) -> dict[str, Table]:
    """Scores of the test images' cells: (test images, cells, classes)."""
    train = part.train
    if part.share < 1:
        train = np.sort(rng.permutation(train)[: max(1, round(part.share * len(train)))])
    pool = cells.views.classes.shape[1]
    order = rng.permuted(np.tile(np.arange(pool), (len(train), 1)), axis=1)
    crops = rng.random((len(train), OWN_VIEWS))  # the same of each arm
    found = {}
    for arm in arms:
        features, classes = _training(cells.views, part.variations.get(arm), train, order, crops)
        probe = fit(features, classes, cells.classes + 1)
        found[arm] = np.concatenate(list(_on_tests(probe, cells.tests, part.test)))
    return found


def _training(
    views: Cells, variations: CellVariations | None, train: Ints, order: Ints, crops: np.ndarray[Any, Any]
) -> tuple[Table, Ints]:
    """The cells that an arm trains on: of 8 views that all arms share, and of 8 of its own.

    These are further views of the images, or views of variations; other views of the images stand in for variations
    that could not be made.
    """
    features, classes = [], []

    def add(cells: Cells, image: int, view: int) -> None:
        own = cells.classes[image, view]
        clear = own != UNCLEAR
        features.append(cells.features[image, view, clear])
        classes.append(own[clear])

    for row, image in enumerate(train):
        for column in range(SHARED_VIEWS):
            add(views, image, order[row, column])
        for column in range(OWN_VIEWS):
            if variations is None:
                add(views, image, order[row, SHARED_VIEWS + column])
                continue
            own = int(np.searchsorted(variations.numbers, image))
            view = column + OWN_VIEWS * int(crops[row, column] * (variations.made.shape[1] // OWN_VIEWS))
            if variations.made[own, view]:
                add(variations.cells, own, view)
            else:
                add(views, image, order[row, SHARED_VIEWS + OWN_VIEWS + column])
    return np.concatenate(features).astype(np.float32), np.concatenate(classes).astype(np.int64)


def _on_tests(probe: Probe, tests: Cells, numbers: Ints) -> Iterator[Table]:
    for start in range(0, len(numbers), _IMAGES_AT_ONCE):
        rows = tests.features[numbers[start : start + _IMAGES_AT_ONCE], 0].astype(np.float32)
        scores = probe.log_shares(rows.reshape(-1, rows.shape[-1]))
        yield scores.reshape(*rows.shape[:2], -1)[..., 1:]


def _values(scores: Table, cells: DenseCells) -> Table:
    """What each image adds to the average precision of each class: (images, classes)."""
    shown = cells.tests.classes[:, 0]
    clear = shown != UNCLEAR
    image = np.nonzero(clear)[0]
    found = np.full((len(shown), cells.classes), np.nan, np.float32)
    for number in range(cells.classes):
        positive = shown[clear] == number + 1
        if positive.any():
            found[:, number] = pseudo_values(scores[clear][:, number], positive, image, len(shown))
    return found
