"""Photos to train on."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from augmentai.settings import EXAMPLES


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("chelsea.png", "china.jpg", "coffee.png", "flower.jpg"):
        with Image.open(EXAMPLES / name) as photo:
            for i in range(4):
                photo.convert("RGB").crop((40 * i, 0, 40 * i + 200, 200)).save(folder / f"{Path(name).stem}{i}.png")
    return folder
