"""The sample sheet: every source in every donor's style."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from augmentai.gan import sample_sheet
from augmentai.settings import EXAMPLES


def test_every_pair_is_swapped_and_the_diagonal_unchanged(tmp_path: Path) -> None:
    names = ("chelsea.png", "china.jpg", "flower.jpg")
    sample_sheet.main([*(str(EXAMPLES / name) for name in names), "--out", str(tmp_path / "sheet.png")])
    with Image.open(tmp_path / "sheet.png") as opened:
        tiles = np.asarray(opened).reshape(4, 128, 4, 160, 3).swapaxes(1, 2).astype(int)
    for row in range(1, 4):
        for column in range(1, 4):
            moved = float(np.abs(tiles[row, column] - tiles[row, 0]).mean())
            assert moved < 1 if row == column else moved > 5
