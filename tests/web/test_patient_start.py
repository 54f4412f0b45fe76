"""The page opens on a slow machine too, and what cannot start says so at once."""

from __future__ import annotations

import asyncio
import itertools
import socket
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
import uvicorn
from gradio import http_server
from gradio.exceptions import ServerFailedToStartError

from augmentai.settings import Settings
from augmentai.web.patient_start import start_patiently
from tests.support.app_process import free_port
from tests.support.app_server import serving


async def slow_app(scope: Any, receive: Any, send: Any) -> None:
    """It is busy before it answers."""
    assert scope["type"] == "lifespan"
    await receive()
    await asyncio.sleep(0.3)
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """To Gradio, the five seconds that it waits are over at once."""
    clock = itertools.count(0, 10)
    monkeypatch.setattr(http_server, "time", SimpleNamespace(time=lambda: next(clock), sleep=time.sleep))


def server(port: int) -> http_server.Server:
    start_patiently()
    return http_server.Server(uvicorn.Config(slow_app, "127.0.0.1", port, log_level="critical", lifespan="on"))


def test_a_server_that_starts_slowly_is_waited_for(hasty: None) -> None:
    slow = server(free_port())
    slow.run_in_thread()
    assert slow.started
    slow.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_port_that_is_taken_is_reported(hasty: None) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ServerFailedToStartError):
            server(taken.getsockname()[1]).run_in_thread()


def test_a_first_page_that_takes_long_does_not_end_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradio.networking.url_ok", lambda url: False)
    with serving(Settings(), tmp_path) as url:
        assert requests.get(url, timeout=60).ok
