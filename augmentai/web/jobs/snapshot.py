"""What the page knows of a job: finished variations, progress, and what a slow engine is doing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from augmentai.pipeline.plan import RunPlan
from augmentai.types import SourceKey


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One finished variation as the page shows it.

    Attributes:
        labels: its class, or the classes of its annotations.
        style: which styles the engine blended, as in the manifest.
        preview, source_preview: paths of small images of the variation and of its source; the source's is warped as the
            variation was, so that the two can be compared. Empty if there are none.
        changed: mean difference of the two small images, 0 to 1; None if that is not known.
        size_wh: width and height of the variation.
        geometry: how its pixels were moved, as in the manifest; None if they were not.
        original_preview: path of the small source as it is, not warped.
        objects: how many labelled objects of each class it shows; 0 of a class that a mask shows.
        lost: likewise, those that left the frame.
        drawing, source_drawing, original_drawing: paths of its labels as a drawing, of those of its source, warped
            alike, and of those as they are; empty without any.
        scores: what the filters measured of it.
    """

    file: str
    source: str
    sha256: str
    labels: tuple[str, ...]
    index: int
    engine: str
    model: str
    seed: int
    strength: float
    prompt: str
    style: str
    preview: str
    source_preview: str
    changed: float | None
    size_wh: tuple[int, int]
    geometry: Mapping[str, Any] | None = None
    original_preview: str = ""
    objects: Mapping[str, int] = field(default_factory=dict)
    lost: Mapping[str, int] = field(default_factory=dict)
    drawing: str = ""
    source_drawing: str = ""
    original_drawing: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)

    @property
    def key(self) -> SourceKey:
        """Of its source."""
        return self.source, self.sha256


class JobProgress:
    """What a slow engine is doing, in words; empty for fast ones. Written by the job's thread, read by the page's."""

    message = ""

    def update(self, message: str, share: float) -> None:
        """Set the message. This is the `on_progress` of a job."""
        self.message = message


@dataclass(frozen=True)
class JobResult:
    """What a job has made when it has ended.

    Attributes:
        plan: what was to be made.
        report: `Report.as_dict`.
        zip_path: the set with its variations.
        folder: the job's own.
        classes: images per class among the inputs; those without a class are counted under "".
        paid: the folder with its ledger; None if it could not cost anything.
        credits_before: of those in the report, what an earlier part of the job was charged.
        settled: its variations that are in the ZIP, or were rejected for good, as (source key, index).
        is_complete: the same request may buy anew once this was fetched (see `paid_jobs.hand_over`). Not so if a limit
            cut it short, or a seed was asked for: then it gets the same images.
    """

    plan: RunPlan
    report: dict[str, Any]
    zip_path: Path
    folder: Path
    classes: dict[str, int]
    paid: Path | None = None
    credits_before: float = 0.0
    settled: Sequence[tuple[SourceKey, int]] = ()
    is_complete: bool = True


@dataclass(frozen=True)
class Snapshot:
    """The state of a job at one moment.

    Attributes:
        done, expected: variations; expected is 0 while the inputs are being read.
        images: (path, caption) of every finished variation at full size; empty if `rows` is filled.
        rows: the same variations with small previews; empty if `images` is filled.
        failures: the first 50 until the last snapshot.
        progress: keeps changing until the next snapshot.
        result: only in the last one.
    """

    done: int = 0
    expected: int = 0
    images: Sequence[tuple[str, str]] = ()
    rows: Sequence[ResultRow] = ()
    failures: Sequence[dict[str, str]] = ()
    seconds: float = 0.0
    credits: float = 0.0
    progress: JobProgress = field(default_factory=JobProgress)
    result: JobResult | None = None


def seconds_left(done: int, expected: int, seconds: float) -> float | None:
    """About how long a job goes on; None while nothing can be said.

    Example:
        >>> seconds_left(10, 30, 5.0), seconds_left(1, 30, 5.0)
        (10.0, None)
    """
    return seconds / done * (expected - done) if 4 <= done < expected and seconds > 2 else None
