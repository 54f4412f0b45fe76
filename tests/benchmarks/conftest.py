"""A set with training and test images whose classes a pretrained network tells apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

SIDE_PX = 48


@pytest.fixture(scope="session")
def shapes_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Discs and squares: 3 of each to train on, 6 to test on."""
    home = tmp_path_factory.mktemp("calibration") / "shapes"
    rng = np.random.default_rng(1)
    for split, count in (("train", 3), ("test", 6)):
        for label in ("disc", "square"):
            folder = home / split / label
            folder.mkdir(parents=True)
            for number in range(count):
                noise = rng.integers(0, 256, (SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
                image = Image.fromarray(noise)
                draw = ImageDraw.Draw(image)
                shape = draw.ellipse if label == "disc" else draw.rectangle
                shape((8, 8, 40, 40), tuple(map(int, rng.integers(0, 256, 3))))
                image.save(folder / f"{number}.png")
    return home
