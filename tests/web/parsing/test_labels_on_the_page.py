"""Uploads whose labels take more than the server allows: the page keeps answering, and names the file."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from augmentai.settings import EXAMPLES, Settings
from tests.support.app_server import serving

FILE_META = {"_type": "gradio.FileData"}
# 32 MB, little less than a label file may have; four times as much as text, since one character is beyond 16 bits.
LONG = b"0 0.5 0.5 0.1 0.1\n" * 1_780_000 + "\U0001f408\n".encode()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(Settings(proxies=1, parse_mb=100), tmp_path_factory.mktemp("gradio")) as address:
        yield address


def upload(url: str, name: str, data: bytes) -> dict[str, Any]:
    answer = requests.post(url + "gradio_api/upload", files={"files": (name, data)}, timeout=30)
    return {"path": answer.json()[0], "meta": FILE_META}


@pytest.fixture(scope="module")
def photo(url: str) -> dict[str, Any]:
    return upload(url, "a.png", (EXAMPLES / "chelsea.png").read_bytes())


@pytest.fixture(scope="module")
def large(url: str) -> dict[str, Any]:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images/b.png", (EXAMPLES / "chelsea.png").read_bytes())
        archive.writestr("data.yaml", "names: [one]\ntrain: images\n")
        archive.writestr("labels/b.txt", LONG)
    return upload(url, "set.zip", data.getvalue())


def inspect(url: str, files: list[dict[str, Any]], visitor: str = "1.0.0.1") -> Any:
    """What the drop zone says of files."""
    functions = requests.get(url + "config", timeout=30).json()["dependencies"]
    number = next(one["id"] for one in functions if one["api_name"] == "inspect")
    dropped = [{"rel": Path(file["path"]).name, "file": file} for file in files]
    body = {"data": [dropped, "auto"], "fn_index": number, "session_hash": visitor}
    answer = requests.post(url + "gradio_api/run/predict", json=body, headers={"X-Forwarded-For": visitor}, timeout=120)
    assert "object at 0x" not in answer.text
    return answer.json()["data"][0]["props"]["summary"] if answer.ok else answer.json()["error"]


def test_the_file_is_refused_and_the_others_are_inspected(
    url: str, photo: dict[str, Any], large: dict[str, Any]
) -> None:
    summary = inspect(url, [photo, large])
    assert summary["images"] == 1
    assert [row["file"] for row in summary["refused"]] == ["set.zip: labels/b.txt"]
    assert "needs more memory than the server allows (100 MB)" in summary["refused"][0]["reason"]


def test_a_job_says_which_file(url: str, photo: dict[str, Any], large: dict[str, Any]) -> None:
    call = url + "gradio_api/call/v2/augment"
    event = requests.post(call, json={"files": [photo, large]}, timeout=30).json()["event_id"]
    answer = requests.get(f"{url}gradio_api/call/augment/{event}", timeout=120).text
    assert "event: error" in answer
    message = json.loads(answer.split("event: error\ndata: ")[1].split("\n")[0])["error"]
    assert message.startswith("set.zip: labels/b.txt: needs more memory")


def test_the_page_answers_meanwhile(url: str, photo: dict[str, Any], large: dict[str, Any]) -> None:
    with ThreadPoolExecutor(5) as threads:
        calls = [threads.submit(inspect, url, [large]) for _ in range(5)]
        while not all(call.done() for call in calls):
            assert requests.get(url, timeout=30).ok
            time.sleep(0.2)
    words = [
        answer if isinstance(answer, str) else answer["refused"][0]["reason"] for answer in (c.result() for c in calls)
    ]
    assert all("needs more memory" in one or "still being read. Try again" in one for one in words), words
    assert inspect(url, [photo])["images"] == 1


MERGED = "".join(
    f"k{i}: &k{i}\n  <<: [{', '.join([f'*k{i - 1}'] * 9)}]\n" if i else "k0: &k0 {a: 1}\n" for i in range(9)
)


@pytest.mark.parametrize(
    ("recipe", "says"),
    [
        (MERGED, "it has more than 200,000 values, aliases included"),
        ("variations: 1" + "0" * 5000, "a number has more than 300 digits"),
        ("- " * 3000, "it is nested more than 50 levels deep"),
        ("a: &a [*a]", "the alias *a names nothing that was defined before it"),
        ("\x00", "unacceptable character #x0000: control characters are not allowed"),
    ],
    ids=["merge keys", "a number of 5,000 digits", "nesting", "a circle", "not text"],
)
def test_settings_that_cannot_be_read_are_answered_in_words(url: str, recipe: str, says: str) -> None:
    """Also eight at once, and the page answers meanwhile."""
    functions = requests.get(url + "config", timeout=30).json()["dependencies"]
    load = next(one for one in functions if one["api_name"] == "load")
    file = upload(url, "recipe.yaml", recipe.encode())

    def answer(number: int) -> str:
        body = {
            "data": [file, *[None] * (len(load["inputs"]) - 1)],
            "fn_index": load["id"],
            "session_hash": f"s{number}",
        }
        headers = {"X-Forwarded-For": f"1.0.1.{number}"}
        return requests.post(url + "gradio_api/run/predict", json=body, headers=headers, timeout=60).text

    with ThreadPoolExecutor(8) as threads:
        answers = [threads.submit(answer, number) for number in range(8)]
        assert requests.get(url + "gradio_api/app_id", timeout=30).ok
        words = {json.loads(one.result())["data"][-1] for one in answers}
    assert words == {f'<p class="aug-line aug-warn">recipe.yaml is not valid YAML ({says})</p>'}
