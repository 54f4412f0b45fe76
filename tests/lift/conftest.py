"""Small sets whose classes differ by shape alone, so that a pretrained network tells them apart from few images."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from augmentai.types import Source

SIDE_PX = 48


def shape_file(label: str, number: int) -> bytes:
    """A disc or a grid in random colours."""
    rng = np.random.default_rng([number, len(label)])
    back, front = (tuple(map(int, colour)) for colour in rng.integers(0, 255, (2, 3)))
    image = Image.new("RGB", (SIDE_PX, SIDE_PX), back)
    draw = ImageDraw.Draw(image)
    x, y = (int(value) for value in rng.integers(4, 14, 2))
    if label == "disc":
        draw.ellipse((x, y, x + 28, y + 28), front)
    else:
        for step in range(0, SIDE_PX, 8):
            draw.line((0, step + x // 4, SIDE_PX, step + x // 4), front, 2)
            draw.line((step + y // 4, 0, step + y // 4, SIDE_PX), front, 2)
    buffer = io.BytesIO()
    noisy = np.asarray(image) + rng.normal(0, 5, (SIDE_PX, SIDE_PX, 3))
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def shapes(count: int, first: int = 0) -> list[Source]:
    """So many images of each of two classes."""
    return [
        Source.from_bytes(f"{label}/{number}.png", shape_file(label, number), label)
        for label in ("disc", "grid")
        for number in range(first, first + count)
    ]


@pytest.fixture
def shapes_folder(tmp_path: Path) -> Path:
    """Class folders with a training and a test split: 4 and 5 of each class."""
    for split, first, count in (("train", 0, 4), ("test", 50, 5)):
        for source in shapes(count, first):
            path = tmp_path / "shapes" / split / source.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(source.read())
    return tmp_path / "shapes"
