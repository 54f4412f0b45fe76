"""Runs over the small labelled sets, and what they reported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from augmentai.pipeline.job import Job
from tests.support.labelled_sets import LAYOUTS, Files, augmented, gathered, write

LABELLED = ["yolo", "yolo polygons", "coco", "voc", "imagefolder jsonl", "masks beside"]


def converted(name: str, to: str, tmp_path: Path, **recipe: Any) -> tuple[Path, Job]:
    """A set of `LAYOUTS` converted to a format: (the folder written, the job)."""
    job = augmented([write(tmp_path / "in", LAYOUTS[name][1])], tmp_path / "out", to=to, **recipe)
    assert not job.report.failures
    return tmp_path / "out", job


def notices(job: Job) -> str:
    """All notices of a job, one per line."""
    return "\n".join(job.report.as_dict()["notices"])


def failures(files: Files, tmp_path: Path) -> tuple[dict[str, str], Job]:
    """A run over these files: ({file: why it failed}, the job)."""
    job = augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1)
    return {row["file"]: row["reason"] for row in job.report.failures}, job


def found_splits(tmp_path: Path, files: Files) -> dict[str, str | None]:
    """The split of each image of a set."""
    found = gathered(write(tmp_path / "in", files))
    return {source.path: source.split for source in (*found.sources, *found.holdout)}
