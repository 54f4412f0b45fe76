"""The end of the server, while visitors have streams open."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from augmentai.settings import Settings
from augmentai.web.access.public import effective_settings
from augmentai.web.server import build_app, close, launch_options


def _first_line_and_end(url: str, opened: threading.Semaphore) -> None:
    """Of the stream that Gradio's pages keep open."""
    with requests.get(f"{url}gradio_api/heartbeat/one", stream=True, timeout=60) as stream:
        lines = stream.iter_lines()
        next(lines)
        opened.release()
        list(lines)


def test_open_streams_end_with_the_server_in_its_own_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ended from another thread, the server would trip over a stream that opens or closes at that moment."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
    settings = effective_settings(Settings())
    page = build_app(settings)
    options = launch_options(settings, page) | {"prevent_thread_lock": True, "quiet": True}
    url = page.launch(**options)[1]
    ended_in: list[threading.Thread] = []
    stop_event = page.app.stop_event
    end = asyncio.Event.set

    def record(event: asyncio.Event) -> None:
        if event is stop_event and not event.is_set():
            ended_in.append(threading.current_thread())
        end(event)

    monkeypatch.setattr(asyncio.Event, "set", record)
    opened = threading.Semaphore(0)
    with ThreadPoolExecutor(4) as pool:
        streams = [pool.submit(_first_line_and_end, url, opened) for _ in range(4)]
        assert all(opened.acquire(timeout=30) for _ in streams)
        page.janitor.stop()
        page.parsing.close()
        close(page)
        for stream in streams:
            assert stream.exception(30) is None or isinstance(stream.exception(), requests.RequestException)
    assert ended_in == [page.server.thread]
