"""The ZIP of what was changed afterwards: packed when it is asked for, with a heartbeat, and never half."""

from __future__ import annotations

import threading
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from augmentai.pipeline import merge as pack
from augmentai.settings import Settings
from augmentai.web.handlers.results import ResultHandlers
from augmentai.web.jobs.session_store import Finished, SessionStore
from tests.web.handlers.test_jobs_sets import finished, unpacked

FILE = "my set/train/one__v1.jpg"


@pytest.fixture
def job(tmp_path: Path) -> Finished:
    made = finished("coco", tmp_path)
    made.rows[0] = replace(made.rows[0], file=FILE, changed=0.0, geometry=None)
    made.classes = {"": 3}
    return made


@pytest.fixture
def after(job: Finished) -> ResultHandlers:
    shelf = SessionStore()
    shelf.put("visitor", job)
    return ResultHandlers(Settings(), shelf)


def zips(job: Finished) -> set[Path]:
    return set(job.place.rglob("*.zip")) | set(job.place.rglob("*.part"))


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.02)


def test_dropping_one_packs_nothing(job: Finished, after: ResultHandlers) -> None:
    before = zips(job)
    shown = after.leave_out([FILE], 1, "visitor")
    assert zips(job) == before
    assert shown["pack"].visible
    assert shown["pack"].value == "Download ZIP (5 images, 1 left out)"
    assert not shown["download"].visible
    shown = after.leave_out([], 2, "visitor")
    assert shown["download"].visible, "taken back: the first ZIP is right again"
    assert job.ready == job.zips[0]


def test_packed_once_for_all_who_ask_again(job: Finished, after: ResultHandlers, tmp_path: Path) -> None:
    after.leave_out([FILE], 1, "visitor")
    assert list(after.pack("visitor"))[-1]["download"].visible
    first = job.ready
    assert first is not None
    assert first.name.endswith("-5-images.zip")
    assert not list(unpacked(first, tmp_path / "out").rglob("one__v1.jpg"))
    list(after.pack("visitor"))
    assert job.ready == first
    after.leave_out([], 2, "visitor")
    after.leave_out([FILE], 3, "visitor")
    assert job.ready == first, "the same was left out before"


def test_a_slow_disk_is_waited_for_with_a_heartbeat(
    job: Finished, after: ResultHandlers, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, real = threading.Event(), pack.open_set
    monkeypatch.setattr(pack, "open_set", lambda *about: (release.wait(20), real(*about)))
    monkeypatch.setattr("augmentai.web.jobs.heartbeat.BEAT_SECONDS", 0.02)
    monkeypatch.setattr("augmentai.web.handlers.results._PAUSE_SECONDS", 0.0)
    after.leave_out([FILE], 1, "visitor")
    packing = after.pack("visitor")
    said = [next(packing)["pack"].value for _ in range(5)]
    assert said[-1] == "Packing the ZIP: 0 of 5"
    release.set()
    assert list(packing)[-1]["download"].visible


def test_whoever_leaves_meanwhile_leaves_nothing_half(
    job: Finished, after: ResultHandlers, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, real = threading.Event(), pack.open_set
    monkeypatch.setattr(pack, "open_set", lambda *about: (release.wait(20), real(*about)))
    after.leave_out([FILE], 1, "visitor")
    before = zips(job)
    packing = after.pack("visitor")
    next(packing)
    packing.close()  # type: ignore[attr-defined]
    release.set()
    wait_until(lambda: not list(job.place.glob("zip-*")))
    assert zips(job) == before
    assert job.ready is None


def test_results_that_are_gone_are_told(job: Finished, after: ResultHandlers) -> None:
    after.leave_out([FILE], 1, "visitor")
    job.zips[0].unlink()
    last = list(after.pack("visitor"))
    assert "could not be packed" in last[-2]["status"]
    assert after.leave_out([], 2, "visitor")["pack"].visible, "the page lives on, and a click tells why"
    assert "no longer kept" in next(iter(after.pack("nobody")))["status"]


def test_a_broken_zip_is_told(job: Finished, after: ResultHandlers) -> None:
    after.leave_out([FILE], 1, "visitor")
    job.zips[0].write_bytes(b"no ZIP")
    assert not zipfile.is_zipfile(job.zips[0])
    assert "could not be packed" in list(after.pack("visitor"))[-2]["status"]
