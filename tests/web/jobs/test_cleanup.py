"""What is deleted when it has expired, and what is never touched."""

# ruff: noqa: F811 (fixtures come in by import)

from __future__ import annotations

import os
import time
from pathlib import Path

import gradio as gr
import pytest
import requests
from gradio.data_classes import PredictBody
from gradio.queueing import Event, EventQueue
from gradio_client import Client, handle_file
from PIL import Image

from augmentai.settings import Settings
from augmentai.web.jobs.cleanup import JOBS_FOLDER, PAID_JOBS, Janitor, Lease, private_folder, sweep, waiting_files
from tests.support.app_server import serving
from tests.support.emulator_fixture import Emulator, emulator, emulator_process  # noqa: F401
from tests.support.hosted_job import plain_photos, settings_for

UPLOAD = "ab" * 32


def aged(path: Path, hours: float) -> Path:
    """A file, last written that long ago like its folders up to "box"."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    then = time.time() - hours * 3600
    for place in (path, *path.parents):
        if place.name == "box" or "box" not in place.parts:
            break
        os.utime(place, (then, then))
    os.utime(path, (then, then))
    return path


def test_old_uploads_jobs_and_stubs_go(tmp_path: Path) -> None:
    box = tmp_path / "box"
    old = [
        aged(box / UPLOAD / "photo.jpg", 3),
        aged(box / JOBS_FOLDER / ("1" * 32) / "00001" / "preview.jpeg", 3),
        aged(box / "tmpab12_x9z", 3),
        aged(box / "tmpab12_x9y.zip", 3),
    ]
    new = [
        aged(box / ("cd" * 32) / "photo.jpg", 1),
        aged(box / JOBS_FOLDER / ("2" * 32) / "00001" / "preview.jpeg", 1),
        aged(box / "tmpab12_x9w", 1),
    ]
    assert sweep(box, keep_hours=2) == 4
    assert not any(path.exists() for path in old)
    assert not (box / UPLOAD).exists()
    assert all(path.exists() for path in new)


def test_a_job_that_still_works_is_kept(tmp_path: Path) -> None:
    box = tmp_path / "box"
    first = aged(box / JOBS_FOLDER / ("1" * 32) / "00001" / "preview.jpeg", 3)
    latest = aged(first.parent.parent / "00002" / "preview.jpeg", 0.1)
    os.utime(first.parent.parent, (time.time() - 3 * 3600,) * 2)
    assert sweep(box, keep_hours=2) == 0
    assert first.exists()
    assert latest.exists()


def test_files_of_calls_in_the_queue_and_at_work_are_needed() -> None:
    def call(name: str) -> Event:
        event = Event("session", page.fns[0], gr.Request(), None)
        event.data = PredictBody(data=[[{"rel": "a", "file": {"path": name}}], "auto"], session_hash="session")
        return event

    with gr.Blocks() as page:
        gr.Button().click(print)
    page.queue()
    page._queue.event_queue_per_concurrency_id["jobs"] = EventQueue("jobs", 1)
    page._queue.event_queue_per_concurrency_id["jobs"].queue.append(call("waits.png"))
    page._queue.active_jobs = [None, [call("works.png")]]
    assert {"waits.png", "works.png"} < set(waiting_files(page))


def test_other_files_are_never_deleted(tmp_path: Path) -> None:
    box = tmp_path / "box"
    others = [aged(box / "thesis" / "chapter.txt", 999), aged(box / "data.csv", 999), aged(box / "tmp.txt", 999)]
    assert sweep(box, keep_hours=1) == 0
    assert all(path.exists() for path in others)


def test_links_are_never_followed(tmp_path: Path) -> None:
    box, outside = tmp_path / "box", tmp_path / "precious"
    kept = aged(outside / "photo.jpg", 999)
    box.mkdir()
    (box / UPLOAD).symlink_to(outside)
    os.utime(box / UPLOAD, (0, 0), follow_symlinks=False)
    assert sweep(box, keep_hours=1) == 1
    assert kept.exists()


def test_a_missing_folder_is_not_an_error(tmp_path: Path) -> None:
    assert sweep(tmp_path / "nowhere", 1) == 0


def test_the_janitor_sweeps_in_the_background(tmp_path: Path) -> None:
    old = aged(tmp_path / "box" / UPLOAD / "photo.jpg", 3)
    janitor = Janitor(tmp_path / "box", keep_hours=1).start()
    deadline = time.monotonic() + 20
    while old.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    janitor.stop()
    assert not old.exists()


def test_an_upload_that_a_job_reads_is_kept(tmp_path: Path) -> None:
    box = tmp_path / "box"
    upload, example = aged(box / UPLOAD / "photo.jpg", 3), aged(tmp_path / "examples" / "photo.jpg", 3)
    before = example.stat().st_mtime
    Lease(box, 2, [str(upload), str(example), str(box / "gone")]).renew()
    assert sweep(box, keep_hours=2) == 0
    assert example.stat().st_mtime == before


def test_what_a_job_paid_for_goes_when_it_has_expired(tmp_path: Path) -> None:
    box = tmp_path / "box"
    old = aged(box / PAID_JOBS / ("a" * 32) / ("1" * 32) / "credits.jsonl", 3)
    new = aged(box / PAID_JOBS / ("b" * 32) / ("2" * 32) / "credits.jsonl", 1)
    assert sweep(box, keep_hours=2) == 1
    assert not old.parent.parent.exists()
    assert new.exists()


def test_nothing_goes_that_a_job_at_work_or_in_the_queue_needs(tmp_path: Path, emulator: Emulator) -> None:
    """Two servers share the folder; the jobs take longer than anything is kept."""
    keep_hours = 2 / 3600
    emulator.control(latency=0.5)
    settings = settings_for(emulator, stability_concurrency=1, keep_hours=keep_hours, state=tmp_path / "state")
    cache, photos = tmp_path / "gradio", plain_photos(tmp_path)
    with serving(settings, cache) as url:
        other = Janitor(cache, keep_hours).start()
        calls = []
        for _ in range(2):
            client = Client(url, verbose=False, download_files=False)
            keywords = {"variations": 2, "filters": False, "engine": "stability"}
            calls.append(client.submit(files=[handle_file(photo) for photo in photos], **keywords, api_name="/augment"))
        reports = [call.result(60)[2] for call in calls]
        other.stop()
    assert [(report["variations"], report["failures"]) for report in reports] == [(6, []), (6, [])]


def test_our_folder_is_closed_to_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delenv("GRADIO_TEMP_DIR", raising=False)
    folder = private_folder()
    assert folder.parent == tmp_path
    assert folder.stat().st_mode & 0o077 == 0
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "named"))
    assert private_folder() == tmp_path / "named"


def test_nothing_is_left_of_an_expired_job(tmp_path: Path) -> None:
    """Against a real server: uploads, results, the ZIP, previews, and the stubs that Gradio writes and forgets."""
    Image.new("RGB", (48, 32), "teal").save(tmp_path / "a.png")
    cache = tmp_path / "gradio"
    with serving(Settings(), cache) as url:
        client = Client(url, verbose=False, download_files=False)
        report = client.predict(files=[handle_file(tmp_path / "a.png")], variations=2, api_name="/augment")[2]
        assert report["variations"] == 2
        sweep(cache, keep_hours=1)
        files = [path for path in cache.rglob("*") if path.is_file()]
        assert len(files) >= 4, "they have not expired"
        for path in cache.rglob("*"):
            os.utime(path, (time.time() - 2 * 3600,) * 2)
        sweep(cache, keep_hours=1)
        assert [path for path in cache.rglob("*") if path.is_file()] == []
        assert requests.get(url, timeout=30).ok
