"""The ZIP of results with exclusions: packed on demand, with a heartbeat, and never left half."""

from __future__ import annotations

import threading
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from augmentai.pipeline import merge
from augmentai.settings import Settings
from augmentai.web.handlers.results import ResultHandlers
from augmentai.web.jobs.finished_job import FinishedJob
from augmentai.web.jobs.session_store import SessionStore
from tests.support.finished_jobs import finished_set, unpacked

FILE = "my set/train/one__v1.jpg"


@pytest.fixture
def job(tmp_path: Path) -> FinishedJob:
    made = finished_set("coco", tmp_path)
    made.rows[0] = replace(made.rows[0], file=FILE, changed=0.0, geometry=None)
    made.classes = {"": 3}
    return made


@pytest.fixture
def results(job: FinishedJob) -> ResultHandlers:
    sessions = SessionStore()
    sessions.put("visitor", job)
    return ResultHandlers(Settings(), sessions)


def zips(job: FinishedJob) -> set[Path]:
    return set(job.folder.rglob("*.zip")) | set(job.folder.rglob("*.part"))


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.02)


def test_excluding_one_packs_nothing(job: FinishedJob, results: ResultHandlers) -> None:
    before = zips(job)
    shown = results.exclude([FILE], 1, "visitor")
    assert zips(job) == before
    assert shown["pack"].visible
    assert shown["pack"].value == "Download ZIP (5 images, 1 excluded)"
    assert not shown["download"].visible
    shown = results.exclude([], 2, "visitor", [FILE])
    assert shown["download"].visible, "included again: the first ZIP is right again"
    assert job.ready_zip == job.zips[0]


def test_packed_once_for_the_same_exclusions(job: FinishedJob, results: ResultHandlers, tmp_path: Path) -> None:
    results.exclude([FILE], 1, "visitor")
    assert list(results.pack("visitor"))[-1]["download"].visible
    first = job.ready_zip
    assert first is not None
    assert first.name.endswith("-5-images.zip")
    assert not list(unpacked(first, tmp_path / "out").rglob("one__v1.jpg"))
    list(results.pack("visitor"))
    assert job.ready_zip == first
    results.exclude([], 2, "visitor", [FILE])
    results.exclude([FILE], 3, "visitor")
    assert job.ready_zip == first, "the same was excluded before"


def test_packing_on_a_slow_disk_has_a_heartbeat(
    job: FinishedJob, results: ResultHandlers, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, real = threading.Event(), merge.copy_originals
    monkeypatch.setattr(merge, "copy_originals", lambda *about: (release.wait(20), real(*about)))
    monkeypatch.setattr("augmentai.web.jobs.heartbeat.HEARTBEAT_SECONDS", 0.02)
    monkeypatch.setattr("augmentai.web.handlers.results._UPDATE_SECONDS", 0.0)
    results.exclude([FILE], 1, "visitor")
    packing = results.pack("visitor")
    said = [next(packing)["pack"].value for _ in range(5)]
    assert said[-1] == "Packing ZIP: 0 of 5"
    release.set()
    assert list(packing)[-1]["download"].visible


def test_leaving_while_it_is_packed_leaves_nothing_half(
    job: FinishedJob, results: ResultHandlers, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, real = threading.Event(), merge.copy_originals
    monkeypatch.setattr(merge, "copy_originals", lambda *about: (release.wait(20), real(*about)))
    results.exclude([FILE], 1, "visitor")
    before = zips(job)
    packing = results.pack("visitor")
    next(packing)
    packing.close()  # type: ignore[attr-defined]
    release.set()
    wait_until(lambda: not list(job.folder.glob("zip-*")))
    assert zips(job) == before
    assert job.ready_zip is None


def test_expired_results_are_reported(job: FinishedJob, results: ResultHandlers) -> None:
    results.exclude([FILE], 1, "visitor")
    job.zips[0].unlink()
    last = list(results.pack("visitor"))
    assert "could not be created" in last[-2]["status"]
    assert results.exclude([], 2, "visitor", [FILE])["pack"].visible, "the page keeps working, and a click says why"
    assert "have expired" in next(iter(results.pack("nobody")))["status"]


def test_a_corrupt_zip_is_reported(job: FinishedJob, results: ResultHandlers) -> None:
    results.exclude([FILE], 1, "visitor")
    job.zips[0].write_bytes(b"no ZIP")
    assert not zipfile.is_zipfile(job.zips[0])
    assert "could not be created" in list(results.pack("visitor"))[-2]["status"]
