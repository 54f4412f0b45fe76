"""Whatever a call gives for a keyword, it is answered in words or by a result, and never by a defect."""

from __future__ import annotations

import io
import json
import os
import threading
from collections.abc import Iterator

import pytest
import requests
from PIL import Image

from augmentai.recipe.fields import api_fields
from augmentai.settings import Settings
from augmentai.web import server
from tests.support.app_server import serving
from tests.support.scripted_engine import Copying

VALUES = [
    "null",
    "true",
    '""',
    "[]",
    "{}",
    "[[1]]",
    "-1",
    "1e308",
    "NaN",
    "-Infinity",
    "1" + "0" * 5000,
    '"' + "9" * 5000 + '"',
    '"\\u0000"',
    '"\\ud800"',
    '"<script>alert(1)</script>"',
    '"../../etc/passwd"',
    '"=cmd()"',
    '{"__type__": "update"}',
    '{"path": "/etc/passwd"}',
    '["x", null, 1]',
]
KINDS = {"strength", "variations", "prompt", "mirror", "operations"}  # one of each kind


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "available", lambda settings: [Copying()])
        with serving(Settings(), tmp_path_factory.mktemp("gradio")) as address:
            yield address


@pytest.fixture(scope="module")
def file(url: str) -> str:
    data = io.BytesIO()
    Image.effect_noise((32, 24), 60).save(data, "PNG")
    photo = {"files": ("a.png", data.getvalue())}
    path = requests.post(url + "gradio_api/upload", files=photo, timeout=30).json()[0]
    return json.dumps({"path": path, "meta": {"_type": "gradio.FileData"}})


def answer(url: str, body: str) -> str:
    headers = {"content-type": "application/json"}
    called = requests.post(url + "gradio_api/call/v2/augment", data=body, headers=headers, timeout=60)
    if not called.ok:
        assert called.status_code < 500, called.text
        return str(called.json()["detail"])
    event = called.json()["event_id"]
    text = requests.get(f"{url}gradio_api/call/augment/{event}", timeout=60).text
    if "event: complete" in text:
        return "made"
    return str(json.loads(text.split("event: error\ndata: ")[1].split("\n")[0])["error"] or "")


@pytest.mark.parametrize("keyword", [field.name for field in api_fields() if field.name in KINDS])
def test_strange_values(url: str, file: str, keyword: str, caplog: pytest.LogCaptureFixture) -> None:
    for value in VALUES:
        words = answer(url, f'{{"files": [{file}], "{keyword}": {value}}}')
        assert len(words) >= 4, (keyword, value[:40], words)
        assert "/gradio" not in words
        assert "Traceback" not in words
    assert "a call failed" not in caplog.text
    assert "alert(1)" not in caplog.text


@pytest.mark.parametrize(
    ("operations", "words"),
    [
        ('["crop(scale=0.5..1)", "flip"]', "made"),
        ('[{"crop": {"scale": [0.5, 1], "probability": 0.5}}, "flip(probability=1)"]', "made"),
        ('"crop(scale=0.5..1), rotate(degrees=15)"', "made"),
        ('["camera"]', "made"),
        ('["crop(scale=0.5..3)"]', "operations: operation crop: scale is [0.5, 3.0]; expected a number from 0.04 to 1"),
        ('[{"crop": {"size": 1}}]', "operations: operation crop has no parameter size; it has probability, scale"),
        ('["camera(probability=1)"]', "operations: the bundle camera has no parameters"),
    ],
)
def test_operations_in_every_form(url: str, file: str, operations: str, words: str) -> None:
    assert answer(url, f'{{"files": [{file}], "operations": {operations}}}').startswith(words)


def test_jobs_and_page_loads_leave_nothing_open(url: str, file: str) -> None:
    """Files, connections and threads of a server that lives for weeks."""

    def used() -> tuple[int, int]:
        return len(os.listdir("/proc/self/fd")), threading.active_count()

    def visits(count: int) -> tuple[int, int]:
        for _ in range(count):
            assert answer(url, f'{{"files": [{file}]}}') == "made"
            assert requests.get(url, headers={"Connection": "close"}, timeout=30).ok
        return used()

    before, after = visits(6), visits(12)
    assert after[0] <= before[0] + 4, "files"
    assert after[1] <= before[1] + 4, "threads"
