"""A job as the page and the API see it, without a server: every kind of image, and what is left behind."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import pytest
from PIL import Image

from augmentai.dataset.writers.base import OutputError
from augmentai.engines.base import JobView, Made, Refused, Task
from augmentai.images.preview import distance
from augmentai.recipe import OUTPUT_FORMATS, Recipe
from augmentai.settings import EXAMPLES, Settings
from augmentai.web.jobs.previews import PREVIEW_SIDE_PX
from augmentai.web.jobs.run import JobRequest, read_uploads, run_job
from augmentai.web.jobs.snapshot import Snapshot
from tests.support.image_gallery import KINDS
from tests.support.scripted_engine import Copying


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.02)


def snapshots(files: list[Path], folder: Path, recipe: Recipe, keep_full: bool = True) -> list[Snapshot]:
    job = JobRequest(read_uploads([str(f) for f in files], Settings()), recipe, keep_full)
    return list(run_job(job, Settings(), [Copying()], folder, Event()))


@pytest.mark.parametrize("output_format", OUTPUT_FORMATS)
@pytest.mark.parametrize("keep_full", [True, False])
def test_every_kind_of_image_in_every_format(tmp_path: Path, output_format: str, keep_full: bool) -> None:
    files = []
    for kind in KINDS:
        files.append(tmp_path / "in" / kind.name)
        files[-1].parent.mkdir(exist_ok=True)
        files[-1].write_bytes(kind.make())
    last = snapshots(files, tmp_path / "out", Recipe(seed=1, output_format=output_format, filters=False), keep_full)[-1]
    assert last.result is not None
    assert last.result.report["variations"] == len(files), last.failures
    shown = [path for path, _ in last.images] if keep_full else [row.preview for row in last.rows]
    assert len(shown) == len(files)
    for path in shown:
        with Image.open(path) as opened:
            opened.load()
            assert keep_full or max(opened.size) <= PREVIEW_SIDE_PX


@pytest.mark.parametrize("geometry", ["flip", "strong"])
def test_the_source_preview_is_aligned_with_its_variation(tmp_path: Path, geometry: str) -> None:
    recipe = Recipe(seed=1, variations=6, geometry=geometry, filters=False)
    rows = snapshots([EXAMPLES / "chelsea.png", EXAMPLES / "china.jpg"], tmp_path, recipe, keep_full=False)[-1].rows
    moved = [row for row in rows if row.geometry is not None]
    assert len(rows) == 12
    assert 0 < len(moved) <= 12
    assert max(row.changed for row in rows) < 0.02, "the engine changed nothing, so no change is reported"
    assert len({row.source_preview for row in moved}) == len(moved)
    for row in moved:
        with Image.open(row.source_preview) as before, Image.open(row.preview) as after:
            assert before.size == after.size
            assert distance(before, after) < 0.02
    for row in moved if geometry == "flip" else ():
        plain = next(other.source_preview for other in rows if other.source == row.source and other.geometry is None)
        with Image.open(plain) as before, Image.open(row.preview) as after:
            assert distance(before, after) > 0.04, "unaligned it would have been reported as a large change"


def test_the_source_preview_is_aligned_also_where_operations_moved_the_variation(tmp_path: Path) -> None:
    asked = Recipe(seed=1, variations=2, geometry="strong", filters=False, operations=["crop", "rotate"])
    rows = snapshots([EXAMPLES / "chelsea.png"], tmp_path, asked, keep_full=False)[-1].rows
    assert len({row.source_preview for row in rows}) == 2
    for row in rows:
        with Image.open(row.source_preview) as before, Image.open(row.preview) as after:
            assert distance(before, after) < 0.03


@pytest.mark.parametrize("size_wh", [(4000, 8), (8, 5000), (8, 8)])
def test_a_sliver_is_aligned_and_shown(tmp_path: Path, size_wh: tuple[int, int]) -> None:
    """Its preview is one pixel high, which must not end the job."""
    Image.linear_gradient("L").resize(size_wh).convert("RGB").save(tmp_path / "a.png")
    recipe = Recipe(seed=1, variations=3, geometry="strong", filters=False)
    last = snapshots([tmp_path / "a.png"], tmp_path / "out", recipe, keep_full=False)[-1]
    assert len(last.rows) == 3, last.failures
    assert all(Path(row.source_preview).is_file() and row.geometry for row in last.rows)


def test_an_abandoned_job_leaves_nothing(tmp_path: Path) -> None:
    photo = tmp_path / "a.png"
    Image.new("RGB", (32, 32), "teal").save(photo)
    stop = Event()
    request = JobRequest(read_uploads([str(photo)], Settings()), Recipe(variations=16))
    job = run_job(request, Settings(), [Copying(pause=0.1)], tmp_path / "out", stop)
    while not any((tmp_path / "out").rglob("*.png")):
        next(job)
    job.close()
    assert stop.is_set()
    wait_until(lambda: not _files_under(tmp_path / "out"))


def _files_under(folder: Path) -> list[str]:
    """os.walk, since folders may vanish while they are listed."""
    return [name for _, _, files in os.walk(folder) for name in files]


def test_a_job_that_is_stopped_while_queued_makes_nothing(tmp_path: Path) -> None:
    photo = tmp_path / "a.png"
    Image.new("RGB", (32, 32), "teal").save(photo)
    stop = Event()
    stop.set()
    job = JobRequest(read_uploads([str(photo)], Settings()), Recipe())
    last = list(run_job(job, Settings(), [Copying()], tmp_path / "out", stop))[-1]
    assert last.result is not None
    assert last.result.report["stopped"]
    assert last.result.report["variations"] == 0


def test_an_unwritable_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file where a folder should be")
    with pytest.raises(OutputError, match="cannot write to its results folder"):
        snapshots([tmp_path / "a.png"], tmp_path / "out", Recipe())


def test_leaving_during_a_long_step_returns_at_once(tmp_path: Path) -> None:
    """The engine is stuck in one image; its reader gets a heartbeat, and may leave at any moment."""
    photo, release = tmp_path / "a.png", Event()
    Image.new("RGB", (32, 32), "teal").save(photo)

    class Stuck(Copying):
        def make(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
            release.wait(30)
            yield from super().make(tasks, job)

    request, stop = JobRequest(read_uploads([str(photo)], Settings()), Recipe()), Event()
    job = run_job(request, Settings(), [Stuck()], tmp_path / "out", stop)
    heartbeats = [next(job) for _ in range(5)]
    assert heartbeats[-1].done == 0
    job.close()  # returns, though the engine does not
    assert stop.is_set()
    assert not release.is_set()
    assert [path for path in (tmp_path / "out").iterdir() if any(path.iterdir())]
    release.set()
    wait_until(lambda: not _files_under(tmp_path / "out"))


def test_later_variations_of_a_source_continue_the_numbering(tmp_path: Path) -> None:
    photo = tmp_path / "a.png"
    Image.new("RGB", (32, 32), "teal").save(photo)
    request = JobRequest(read_uploads([str(photo)], Settings()), Recipe(variations=2), keep_full=False, first_index=5)
    job = run_job(request, Settings(), [Copying()], tmp_path / "out", Event())
    rows = list(job)[-1].rows
    assert [row.file for row in rows] == ["a__v5.png", "a__v6.png"]
