"""Jobs of several visitors on one server: whose turn it is, and what becomes of the jobs of callers who have left."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import requests
from gradio_client import Client, handle_file
from gradio_client.client import Job
from PIL import Image

from augmentai.engines.base import Engine, JobView, Made, Readiness, Refused, Task
from augmentai.settings import Settings
from augmentai.web import server
from augmentai.web.access import job_queue
from tests.support.app_server import serving

FILE_META = {"_type": "gradio.FileData"}
QUEUE_SIZE = 6


class Gated(Engine):
    """Paints nothing while its gate is closed, and notes the sources that it began."""

    name = "gan"
    auto_rank = 0

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.began: list[str] = []

    def readiness(self) -> Readiness:
        return Readiness(True)

    def make(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
        for task in tasks:
            self.began.append(task.source.path.removesuffix(".png"))
            while not self.gate.wait(0.05) and not job.stop.is_set():
                pass
            yield Made(task, self.name, task.photo.rgb, "copy", 0.0)


engine = Gated()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "available", lambda settings: [engine])
        settings = Settings(proxies=1, jobs_at_once=1, visitor_jobs=4, queue_size=QUEUE_SIZE)
        with serving(settings, tmp_path_factory.mktemp("gradio")) as address:
            yield address


@pytest.fixture(autouse=True)
def gate(url: str) -> Iterator[threading.Event]:
    """Closed at the start of each test; nothing waits or works at its end."""
    engine.gate.clear()
    engine.began.clear()
    yield engine.gate
    engine.gate.set()
    until(lambda: waiting(url) == 0)


def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def waiting(url: str) -> int:
    return int(requests.get(url + "gradio_api/queue/status", timeout=30).json()["queue_size"])


class Visitor:
    """Somebody with an address of their own, over gradio_client and over plain HTTP."""

    def __init__(self, url: str, address: str, folder: Path) -> None:
        self.url, self.headers, self.folder = url, {"X-Forwarded-For": address}, folder
        self.streams: list[requests.Response] = []

    @cached_property
    def client(self) -> Client:
        return Client(self.url, verbose=False, headers=self.headers, download_files=False)

    def image(self, name: str) -> Path:
        path = self.folder / f"{name}.png"
        Image.effect_noise((48, 32), 60).convert("RGB").save(path)
        return path

    def submit(self, name: str, first: bool = False) -> Job:
        """A job that waits when this returns; the first of all has begun."""
        before = waiting(self.url)
        job = self.client.submit(files=[handle_file(self.image(name))], api_name="/augment")
        until(lambda: name in engine.began if first else waiting(self.url) > before)
        return job

    def call(self, name: str, read: bool = True) -> requests.Response:
        """A call by HTTP, and somebody who reads its answer."""
        with self.image(name).open("rb") as photo:
            sent = requests.post(
                f"{self.url}gradio_api/upload", files={"files": photo}, headers=self.headers, timeout=30
            )
        body = {"files": [{"path": sent.json()[0], "meta": FILE_META}]}
        called = requests.post(f"{self.url}gradio_api/call/v2/augment", json=body, headers=self.headers, timeout=30)
        if read:
            self.read(called.json()["event_id"])
        return called

    def read(self, event: str) -> requests.Response:
        address = f"{self.url}gradio_api/call/augment/{event}"
        self.streams.append(requests.get(address, headers=self.headers, stream=True, timeout=60))
        return self.streams[-1]

    def leave(self) -> None:
        """Break off whatever is still read."""
        while self.streams:
            self.streams.pop().close()


@pytest.fixture
def visitor(url: str, tmp_path: Path) -> Iterator[Callable[[str], Visitor]]:
    visitors: list[Visitor] = []

    def new(address: str) -> Visitor:
        visitors.append(Visitor(url, address, tmp_path))
        return visitors[-1]

    yield new
    for one in visitors:
        one.leave()


def test_visitors_take_turns(visitor: Callable[[str], Visitor], gate: threading.Event) -> None:
    first, second, third = visitor("1.0.0.1"), visitor("1.0.0.2"), visitor("1.0.0.3")
    jobs = [first.submit("a1", first=True), *(first.submit(name) for name in ("a2", "a3", "a4"))]
    jobs += [second.submit("b1"), second.submit("b2"), third.submit("c1")]
    until(lambda: [job.status().rank for job in jobs[1:]] == [2, 4, 5, 0, 3, 1])  # each sees its true place
    jobs.pop(4).cancel()  # b1
    until(lambda: [job.status().rank for job in jobs[1:]] == [2, 3, 4, 0, 1])
    gate.set()
    for job in jobs:
        assert job.result(60)[2]["variations"] == 1
    assert engine.began == ["a1", "b2", "c1", "a2", "a3", "a4"]


def test_a_full_queue_says_when_to_try_again(visitor: Callable[[str], Visitor]) -> None:
    visitor("2.0.0.1").call("busy")
    until(lambda: "busy" in engine.began)
    for address in ("2.0.0.2", "2.0.0.3"):
        other = visitor(address)
        for number in range(QUEUE_SIZE // 2):
            other.call(f"{address} {number}")
    late = visitor("2.0.0.4")
    refused = late.call("late", read=False)
    assert refused.status_code == 503
    words = rf"The queue is full: {QUEUE_SIZE} calls are waiting. Try again in \d+ seconds."
    assert re.fullmatch(words, refused.json()["detail"])
    assert int(refused.headers["Retry-After"]) >= 5
    with pytest.raises(Exception, match=words):
        late.client.predict(files=[], api_name="/augment")


def test_a_visitor_with_too_many_jobs_is_told_so(visitor: Callable[[str], Visitor]) -> None:
    many = visitor("3.0.0.1")
    many.call("busy")
    until(lambda: "busy" in engine.began)
    for number in range(4):
        many.call(f"a{number}")
    words = r"You already have 4 jobs queued \(limit: 4\). Try again in \d+ seconds or when one has started."
    with pytest.raises(Exception, match=words):
        many.client.predict(files=[], api_name="/augment")
    assert many.call("late", read=False).status_code == 429


@pytest.mark.parametrize(
    "how", ["never read", "torn while it waits", "torn while it works", "cancelled", "cancelled early"]
)
def test_who_has_left_holds_no_turn(
    visitor: Callable[[str], Visitor], how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other visitor's job begins although the first one's would work on for ever."""
    gone, other = visitor("4.0.0.1"), visitor("4.0.0.2")
    if how == "never read":
        monkeypatch.setattr(job_queue, "_UNREAD_SECONDS", 1.0)
        assert gone.call("gone", read=False).ok
    elif how == "torn while it waits":
        busy = visitor("4.0.0.3")
        busy.call("busy")
        until(lambda: "busy" in engine.began)
        gone.call("gone")
        until(lambda: waiting(gone.url) == 1)
        gone.leave()
        until(lambda: waiting(gone.url) == 0)
        busy.leave()
    elif how == "torn while it works":
        gone.call("gone")
        until(lambda: "gone" in engine.began)
        gone.leave()
    elif how == "cancelled":
        gone.submit("gone", first=True).cancel()
    else:  # during the upload: the client joins the queue all the same, and listens
        gone.client.submit(files=[handle_file(gone.image("gone"))], api_name="/augment").cancel()
        until(lambda: "gone" in engine.began or waiting(gone.url))
    other.call("other")
    until(lambda: "other" in engine.began)
    if how == "never read":
        until(lambda: waiting(gone.url) == 0)
        assert "gone" not in engine.began


