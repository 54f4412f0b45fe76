"""Bounds of what one visitor can send: names, headers, fields, files, stalled bodies."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
import requests

from augmentai.settings import EXAMPLES, Settings
from augmentai.system import free_space
from augmentai.web.access import slow_connections, uploads
from tests.support.app_server import serving


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gradio")


@pytest.fixture(scope="module")
def url(cache: Path) -> Iterator[str]:
    settings = Settings(proxies=1, visitor_files_per_hour=20, visitor_jobs=2, jobs_at_once=1)
    with serving(settings, cache) as address:
        yield address


def post(url: str, route: str, body: object, visitor: str = "1.0.0.1", **headers: str) -> requests.Response:
    forwarded = {"X-Forwarded-For": visitor} | headers
    return requests.post(f"{url}gradio_api/{route}", json=body, headers=forwarded, timeout=60)


def detail(answer: requests.Response, status: int) -> str:
    assert answer.status_code == status, answer.text[:300]
    return str(answer.json()["detail"])


@pytest.mark.parametrize("name", ["session_hash", "event_id"])
@pytest.mark.parametrize("route", ["queue/join", "run/predict", "call/augment", "cancel", "reset"])
def test_long_names_are_refused(url: str, name: str, route: str) -> None:
    answer = post(url, route, {"data": [], "fn_index": 0, name: "x" * 129})
    assert detail(answer, 400) == f"{name} is longer than 128 characters."


@pytest.mark.parametrize("route", ["queue/data?session_hash=", "heartbeat/"])
def test_long_session_names_in_addresses_are_refused(url: str, route: str) -> None:
    answer = requests.get(f"{url}gradio_api/{route}{'x' * 129}", timeout=30)
    assert "longer than 128 characters" in detail(answer, 400)


def test_long_addresses_and_headers_are_refused(url: str) -> None:
    assert "too long" in detail(requests.get(url + "x" * 4_200, timeout=30), 414)
    assert "too long" in detail(requests.get(f"{url}?{'x' * 4_200}", timeout=30), 414)
    assert "too large" in detail(requests.get(url, headers={"X-Large": "x" * 40_000}, timeout=30), 431)
    many = {f"X-{number}": "x" for number in range(120)}
    assert "too large" in detail(requests.get(url, headers=many, timeout=30), 431)


@pytest.mark.parametrize(
    "address", ["http://192.0.2.1/x", "https://192.0.2.1/x", "HTTP://192.0.2.1/x", "http:/192.0.2.1"]
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_files_of_other_servers_are_not_fetched(url: str, address: str, method: str) -> None:
    answer = requests.request(method, f"{url}gradio_api/file={address}", timeout=10)
    assert answer.status_code == 403
    assert method == "HEAD" or "not fetched" in answer.json()["detail"]


@pytest.mark.parametrize("route", ["queue/join", "run/predict", "call/augment"])
def test_a_call_that_names_very_many_files_is_refused(url: str, cache: Path, route: str) -> None:
    one = {"path": str(cache / "a.jpg"), "meta": {"_type": "gradio.FileData"}}
    answer = post(url, route, {"data": [[{"rel": "a.jpg", "file": one}] * 10_001], "fn_index": 0})
    assert detail(answer, 413) == (
        "The request names 10,001 files; at most 10,000 are accepted at once (5 times AUGMENTAI_MAX_FILES). "
        "Upload a ZIP instead."
    )


def test_a_large_field_of_an_upload_is_refused(url: str) -> None:
    form = {"files": ("a.png", b"x"), "note": (None, b"x" * 70_000)}
    answer = requests.post(url + "gradio_api/upload", files=form, timeout=30)
    assert "Only files are accepted" in detail(answer, 413)
    many = [("note", (None, b"")) for _ in range(70_000)]
    assert requests.post(url + "gradio_api/upload", files=many, timeout=60).status_code in (400, 413)
    small = {"files": ("a.png", b"x" * 100_000), "note": (None, b"x" * 100)}
    assert requests.post(url + "gradio_api/upload", files=small, timeout=30).ok


def test_files_are_counted_by_visitor(url: str, cache: Path) -> None:
    def upload(count: int, visitor: str) -> requests.Response:
        files = [("files", (f"{visitor} {number}.png", f"{visitor} {number}".encode())) for number in range(count)]
        return requests.post(url + "gradio_api/upload", files=files, headers={"X-Forwarded-For": visitor}, timeout=30)

    assert upload(15, "2.0.0.1").ok
    assert "upload limit of 20 files per hour is reached. Try again in" in detail(upload(6, "2.0.0.1"), 429)
    assert len(list(cache.rglob("2.0.0.1 *.png"))) == 15, "nothing of a refused upload is stored"
    assert "exceeds the limit of 20 files per hour" in detail(upload(21, "2.0.0.1"), 429)
    assert upload(5, "2.0.0.1").ok, "what was refused does not count"
    assert upload(20, "2.0.0.2").ok, "another visitor"


@pytest.mark.parametrize("how", ["too many files", "a large field", "no end", "torn"])
def test_a_failed_upload_leaves_nothing_behind(url: str, cache: Path, how: str) -> None:
    before = set(cache.rglob("*"))
    start = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
    body = start + b"x" * 100_000
    length = len(body)
    if how == "too many files":
        body = b"\r\n".join([body, *[start] * 30])
    elif how == "a large field":
        body += b'\r\n--b\r\nContent-Disposition: form-data; name="note"\r\n\r\n' + b"x" * 70_000
    elif how == "torn":
        length += 100_000
    head = (
        f"POST /gradio_api/upload HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\n"
        f"Content-Length: {max(length, len(body))}\r\n"
        "X-Forwarded-For: 2.0.1.1\r\nContent-Type: multipart/form-data; boundary=b\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", urlsplit(url).port or 0), timeout=20) as connection:
        connection.sendall(head.encode() + body)
        if how == "torn":
            while set(cache.rglob("*")) == before:
                time.sleep(0.01)
        else:
            connection.recv(4096)
    deadline = time.monotonic() + 20
    while set(cache.rglob("*")) != before:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_malformed_form_is_refused(url: str) -> None:
    headers = {"content-type": "multipart/form-data; boundary=b"}
    answer = requests.post(url + "gradio_api/upload", data=b"--c\r\nnonsense", headers=headers, timeout=30)
    assert answer.status_code == 400


def test_what_is_uploaded_leaves_room_for_a_job(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    free = SimpleNamespace(free=free_space.MIN_FREE_BYTES + 10_000)
    monkeypatch.setattr(free_space, "shutil", SimpleNamespace(disk_usage=lambda folder: free))

    def upload(size_bytes: int) -> requests.Response:
        files = {"files": ("a.png", b"x" * size_bytes)}
        return requests.post(url + "gradio_api/upload", files=files, headers={"X-Forwarded-For": "2.0.0.9"}, timeout=30)

    assert upload(100).ok
    assert "disk is nearly full" in detail(upload(10_000), 507)


@pytest.mark.parametrize("route", ["upload", "call/augment"])
def test_a_stalled_body_is_given_up(url: str, monkeypatch: pytest.MonkeyPatch, route: str) -> None:
    monkeypatch.setattr(uploads, "STALLED_SECONDS", 0.3)
    parts = urlsplit(url)
    head = (
        f"POST /gradio_api/{route} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: 100\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n"
    )
    with socket.create_connection(("127.0.0.1", parts.port or 0), timeout=20) as connection:
        connection.sendall(head.encode())
        received = b""
        while chunk := connection.recv(4096):  # until the server closes
            received += chunk
    assert received.startswith(b"HTTP/1.1 408")


def test_bodies_that_arrive_together_are_counted_one_by_one(url: str) -> None:
    """One job works and two may wait, however many requests were open when the first was counted."""
    photo = {"files": ("a.jpg", (EXAMPLES / "hubble_deep_field.jpg").read_bytes())}
    path = requests.post(url + "gradio_api/upload", files=photo, timeout=30).json()[0]
    data = json.dumps({"files": [{"path": path, "meta": {"_type": "gradio.FileData"}}], "variations": 20}).encode()
    statuses: list[int] = []
    ready = threading.Barrier(12)

    def join() -> None:
        def slowly() -> Iterator[bytes]:
            yield data[:10]
            ready.wait(30)
            yield data[10:]

        headers = {"X-Forwarded-For": "3.0.0.1", "content-type": "application/json"}
        answer = requests.post(url + "gradio_api/call/v2/augment", data=slowly(), headers=headers, timeout=60)
        statuses.append(answer.status_code)

    threads = [threading.Thread(target=join) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) == {200, 429}
    assert 2 <= statuses.count(200) <= 3


def received_until_closed(url: str, sent: Iterable[bytes]) -> bytes:
    """What the server answers to a connection on which so much arrives, until it closes the connection."""
    received = b""
    with socket.create_connection(("127.0.0.1", urlsplit(url).port or 0), timeout=20) as connection:
        with suppress(OSError):
            for part in sent:
                connection.sendall(part)
        with suppress(ConnectionResetError):
            while chunk := connection.recv(4096):
                received += chunk
    return received


def dripping(parts: Iterable[bytes]) -> Iterator[bytes]:
    for part in parts:
        yield part
        time.sleep(0.1)


@pytest.mark.parametrize(
    "sent",
    [
        [],  # a connection on which nothing arrives
        [b"GET / HTTP/1.1\r\nHost:"],  # one that stops in the middle of the headers
        (f"X-{number}: x\r\n".encode() if number else b"GET / HTTP/1.1\r\n" for number in range(50)),  # or never ends
    ],
)
def test_slow_heads_are_given_up(url: str, monkeypatch: pytest.MonkeyPatch, sent: Iterable[bytes]) -> None:
    monkeypatch.setattr(slow_connections, "HEAD_SECONDS", 0.3)
    assert received_until_closed(url, dripping(sent)) == b""


def test_the_second_request_of_a_connection_is_timed_too(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_connections, "HEAD_SECONDS", 0.5)
    netloc = urlsplit(url).netloc
    first = f"GET /gradio_api/app_id HTTP/1.1\r\nHost: {netloc}\r\n\r\n".encode()
    assert received_until_closed(url, dripping([first, *[b"G", b"E", b"T"] * 5])).count(b"HTTP/1.1") == 1


def test_a_dripping_body_is_given_up(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "SLOW_SECONDS", 0.3)
    head = (
        f"POST /gradio_api/call/augment HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\nContent-Length: 100\r\n"
        "Content-Type: application/json\r\n\r\n"
    )
    answer = received_until_closed(url, dripping([head.encode(), *[b" "] * 20]))
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"arrives too slowly" in answer


def test_an_answer_that_takes_long_is_not_cut_off(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_connections, "HEAD_SECONDS", 0.3)
    with requests.get(url + "gradio_api/heartbeat/patient", stream=True, timeout=30) as answer:
        lines = answer.iter_lines()
        assert next(lines)
        time.sleep(0.8)
        assert not answer.raw.closed
