"""`measure` for sets with boxes, polygons or masks: by the cells of their images."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from augmentai.backbone import load_backbone
from augmentai.lift.dense import DenseMeasurement
from augmentai.lift.dense_verdicts import SEES, dense_verdicts
from augmentai.lift.labelled_set import LiftSet
from augmentai.lift.progress import OnProgress, Progress, ShouldStop
from augmentai.lift.report import LiftReport
from augmentai.lift.variations import Maker
from augmentai.settings import Settings


def measure_cells(
    data: LiftSet,
    makers: Sequence[Maker],
    settings: Settings,
    seed: int,
    on_progress: OnProgress | None = None,
    should_stop: ShouldStop | None = None,
    on_cost: Callable[[str], None] | None = None,
) -> LiftReport:
    """Measure what recipes are worth on a detection or segmentation set.

    A frozen pretrained network looks at views of 320 px; a linear classifier learns what each cell of 16 px shows, and
    is tested by the average precision of the cells of each class. Differences are percentage points of its mean over
    the classes.

    Args:
        data: the set.
        makers: the recipes.
        settings, seed, on_progress, should_stop, on_cost: see `augmentai.lift.measure`.

    Raises:
        LiftError: nothing can be measured; the message says why.
    """
    started, backbone = time.monotonic(), load_backbone()
    with tempfile.TemporaryDirectory(prefix="augmentai-lift-") as folder:
        measurement = DenseMeasurement(data, makers, backbone, settings, seed, Path(folder))
        if on_cost is not None:
            for words in measurement.prices():
                on_cost(words)
        progress = Progress(measurement.expected(), on_progress or _no_progress, should_stop or _never)
        look = measurement.run(progress)
    return LiftReport(
        set=data.name,
        task=look.task,
        method="cells",
        split=data.split,
        classes=len(look.classes),
        pictures=look.pictures,
        training=look.training,
        repeats=look.repeats,
        seed=seed,
        backbone=backbone.name,
        seconds=round(time.monotonic() - started, 1),
        recipes=dense_verdicts(look, makers, seed),
        notes=(*look.notes, SEES),
    )


def _no_progress(words: str, share: float) -> None:
    """For callers that show none."""


def _never() -> bool:
    return False
