"""Finished jobs as the page stores them, made without a server."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from augmentai.dataset.manifest import MANIFEST
from augmentai.pipeline.job import Job
from augmentai.settings import Settings
from augmentai.web.jobs.finished_job import FinishedJob
from augmentai.web.jobs.snapshot import JobResult, ResultRow
from tests.support.labelled_sets import LAYOUTS, as_zip, augmented


def row_of(file: str, source: str, sha256: str, index: int, **known: Any) -> ResultRow:
    """A row of which only these are known."""
    return ResultRow(
        **{
            "labels": (),
            "engine": "",
            "model": "",
            "seed": 0,
            "strength": 0.0,
            "prompt": "",
            "style": "",
            "preview": "",
            "source_preview": "",
            "changed": 0.0,
            "size_wh": (0, 0),
            **known,
        },
        file=file,
        source=source,
        sha256=sha256,
        index=index,
    )


def rows_in(zip_path: Path) -> list[ResultRow]:
    """A row for each variation in the manifest of a ZIP."""
    with zipfile.ZipFile(zip_path) as archive:
        lines = [json.loads(line) for line in archive.read(MANIFEST).splitlines()]
    return [
        row_of(line["file"], line["source"], line["source_sha256"], line["index"])
        for line in lines
        if line["index"] and line["file"]
    ]


def stored(job: Job, zip_path: Path, folder: Path, rows: list[ResultRow]) -> FinishedJob:
    """A job that has ended, as its visitor's session has it."""
    return FinishedJob(job.plan, Settings(), folder, [zip_path], rows, job.report.as_dict(), {})


def result_of(job: Job, zip_path: Path) -> JobResult:
    """What a job that has ended hands to the page."""
    return JobResult(job.plan, job.report.as_dict(), zip_path, zip_path.parent, {})


def finished_set(name: str, folder: Path, **recipe: Any) -> FinishedJob:
    """The small labelled set in one format, augmented; its only row is the first variation of one.jpg."""
    zip_path = folder / "1" / "out.zip"
    job = augmented([as_zip(folder / "in.zip", LAYOUTS[name][1])], zip_path, **recipe)
    source = next(s for s in job.gathered.sources if s.path.endswith("one.jpg"))
    return stored(job, zip_path, folder, [row_of("one__v1.jpg", source.path, source.sha256, 1)])


def unpacked(path: Path, to: Path) -> Path:
    """Unpack a ZIP, which must be whole and have no name twice."""
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) == len(set(archive.namelist()))
        archive.extractall(to)
    return to
