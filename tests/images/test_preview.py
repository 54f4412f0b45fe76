"""Thumbnails: how many are decoded at once."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from PIL import Image

from augmentai.images import preview
from augmentai.settings import EXAMPLES
from tests.support import image_files as makers


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


@pytest.mark.parametrize(
    ("file_format", "kind"),
    [("JPEG", "colour"), ("PNG", "colour"), ("TIFF", "colour"), ("PNG", "deep"), ("TIFF", "deep")],
)
def test_thumbnails_are_upright(file_format: str, kind: str) -> None:
    upright = np.asarray(makers.colours()) if kind == "colour" else makers.deep_values()
    stored = Image.fromarray(makers.stored_turned(upright, 6))
    small = preview.thumbnail(makers.encoded(stored, file_format, exif=makers.exif_with(6)), "a", 10**6, 24)
    assert small.size == (24, 16)
    values = np.asarray(small.convert("L"), float)
    expected = np.asarray(Image.fromarray(upright).convert("L" if kind == "colour" else "F").resize((24, 16)), float)
    assert np.corrcoef(values.ravel(), expected.ravel())[0, 1] > 0.9
