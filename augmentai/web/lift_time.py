"""How long a measurement takes on this server: a first guess, corrected by every one that is finished."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from augmentai.lift.plan import MOST_DENSE_TEST, MOST_DENSE_TRAINING, MOST_TEST, MOST_TRAINING

_SECONDS_AT_LEAST = 3.0  # to load the networks
_SECONDS_PER_IMAGE = 0.25  # 24 flips and crops, as the network sees them
_SECONDS_PER_IMAGE_AND_RECIPE = 0.35  # 8 variations, made and seen
_FOLDED = 4.0  # what borrows from other images is made anew for each fold
_LEARNING_RATE = 0.5
_CELLS = 4.0  # by cells, an image takes so many times as long


@dataclass(frozen=True)
class LiftSize:
    """How much is to be measured.

    Attributes:
        training: images.
        held_out: images for validation and test; with none, each image is tested in turn.
        recipes: how many.
        by_cells: the images have boxes or masks, so that their cells are measured.
    """

    training: int
    held_out: int
    recipes: int
    by_cells: bool = False

    @property
    def trained(self) -> int:
        """Images that are trained on: of a larger set, a sample."""
        return min(MOST_DENSE_TRAINING if self.by_cells else MOST_TRAINING, self.training)

    @property
    def tested(self) -> int:
        """Images that are tested."""
        if not self.held_out:
            return self.trained
        return min(MOST_DENSE_TEST if self.by_cells else MOST_TEST, self.held_out)


class LiftTime:
    """How long measurements take on this server. Thread-safe.

    Example:
        >>> times = LiftTime()
        >>> size = LiftSize(training=100, held_out=50, recipes=2)
        >>> before = times.seconds(size)
        >>> times.learn(size, 2 * before)
        >>> times.seconds(size) == 1.5 * before
        True
    """

    def __init__(self) -> None:
        self._factor = 1.0
        self._lock = threading.Lock()

    def seconds(self, size: LiftSize) -> float:
        """How long a measurement of this size will take."""
        each = _SECONDS_PER_IMAGE_AND_RECIPE * (1.0 if size.held_out else _FOLDED)
        per_image = (_SECONDS_PER_IMAGE + each * size.recipes) * (_CELLS if size.by_cells else 1.0)
        return (_SECONDS_AT_LEAST + per_image * size.trained) * self._factor

    def learn(self, size: LiftSize, seconds: float) -> None:
        """Correct the guess by what a measurement took."""
        with self._lock:
            self._factor *= 1 + _LEARNING_RATE * (seconds / self.seconds(size) - 1)
