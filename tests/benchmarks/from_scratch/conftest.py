"""A small labelled set that is easy to learn."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def striped(label: str, number: int) -> bytes:
    """Horizontal stripes for one class, vertical ones for the other, in random colours."""
    rng = np.random.default_rng(number)
    line = (np.arange(64) // (3 + number % 3) % 2)[:, None] * np.ones((1, 64))
    line = line if label == "lying" else line.T
    colours = rng.integers(0, 255, (2, 3))
    pixels = np.where(line[..., None] > 0, colours[0], colours[1]) + rng.normal(0, 6, (64, 64, 3))
    buffer = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def stripes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("lift") / "stripes"
    for part, count in (("train", 8), ("test", 12)):
        for label in ("lying", "standing"):
            folder = root / part / label
            folder.mkdir(parents=True)
            for number in range(count):
                data = striped(label, number + 100 * (part == "test"))
                (folder / f"{number}.png").write_bytes(data)
    return root
