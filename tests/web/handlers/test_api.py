"""Calls whose caller is gone once a paid job has ended: what was announced and not fetched is not bought again."""

# ruff: noqa: F811 (fixtures come in by import)

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from gradio_client import Client, handle_file

from tests.support.app_server import serving
from tests.support.emulator_fixture import Emulator, emulator, emulator_process  # noqa: F401
from tests.support.hosted_job import PRICE, plain_photos, settings_for


@pytest.fixture(scope="module")
def url(emulator_process: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("api")
    with serving(settings_for(emulator_process, state=folder / "state"), folder / "gradio") as address:
        yield address


def call(url: str, photos: list[Path], downloads: bool | str = False, **keywords: Any) -> tuple[Any, Any, Any]:
    """One call by a client of its own, which fetches nothing unless it is told where to."""
    client = Client(url, verbose=False, download_files=downloads)
    keywords = {"filters": False, "engine": "stability"} | keywords
    return client.predict(files=[handle_file(photo) for photo in photos], **keywords, api_name="/augment")


def address_of(url: str, zip_path: dict[str, Any]) -> str:
    return f"{url}gradio_api/file={zip_path['path']}"


def test_a_result_is_bought_once_until_its_zip_was_fetched(url: str, emulator: Emulator, tmp_path: Path) -> None:
    photos = plain_photos(tmp_path)
    gallery, zip_path, report = call(url, photos)
    assert emulator.stats()["charged"] == report["credits"] == 3 * PRICE
    for image in gallery:  # images alone are not the result
        assert httpx.get(address_of(url, image["image"])).status_code == 200
    assert call(url, photos)[2] == report
    parts = {"head": httpx.head(address_of(url, zip_path)), "range": part_of(url, zip_path, "0-99")}
    assert {name: answer.status_code for name, answer in parts.items()} == {"head": 200, "range": 206}
    begin_and_leave(url, zip_path)
    _, again, repeated = call(url, photos)
    assert (again["path"], repeated) == (zip_path["path"], report)
    assert emulator.stats()["charged"] == 3 * PRICE
    downloaded = call(url, photos, str(tmp_path / "downloads"))  # by the client itself, to the end
    assert Path(downloaded[1]).stat().st_size == int(parts["head"].headers["content-length"])
    assert call(url, photos)[2]["seed"] != report["seed"]
    assert emulator.stats()["charged"] == 6 * PRICE


def part_of(url: str, zip_path: dict[str, Any], part: str) -> httpx.Response:
    return httpx.get(address_of(url, zip_path), headers={"Range": f"bytes={part}"})


def begin_and_leave(url: str, zip_path: dict[str, Any]) -> None:
    """Ask for the ZIP, and leave before it has come."""
    parts = urlsplit(address_of(url, zip_path))
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # as if the cable was cut
        connection.sendall(f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())


def test_a_download_that_broke_off_and_was_continued_counts(url: str, emulator: Emulator, tmp_path: Path) -> None:
    photos = plain_photos(tmp_path)
    _, zip_path, _ = call(url, photos, variations=2)
    assert part_of(url, zip_path, "100-").status_code == 206
    call(url, photos, variations=2)
    assert emulator.stats()["charged"] == 12 * PRICE


def test_a_seed_asks_for_the_same_images(url: str, emulator: Emulator, tmp_path: Path) -> None:
    photos = plain_photos(tmp_path)
    call(url, photos, seed=3)
    call(url, photos, str(tmp_path / "downloads"), seed=3)
    call(url, photos, seed=3)
    assert emulator.stats()["charged"] == 3 * PRICE
    call(url, photos[:2], seed=3)
    assert emulator.stats()["charged"] == 5 * PRICE, "other arguments are another job"
