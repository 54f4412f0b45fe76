"""Images that do not resemble each other, and frames that do."""

from __future__ import annotations

import numpy as np
from PIL import Image

from tests.support.image_files import encoded

SIZE_WH = (64, 48)


def unlike(seed: int) -> bytes:
    """A JPEG of coarse coloured areas; those of two seeds have nothing in common."""
    return encoded(_areas(seed).resize(SIZE_WH, Image.Resampling.BICUBIC), "JPEG", quality=90)


def frame(clip: int, number: int) -> bytes:
    """A frame of a clip in which the camera moves slowly: each resembles the one before, and the last not the first."""
    left = 2 * number
    wide = _areas(clip, (20, 6)).resize((480, SIZE_WH[1]), Image.Resampling.BICUBIC)
    return encoded(wide.crop((left, 0, left + SIZE_WH[0], SIZE_WH[1])), "JPEG", quality=90)


def _areas(seed: int, cells_wh: tuple[int, int] = (8, 6)) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 255, (cells_wh[1], cells_wh[0], 3), dtype=np.uint8)
    return Image.fromarray(values)
