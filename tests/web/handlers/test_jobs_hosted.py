"""The hosted engine through the page's API: a real server and the emulator of the hosted API."""

# ruff: noqa: F811 (fixtures come in by import)

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from gradio_client import Client

from tests.support.api_client import augment, manifest_of
from tests.support.app_server import serving
from tests.support.emulator_fixture import Emulator, emulator, emulator_process  # noqa: F401
from tests.support.hosted_job import KEY, plain_photos, settings_for


@pytest.fixture(scope="module")
def url(emulator_process: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    settings = settings_for(emulator_process, state=tmp_path_factory.mktemp("state"))
    with serving(settings, tmp_path_factory.mktemp("gradio")) as address:
        yield address


@pytest.fixture(scope="module")
def client(url: str, tmp_path_factory: pytest.TempPathFactory) -> Client:
    return Client(url, verbose=False, download_files=str(tmp_path_factory.mktemp("downloads")))


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    return plain_photos(tmp_path)


def test_the_hosted_api_reports_credits(client: Client, emulator: Emulator, photos: list[Path]) -> None:
    _, zip_path, report = augment(client, photos, prompt="a {label} at dawn", variations=2)
    assert report["engines"] == {"stability": 6}
    assert report["credits"] == report["estimated_credits"] == 30
    assert report["fallbacks"] == []
    lines = manifest_of(zip_path)
    assert {(line["engine"], line["width"], line["height"]) for line in lines} == {("stability", 90, 64)}
    assert all(line["prompt"] == "a subject at dawn" for line in lines)
    assert len(emulator.forms()) == 6


@pytest.mark.parametrize(
    ("fault", "times", "words"),
    [
        ("403", 1, "moderation"),
        ("filtered", 1, "filter"),
        ("402", -1, "credits"),
        ("401", -1, "key"),
        ("500", -1, "500"),
    ],
)
def test_what_the_hosted_api_refuses_falls_back_and_is_reported(
    client: Client,
    emulator: Emulator,
    photos: list[Path],
    fault: str,
    times: int,
    words: str,
) -> None:
    emulator.fault(fault, times=times)
    _, zip_path, report = augment(client, photos)
    assert report["variations"] == 3
    assert report["failed"] == 0
    fallen = len(report["fallbacks"])
    assert fallen == (1 if times == 1 else 3)
    assert report["engines"].get("gan") == fallen
    assert all(row["engine"] == "stability" for row in report["fallbacks"])
    assert all(words in row["reason"].lower() for row in report["fallbacks"]), report["fallbacks"]
    fallback_lines = [line for line in manifest_of(zip_path) if line["fallbacks"]]
    assert {line["engine"] for line in fallback_lines} == {"gan"}
    assert len(fallback_lines) == fallen


def test_the_key_is_nowhere(client: Client, url: str, emulator: Emulator, photos: list[Path]) -> None:
    emulator.fault("500", times=-1)
    _, zip_path, report = augment(client, photos)
    assert KEY not in str(report)
    with zipfile.ZipFile(zip_path) as archive:
        assert all(KEY.encode() not in archive.read(name) for name in archive.namelist())
    for place in ("", "config", "gradio_api/info", "gradio_api/openapi.json"):
        answer = requests.get(url + place, timeout=30)
        assert answer.ok, place
        assert KEY not in answer.text
