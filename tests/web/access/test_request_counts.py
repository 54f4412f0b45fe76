"""How many requests, calls and sessions a visitor may use, on a real server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from augmentai.settings import Settings
from tests.support.app_server import serving


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    settings = Settings(
        proxies=1, visitor_requests_per_minute=20, visitor_calls_per_minute=6, visitor_sessions_per_hour=3
    )
    with serving(settings, tmp_path_factory.mktemp("gradio")) as address:
        yield address


def send(url: str, method: str, route: str, visitor: str, session: str = "same") -> requests.Response:
    body = {"data": [], "fn_index": 0, "session_hash": session} if method == "POST" else None
    headers = {"X-Forwarded-For": visitor}
    with requests.request(method, url + route, json=body, headers=headers, timeout=30, stream=True) as answer:
        if answer.status_code == 429:
            assert int(answer.headers["Retry-After"]) > 0
            assert "Try again in" in answer.json()["detail"]
        return answer


def refused_after(url: str, method: str, route: str, visitor: str) -> tuple[int, str]:
    """How many requests are served before the first that is not, and what is said then."""
    for number in range(40):
        answer = send(url, method, route.format(number=number), visitor)
        if answer.status_code == 429:
            return number, answer.headers.get("content-type", "")
    return 40, ""


@pytest.mark.parametrize(
    ("method", "route", "served"),
    [
        ("GET", "gradio_api/file=/nowhere", 20),  # files of results are requests
        ("GET", "config", 20),
        ("GET", "gradio_api/queue/data?session_hash=nobody", 20),
        ("POST", "gradio_api/run/predict", 6),  # inspections, forecasts, saved settings
        ("POST", "gradio_api/cancel", 6),
        ("POST", "gradio_api/call/augment", 6),
        ("GET", "gradio_api/heartbeat/{number}", 3),  # every page has a session
    ],
)
def test_what_a_visitor_sends_is_counted(url: str, method: str, route: str, served: int) -> None:
    visitor = f"1.0.{served}.{len(route)}"
    assert refused_after(url, method, route, visitor)[0] == served
    other = send(url, method, route.format(number="x"), visitor + "1")
    assert other.status_code != 429, "another visitor"


def test_sessions_are_counted_by_name(url: str) -> None:
    statuses = [send(url, "POST", "gradio_api/run/predict", "2.0.0.1", session).status_code for session in "aabbc"]
    assert 429 not in statuses
    assert send(url, "POST", "gradio_api/run/predict", "2.0.0.1", "d").status_code == 429
