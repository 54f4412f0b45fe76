"""Calls of the API whose caller leaves, or whose server ends, while a paid job is at work."""

# ruff: noqa: F811 (fixtures come in by import)

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client, handle_file

from tests.support.api_client import augment, manifest_of
from tests.support.app_process import app_process
from tests.support.app_server import serving
from tests.support.emulator_fixture import Emulator, emulator, emulator_process  # noqa: F401
from tests.support.hosted_job import KEY, PRICE, plain_photos, settings_for


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    return plain_photos(tmp_path)


def submit(url: str, photos: list[Path], **keywords: Any) -> Any:
    """Begin a call in a session of its own."""
    client = Client(url, verbose=False, download_files=False)
    keywords = {"filters": False, "engine": "stability"} | keywords
    return client.submit(files=[handle_file(photo) for photo in photos], **keywords, api_name="/augment")


def wait_until(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "timed out"
        time.sleep(0.02)


def test_a_visitor_who_leaves_early_again_and_again_spends_no_more_than_the_limit(
    photos: list[Path], tmp_path: Path, emulator: Emulator
) -> None:
    limit = 6 * PRICE
    settings = settings_for(
        emulator, stability_concurrency=4, visitor_credits_per_hour=limit, state=tmp_path / "state", jobs_at_once=2
    )
    emulator.control(latency=1.5)
    with serving(settings, tmp_path / "gradio") as url:
        for variations in (1, 2, 3):  # another request each time, of which nothing is paid for already
            call = submit(url, photos, variations=variations)
            while not (emulator.stats()["in_flight"] or call.done()):
                time.sleep(0.02)
            call.cancel()
        wait_until(lambda: emulator.stats()["in_flight"] == 0)
        assert 0 < emulator.stats()["charged"] <= limit
        emulator.control(latency=0)
        end = time.monotonic() + 30
        while emulator.stats()["charged"] < limit and time.monotonic() < end:  # what was not spent is given back
            submit(url, photos, variations=7, engine="auto").result(60)
        assert emulator.stats()["charged"] == limit


def test_the_same_call_buys_nothing_twice_after_the_server_was_killed(
    photos: list[Path], tmp_path: Path, emulator: Emulator
) -> None:
    environment = {
        "STABILITY_API_KEY": KEY,
        "STABILITY_API_BASE": emulator.url,
        "AUGMENTAI_STABILITY_ENDPOINT": "structure",
        "AUGMENTAI_STABILITY_CONCURRENCY": "1",
        "AUGMENTAI_STATE": str(tmp_path / "state"),
    }
    emulator.control(latency=0.3)
    keywords = {"variations": 3, "filters": False, "engine": "stability"}
    with app_process(tmp_path, **environment) as server:
        submit(server.url, photos, **keywords)
        wait_until(lambda: emulator.stats()["charged"] >= 3 * PRICE)
        server.process.kill()
        server.process.wait(30)
    wait_until(lambda: emulator.stats()["in_flight"] == 0)
    emulator.control(latency=0)
    with app_process(tmp_path, **environment) as server:
        client = Client(server.url, verbose=False, download_files=str(tmp_path / "downloads"))
        _, zip_path, report = augment(client, photos, **keywords)
    assert report["variations"] == 9
    assert report["credits"] == sum(line["credits"] for line in manifest_of(zip_path)) == 9 * PRICE
    assert emulator.stats()["charged"] <= (9 + 1) * PRICE
