"""No visitor makes the server open a URL: neither by the page's API nor in place of an upload."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from augmentai.settings import Settings
from tests.support.app_server import serving
from tests.support.image_files import jpeg
from tests.support.other_hosts import another_host
from tests.support.s3_server import BUCKET, S3Server


@pytest.fixture
def url(s3: S3Server, tmp_path: Path) -> Iterator[str]:
    """A server that could reach the store: its process has the credentials."""
    with serving(Settings(), tmp_path / "uploads") as address:
        yield address


def file_of(path: str, **more: Any) -> dict[str, Any]:
    return {"path": path, "orig_name": "a.jpg", "meta": {"_type": "gradio.FileData"}, **more}


def answer(url: str, endpoint: str, data: list[Any]) -> str:
    """All that a call gives back."""
    begun = httpx.post(f"{url}gradio_api/call/{endpoint}", json={"data": data}, timeout=60)
    if begun.status_code != 200:
        return begun.text
    event = begun.json()["event_id"]
    return httpx.get(f"{url}gradio_api/call/{endpoint}/{event}", timeout=60).text


@pytest.mark.parametrize("endpoint", ["augment", "lift"])
def test_a_url_in_place_of_an_upload_is_refused(url: str, s3: S3Server, endpoint: str) -> None:
    from augmentai.storage import open_store

    open_store(f"s3://{BUCKET}/set").put("a.jpg", jpeg())
    open_store("memory://visitors").put("a.jpg", jpeg())
    s3.asked.clear()
    if endpoint == "augment":  # as a call that is served looks
        with httpx.Client() as client:
            (uploaded,) = client.post(f"{url}gradio_api/upload", files={"files": ("a.jpg", jpeg())}).json()
        assert "event: complete" in answer(url, endpoint, [[file_of(uploaded)]])
    received: list[str] = []
    with another_host(received) as other:
        places = [f"s3://{BUCKET}/set/a.jpg", f"s3:/{BUCKET}/set", "memory://visitors", "file:///etc/passwd"]
        files = [file_of(place) for place in [*places, f"{other}/a.jpg"]]
        for file in [*files, file_of("a.jpg", url=places[0]), file_of("a.jpg", url=f"{other}/a.jpg")]:
            given = answer(url, endpoint, [[file]])
            assert "event: complete" not in given, f"{file}: {given}"
    assert s3.asked == []
    assert received == []


def test_text_in_a_list_of_files_names_nothing(url: str, s3: S3Server) -> None:
    for place in (f"s3://{BUCKET}/set", "memory://visitors"):
        assert "event: complete" not in answer(url, "augment", [[place]])
    assert s3.asked == []
