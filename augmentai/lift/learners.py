"""What is trained on the views: a linear probe for the quick look, the whole network for the deep one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np

from augmentai.backbone import Backbone
from augmentai.lift import fine_tune
from augmentai.lift.feature_table import FeatureTable, OnComputed
from augmentai.lift.probe import Probe, fit
from augmentai.lift.progress import Work
from augmentai.lift.report import Method

_ROWS_AT_ONCE = 512  # taken: 1 MB, so that little beside the rows themselves is in memory

Rows = np.ndarray[Any, Any]
Ints = np.ndarray[Any, np.dtype[np.int64]]
Take = Callable[[Ints], Rows]  # numbers of training views -> what the learner knows of them


class Model(Protocol):
    """Something that was trained."""

    def predict(self, take: Take, count: int) -> Ints:
        """The class of each test image.

        Args:
            take: gives the rows of some test images, by numbers from 0 to `count - 1`.
            count: how many test images there are.
        """
        ...


class Learner(Protocol):
    """How a model is trained.

    Attributes:
        method: as the report names it.
        backbone: the name of the network.
        side_px: of the views.
        work: the kind of work that training is.
        at_once: several trainings run side by side.
    """

    @property
    def method(self) -> Method: ...

    @property
    def backbone(self) -> str: ...

    @property
    def side_px(self) -> int: ...

    @property
    def work(self) -> Work: ...

    @property
    def at_once(self) -> bool: ...

    def units(self, views: int) -> int:
        """How much work one training on so many views is."""
        ...

    def table(self, rows: int, columns: int, on_computed: OnComputed) -> FeatureTable:
        """A place for what is known of views."""
        ...

    def train(self, take: Take, labels: Ints, classes: int, seed: int, on_unit: Callable[[], None]) -> Model:
        """Train a model.

        Args:
            take: gives the training views with some numbers, from 0 to `len(labels) - 1`.
            labels: class numbers.
            classes: how many classes there are.
            seed: of everything that is drawn.
            on_unit: called after each unit of work; what it raises ends the training.
        """
        ...


@dataclass(frozen=True)
class LinearProbe:
    """A logistic regression on the features of a frozen network.

    Args:
        eye: the network.
        folder: for the features; by default they are in memory.
    """

    method: ClassVar[Method] = "probe"
    work: ClassVar[Work] = "fit"
    at_once: ClassVar[bool] = True

    eye: Backbone
    folder: Path | None = None

    @property
    def backbone(self) -> str:
        return self.eye.name

    @property
    def side_px(self) -> int:
        return self.eye.side_px

    def units(self, views: int) -> int:
        return 1

    def table(self, rows: int, columns: int, on_computed: OnComputed) -> FeatureTable:
        return FeatureTable(rows, columns, self.eye, on_computed, folder=self.folder)

    def train(self, take: Take, labels: Ints, classes: int, seed: int, on_unit: Callable[[], None]) -> _OnFeatures:
        rows = np.empty((len(labels), take(np.arange(1)).shape[1]), np.float32)
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            numbers = np.arange(start, min(start + _ROWS_AT_ONCE, len(rows)))
            rows[numbers] = take(numbers)
        found = fit(rows, labels, classes)
        on_unit()
        return _OnFeatures(found)


@dataclass(frozen=True)
class _OnFeatures:
    """A probe that is given the features of all test images at once: 5 MB at most."""

    probe: Probe

    def predict(self, take: Take, count: int) -> Ints:
        return self.probe.predict(take(np.arange(count)))


@dataclass(frozen=True)
class FineTuning:
    """All layers of the bundled network, trained anew from its pretrained weights.

    Args:
        folder: for the pixels of the views, which are too many for memory.
        device: "cpu" or "cuda".
    """

    method: ClassVar[Method] = "fine-tune"
    work: ClassVar[Work] = "step"
    at_once: ClassVar[bool] = False

    folder: Path
    device: str = "cpu"

    @property
    def backbone(self) -> str:
        from augmentai.backbone.layout import NAME

        return NAME

    @property
    def side_px(self) -> int:
        from augmentai.backbone.layout import SIDE_PX

        return SIDE_PX

    def units(self, views: int) -> int:
        return fine_tune.steps_for(views)

    def table(self, rows: int, columns: int, on_computed: OnComputed) -> FeatureTable:
        return FeatureTable(rows, columns, _Pixels(self.side_px), on_computed, np.dtype(np.uint8), self.folder)

    def train(self, take: Take, labels: Ints, classes: int, seed: int, on_unit: Callable[[], None]) -> _OnRows:
        def squares(rows: Ints) -> Rows:
            return take(rows).reshape(-1, self.side_px, self.side_px, 3)

        return _OnRows(fine_tune.fine_tune(squares, labels, classes, seed, self.device, on_unit), self.side_px)

    def seconds_per_step(self) -> float:
        """How long one step takes here and now, measured on blank images."""
        blank = np.zeros((fine_tune.BATCH, self.side_px, self.side_px, 3), np.uint8)
        times: list[float] = []
        fine_tune.fine_tune(
            lambda rows: blank[rows], np.arange(len(blank)) % 2, 2, 1, self.device, _stop_after(2, times)
        )
        return times[-1] - times[-2]


def _stop_after(steps: int, times: list[float]) -> Callable[[], bool]:
    def on_step() -> bool:
        times.append(time.monotonic())
        return len(times) == steps

    return on_step


@dataclass(frozen=True)
class _OnRows:
    """A fine-tuned network that is given flat rows of pixels, a few at a time."""

    model: fine_tune.FineTuned
    side_px: int

    def predict(self, take: Take, count: int) -> Ints:
        found = [np.zeros(0, np.int64)]
        for start in range(0, count, fine_tune.TEST_BATCH):
            rows = take(np.arange(start, min(start + fine_tune.TEST_BATCH, count)))
            found.append(self.model.predict(rows.reshape(-1, self.side_px, self.side_px, 3)))
        return np.concatenate(found)


@dataclass(frozen=True)
class _Pixels:
    """Knows of an image its pixels, one after the other."""

    side_px: int

    @property
    def width(self) -> int:
        return self.side_px**2 * 3

    def features(self, images: np.ndarray) -> np.ndarray:
        return images.reshape(len(images), -1)
