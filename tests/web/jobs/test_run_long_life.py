"""Many jobs one after another in one process: handles and temporary files stay as many as after the first."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import psutil

from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.web.jobs.cleanup import JOBS_FOLDER
from augmentai.web.jobs.run import JobRequest, read_uploads, run_job
from augmentai.web.jobs.snapshot import Snapshot
from tests.support.image_files import jpeg
from tests.support.scripted_engine import Copying

JOBS = 10
ENDINGS = ("read", "left", "stopped")  # to its end; by a visitor who goes; by the button


def end_as(ending: str, snapshots: Iterator[Snapshot], stop: Event) -> None:
    for snapshot in snapshots:
        if snapshot.rows and ending == "left":
            snapshots.close()  # type: ignore[attr-defined]
            return
        if snapshot.rows and ending == "stopped":
            stop.set()


def wait_until(true: Callable[[], bool]) -> None:
    """A job that was left ends after its current image."""
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.01)


def handles() -> int:
    """Open files and pipes."""
    process = psutil.Process()
    return process.num_fds() if hasattr(process, "num_fds") else process.num_handles()


def test_nothing_grows_with_the_number_of_jobs(tmp_path: Path) -> None:
    given = tmp_path / "set.zip"
    with zipfile.ZipFile(given, "w") as archive:
        for number in range(3):
            archive.writestr(f"{number}.jpg", jpeg(seed=number))
    out, settings, after = tmp_path / "out", Settings(), []
    for number in range(JOBS):
        stop, readers = Event(), sum(ENDINGS[one % 3] != "left" for one in range(number + 1))
        request = JobRequest(read_uploads([str(given)], settings), Recipe(seed=1, filters=False), keep_full=False)
        end_as(ENDINGS[number % 3], run_job(request, settings, [Copying()], out, stop), stop)
        wait_until(lambda most=readers: len(list((out / JOBS_FOLDER).iterdir())) == most)  # a result for each, no more
        after.append(handles())
    assert after[-1] - after[3] < (JOBS - 4) / 2, "less than one for every other job"
    assert not list(out.rglob("*.part"))
