"""Thumbnails: how many are decoded at once."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from augmentai.images import preview
from augmentai.settings import EXAMPLES


def test_at_most_two_thumbnails_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty visitors drop photos at the same moment: the server does not hold twenty decoded images in memory."""
    inside, most, lock = 0, 0, threading.Lock()
    shrink = preview.shrink

    def counting(*arguments: Any) -> Any:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        threading.Event().wait(0.02)
        small = shrink(*arguments)
        with lock:
            inside -= 1
        return small

    monkeypatch.setattr(preview, "shrink", counting)
    data = (EXAMPLES / "flower.jpg").read_bytes()
    made: list[tuple[int, int]] = []
    threads = [
        threading.Thread(target=lambda: made.append(preview.thumbnail(data, "a.jpg", 10**8, 64).size))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 20
    assert all(max(size) == 64 for size in made)
    assert most == 2
