"""Cells of views: their features and what they show, a few of each view, drawn while the images stream by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from augmentai.backbone import Backbone
from augmentai.lift.cell_labels import CELL_PX, UNCLEAR, cell_classes
from augmentai.lift.views import Crop, Squares, cropped

Ints = np.ndarray[Any, np.dtype[np.int64]]

SIDE_PX = 320  # of a view: 20 x 20 cells
CELLS = (SIDE_PX // CELL_PX) ** 2
CELLS_PER_VIEW = 24  # that are trained on: up to half show objects, each class as many, the others ground
_BATCH = 8  # views: 10 MB of pixels, 6 MB of features


@dataclass(frozen=True)
class DenseView:
    """A view before the network has seen it. Shape: pixels: uint8 (S, S, 3); classes: int64 (cells,)."""

    pixels: Squares
    classes: Ints


def dense_view(image: Image.Image, made: Image.Image, crop: Crop, classes: int) -> DenseView:
    """A view of an image, and of what it shows.

    Args:
        image: RGB.
        made: the class of each pixel; see `class_map`.
        crop: which part is seen.
        classes: how many there are, beside ground.
    """
    return DenseView(cropped(image, crop, SIDE_PX), cell_classes(made, crop, SIDE_PX, classes))


@dataclass(frozen=True)
class Cells:
    """Some cells of each view.

    Shape:
        features: float16 (images, views, cells, width).
        classes: int16 (images, views, cells); `UNCLEAR` where there is no cell.
    """

    features: np.ndarray[Any, np.dtype[np.float16]]
    classes: np.ndarray[Any, np.dtype[np.int16]]


class CellTable:
    """Cells of many views of many images, in batches.

    Args:
        images, views: how many.
        backbone: what computes features.
        cells: of each view; of a view with more, some are drawn.
    """

    def __init__(self, images: int, views: int, backbone: Backbone, cells: int = CELLS_PER_VIEW) -> None:
        self._backbone, self._cells = backbone, cells
        self._features: np.ndarray[Any, np.dtype[np.float16]] | None = None
        self._classes = np.full((images, views, cells), UNCLEAR, np.int16)
        self._waiting: list[tuple[int, int, Squares, Ints]] = []

    def add(self, image: int, view: int, one: DenseView, rng: np.random.Generator) -> None:
        """One view."""
        chosen = chosen_cells(one.classes, self._cells, rng)
        self._classes[image, view, : len(chosen)] = one.classes[chosen]
        self._waiting.append((image, view, one.pixels, chosen))
        if len(self._waiting) == _BATCH:
            self._compute()

    def finish(self) -> Cells:
        """All of them."""
        if self._waiting:
            self._compute()
        features = self._features
        if features is None:
            features = np.zeros((*self._classes.shape, 0), np.float16)
        return Cells(features, self._classes)

    def _compute(self) -> None:
        found = self._backbone.cells(np.stack([pixels for _, _, pixels, _ in self._waiting]))
        found = found.reshape(len(found), -1, found.shape[-1])
        if self._features is None:
            self._features = np.zeros((*self._classes.shape, found.shape[-1]), np.float16)
        for (image, view, _, chosen), features in zip(self._waiting, found, strict=True):
            self._features[image, view, : len(chosen)] = features[chosen]
        self._waiting = []


def chosen_cells(classes: Ints, most: int, rng: np.random.Generator) -> Ints:
    """Numbers of the cells of a view that are trained on: half show objects if so many do, evenly of each class.

    Args:
        classes: of the view's cells; see `cell_classes`.
        most: how many cells. If it is no fewer than there are, all clear ones are taken.
        rng: decides between cells of a class.

    Example:
        >>> classes = np.array([0, 0, 0, 0, 1, 1, 1, 2, -1])
        >>> classes[chosen_cells(classes, 4, np.random.default_rng(1))].tolist()
        [0, 0, 1, 2]
    """
    clear = np.flatnonzero(classes != UNCLEAR)
    if len(clear) <= most:
        return clear
    shuffled = rng.permutation(clear)
    ground, objects = shuffled[classes[shuffled] == 0], shuffled[classes[shuffled] > 0]
    share = max(most // 2, most - len(ground))
    turn = np.empty(len(objects), np.int64)  # the first cell of each class before the second of any
    for number in np.unique(classes[objects]):
        own = classes[objects] == number
        turn[own] = np.arange(own.sum())
    objects = objects[np.argsort(turn, kind="stable")][:share]
    return np.sort(np.concatenate([objects, ground[: most - len(objects)]]))
