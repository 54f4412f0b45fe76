"""Whatever a stranger calls of all that the page can call, nothing of another visitor is read, steered or stopped.

The calls are those of the page's own config, so that a new one is tested as soon as it is there.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from augmentai.settings import Settings
from tests.support.app_server import serving
from tests.support.page_steps import photos
from tests.support.tab import Tab

FILE = "secret-name__v1.png"
EACH = 16  # variations of each image, in the job at work


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(Settings(), tmp_path_factory.mktemp("strangers")) as address:
        yield address


class Config:
    """The page's calls, each with what its inputs hold at the start."""

    def __init__(self, url: str) -> None:
        content = httpx.get(f"{url}config").json()
        self._values = {one["id"]: one["props"].get("value") for one in content["components"]}
        self._types = {one["id"]: one["type"] for one in content["components"]}
        self.calls = [one for one in content["dependencies"] if one["backend_fn"]]

    def data(self, call: dict[str, Any], token: str) -> list[Any]:
        return [token if self._types[one] == "browserstate" else self._values[one] for one in call["inputs"]]


@pytest.fixture(scope="module")
def config(url: str) -> Config:
    return Config(url)


def everything(job: str) -> dict[str, Any]:
    """The data of every event of the page at once, about another visitor's job."""
    return {"job": job, "file": FILE, "files": [FILE], "included": [FILE], "revision": 2**50, "number": 0}


def answers(url: str, call: dict[str, Any], body: dict[str, Any], job: str) -> str:
    """All that a call gives away, be it refused or not."""
    body = {**body, "fn_index": call["id"], "event_data": everything(job)}
    if not call["queue"]:
        return httpx.post(f"{url}gradio_api/run/predict", json=body, params={"job": job}, timeout=60).text
    text = httpx.post(f"{url}gradio_api/queue/join", json=body, params={"job": job}).text
    stream, session = f"{url}gradio_api/queue/data", {"session_hash": body["session_hash"]}
    with suppress(httpx.RemoteProtocolError), httpx.stream("GET", stream, params=session, timeout=60) as lines:
        for line in lines.iter_lines():
            text += line
            if "process_completed" in line or "unexpected_error" in line:
                break
    return text


def leaks(url: str, config: Config, secrets: list[str], job: str, token: str, session: str, queued: bool) -> list[str]:
    """The calls that gave something away. queued: also those whose answers a session waits for."""
    calls = [call for call in config.calls if queued or not call["queue"]]
    assert len(calls) > 30
    found = []
    for call in calls:
        text = answers(url, call, {"data": config.data(call, token), "session_hash": session}, job)
        found += [f"{call['api_name']} ({call['id']}): {secret}" for secret in secrets if secret in text]
    return found


def seen(tab: Tab, job: str) -> dict[str, Any]:
    """What its own visitor sees of a job, but for what says when it was asked for."""
    answer = tab.call("open_job", [tab.token], {"job": job})
    cards = answer["gallery"]["props"].pop("items")
    assert FILE in json.dumps(cards)
    answer["gallery"] = [card["excluded"] for card in cards]
    return answer


def test_no_call_reads_or_changes_a_finished_job(url: str, config: Config, tmp_path: Path) -> None:
    anna, stranger = Tab(url), Tab(url)
    job = anna.make(photos(tmp_path, "secret-name.png"))
    before = seen(anna, job)
    assert leaks(url, config, secrets_of(anna), job, stranger.token, stranger.session, queued=True) == []
    assert seen(anna, job) == before


def test_no_call_reads_or_stops_a_job_at_work(url: str, config: Config, tmp_path: Path) -> None:
    """The stranger has no session, or knows the job's address and passes it off as session and as token."""
    anna, stranger = Tab(url), Tab(url)
    files = photos(tmp_path, *(f"secret-name-{number}.png" for number in range(6)))
    with ThreadPoolExecutor(1) as pool:
        made = pool.submit(anna.made, files, variations=EACH)
        while not (job := latest_job(url, anna)) and not made.done():
            time.sleep(0.05)
        found = []
        for token, session in ((stranger.token, job), (job, stranger.session), ("", "")):
            found += leaks(url, config, secrets_of(anna), job, token, session, queued=False)
        own, shown = made.result()
    assert found == []
    assert own == job
    assert f"{len(files) * EACH} variations" in shown["status"]


def secrets_of(tab: Tab) -> list[str]:
    return ["secret-name", tab.token, tab.session]


def latest_job(url: str, tab: Tab) -> str:
    """The id of the latest job in a visitor's list, as another of their tabs has it; "" before there is one."""
    listed = json.dumps(Tab(url, tab.token).greeting["earlier"])
    return listed.partition('data-job=\\"')[2].partition("\\")[0]
