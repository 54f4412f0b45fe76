"""Images on which an operation's effect can be measured, and the operation applied to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from augmentai.operations import Operation, apply_operations

SIZE_WH = (240, 160)


def flat(level: int = 110, size_wh: tuple[int, int] = SIZE_WH, mode: str = "RGB") -> Image.Image:
    """One grey all over."""
    return Image.new(mode, size_wh, (level,) * 3 if mode == "RGB" else level)


def stripes(low: int = 40, high: int = 200, size_wh: tuple[int, int] = SIZE_WH) -> Image.Image:
    """Upright stripes, eight pixels wide, alike in every row."""
    row = np.where(np.arange(size_wh[0]) // 8 % 2, high, low).astype(np.uint8)
    return Image.fromarray(np.repeat(np.tile(row, (size_wh[1], 1))[..., None], 3, axis=2))


def changed(operation: Operation, image: Image.Image, drawn: Mapping[str, Any]) -> Any:
    """The values after what was drawn, as floating point numbers."""
    return np.asarray(operation.apply(image, None, drawn)[0]).astype(float)


def drawn_by(operation: Operation, image: Image.Image, seed: int = 3) -> dict[str, Any]:
    """What an operation drew for an image."""
    record: dict[str, Any] = apply_operations(image, None, [operation], seed).details["operations"][0]["drawn"]
    return record
