"""What a dry run says of a run that was interrupted after it had paid."""

# ruff: noqa: F811 (fixtures come in by import)

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import pytest

from augmentai.cli.console import print_plan
from augmentai.pipeline.run import look_ahead, run_to_disk
from augmentai.settings import Settings
from tests.support.emulator_fixture import Emulator, emulator, emulator_process  # noqa: F401
from tests.support.hosted_job import settings_for
from tests.support.paid_runs import answers_in, cat_photos, job_over


def files_in(folder: Path) -> list[tuple[Path, int]]:
    return sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*"))


def settled_files(folder: Path) -> list[tuple[Path, int]]:
    """The files, once nothing has changed for half a second."""
    found: list[tuple[Path, int]] = []
    while found != (now := files_in(folder)):
        found = now
        time.sleep(0.5)
    return found


@pytest.mark.parametrize("name", ["out", "out.zip"])
def test_the_price_is_that_of_the_rest(
    name: str, tmp_path: Path, emulator: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    photos, out = cat_photos(tmp_path / "photos"), tmp_path / name
    settings: Settings = settings_for(emulator, stability_concurrency=1, credits_per_job=30, state=tmp_path / "state")
    emulator.fault("filtered", times=1)
    with closing(run_to_disk(job_over(photos, settings), out, [photos])) as outcomes:
        for _ in range(3):
            next(outcomes)
    before = settled_files(tmp_path)  # the request in flight at the stop is answered after it
    job = job_over(photos, settings)
    look_ahead(job, out, [photos])
    assert files_in(tmp_path) == before
    capsys.readouterr()
    print_plan(job)
    said = capsys.readouterr().out
    assert "8 variations of 8 images" in said
    assert f"{job.left_to_make} variations left to make" in said
    assert f"{job.ledger.committed():g} credits were spent before" in said
    assert f"up to {5 * job.left_to_buy} credits" in said
    assert f"the limit of {30 - job.ledger.committed():g} credits allows" in said
    assert job.left_to_make == (5 if name == "out" else 8)  # a folder has two images, and one was charged in vain
    assert job.left_to_make - job.left_to_buy == answers_in(out) >= (0 if name == "out" else 2)