def test_an_answer_can_be_read_later(visitor: Callable[[str], Visitor], gate: threading.Event) -> None:
    gate.set()
    caller, other = visitor("5.0.0.1"), visitor("5.0.0.2")
    event = caller.call("late", read=False).json()["event_id"]
    other.call("other")
    until(lambda: "other" in engine.began)
    assert "event: complete" in caller.read(event).text
    assert engine.began == ["other", "late"], "the job began when somebody read its answer"


def test_who_reads_too_late_learns_why(visitor: Callable[[str], Visitor], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever joins on a slow machine may begin to read after the job was dropped, and would wait for ever."""
    monkeypatch.setattr(job_queue, "_UNREAD_SECONDS", 0.5)
    slow = visitor("6.0.0.1")
    number = next(one["id"] for one in slow.client.config["dependencies"] if one["api_name"] == "augment")
    call = {"data": [None] * len(slow.client.endpoints[number].parameters_info), "fn_index": number}
    joined = requests.post(
        slow.url + "gradio_api/queue/join", json=call | {"session_hash": "slow"}, headers=slow.headers, timeout=30
    )
    assert joined.ok, joined.text
    until(lambda: waiting(slow.url) == 0)
    read = requests.get(
        slow.url + "gradio_api/queue/data", params={"session_hash": "slow"}, headers=slow.headers, timeout=60
    )
    assert "Its answer was not read for 0.5 seconds. Send it again." in read.text
    assert "close_stream" in read.text
