"""What the page counts of a finished job: beyond the images that have previews, after failures, after additions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from PIL import Image

from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.web.jobs import run
from augmentai.web.jobs.finished_job import MORE, FinishedJob
from augmentai.web.jobs.run import JobRequest, read_uploads, run_job
from augmentai.web.jobs.snapshot import Snapshot
from augmentai.web.views import finished_view
from tests.support.jobs import Darker

RECIPE = Recipe(seed=1, variations=3, filters=False, geometry="none")


def noise(path: Path, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (40, 40, 3), np.uint8)).save(path)
    return path


def snapshot_of(request: JobRequest, folder: Path, engine: Darker | None = None) -> Snapshot:
    return list(run_job(request, Settings(), [engine or Darker()], folder, Event()))[-1]


def finished(files: list[Path], folder: Path, recipe: Recipe = RECIPE, engine: Darker | None = None) -> FinishedJob:
    request = JobRequest(read_uploads([str(file) for file in files], Settings()), recipe, keep_full=False)
    last = snapshot_of(request, folder, engine)
    assert last.result is not None
    return FinishedJob.of(last.result, last.rows, Settings())


def retried(job: FinishedJob, folder: Path) -> FinishedJob:
    """The job after what is missing was made, as the page does it."""
    sources, names = job.sources_for_rerun(), [one.path for one in job.incomplete_sources()]
    last = snapshot_of(JobRequest(lambda folder, stop: sources, job.plan.recipe, False, 1, job.checkpoint()), folder)
    assert last.result is not None
    assert last.done == last.expected, "the progress ends where it should"
    job.add(last.result, last.rows, names)
    return job


def more_like(job: FinishedJob, number: int, folder: Path) -> FinishedJob:
    row = job.rows[number]
    first, sources = job.next_index(row), job.sources_for_rerun()
    recipe = replace(job.plan.recipe, variations=MORE)
    checkpoint = job.checkpoint_for_more(row, first, MORE)
    last = snapshot_of(JobRequest(lambda folder, stop: sources, recipe, False, first, checkpoint), folder)
    assert last.result is not None
    job.add(last.result, last.rows, [])
    return job


def label(job: FinishedJob, button: str) -> str:
    return str(finished_view(job)[button].value)


def test_variations_without_previews_count_and_can_be_excluded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_MAX_PREVIEWS", 4)
    job = finished([noise(tmp_path / f"{n}.png", n) for n in range(3)], tmp_path / "out")
    assert len(job.rows) == job.report["variations"] == 9
    assert sum(bool(row.preview) for row in job.rows) == 4
    assert job.incomplete_sources() == [], "nothing is offered to be made again"
    last = job.rows[-1]
    assert not last.preview
    assert job.next_index(last) == 4
    job.excluded = {last.file}
    assert job.included == 8
    more_like(job, -1, tmp_path / "more")
    assert (len(job.rows), job.report["variations"]) == (13, 13)
    assert len({row.file for row in job.rows}) == 13
    assert job.incomplete_sources() == []


def test_nothing_is_retried_that_can_never_succeed(tmp_path: Path) -> None:
    """Both fail before any engine is asked."""
    files = [noise(tmp_path / "ds" / "train" / "a.png", 1), noise(tmp_path / "ds" / "train" / "b.png", 2)]
    (tmp_path / "ds" / "train" / "text.jpg").write_text("not an image")
    (tmp_path / "ds" / "train" / "cut.png").write_bytes(files[0].read_bytes()[:200])
    job = finished([tmp_path / "ds" / "train"], tmp_path / "out")
    assert {row["file"] for row in job.report["failures"]} == {"text.jpg", "cut.png"}
    assert job.incomplete_sources() == []
    assert not finished_view(job)["resume"].visible
    before = job.report["headline"]
    assert "2 files incomplete" in before
    more_like(job, 0, tmp_path / "more")
    assert job.report["failed"] == 2, "they are still counted"


def test_a_retry_makes_what_can_be_made_and_counts_the_rest_once(tmp_path: Path) -> None:
    files = [noise(tmp_path / f"{n}.png", n) for n in range(3)]
    (broken := tmp_path / "broken.png").write_bytes(files[0].read_bytes()[:200])

    def fail(number: int) -> None:
        if number == 2:
            raise RuntimeError("out of order")

    job = finished([*files, broken], tmp_path / "out", engine=Darker(fail))
    assert job.report["variations"] < 9
    assert job.report["failed"] == 1 + len(job.incomplete_sources())
    more_like(job, 0, tmp_path / "more")
    added = len(job.rows)
    assert job.incomplete_sources(), "what was added later is no substitute for what failed"
    retried(job, tmp_path / "again")
    assert job.incomplete_sources() == []
    assert len(job.rows) == 9 + MORE > added
    assert job.report["failures"] == [{"file": "broken.png", "reason": job.report["failures"][0]["reason"]}]
    assert job.report["failed"] == 1
    assert len({row.file for row in job.rows}) == len(job.rows)
