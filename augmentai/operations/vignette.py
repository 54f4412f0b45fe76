"""The operation `vignette`: corners darker than the middle, as by many lenses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from augmentai.operations.base import DrawSettings
from augmentai.operations.overlay import for_channels, in_strips
from augmentai.operations.parameters import Range, parameter
from augmentai.operations.pixels import PixelOperation, Values

if TYPE_CHECKING:
    from augmentai.annotations import Labels

_MAX_SHIFT = 0.15  # of each side: how far the brightest point is from the middle


@dataclass(frozen=True)
class Vignette(PixelOperation):
    """Darkens the image towards its corners, with the square of the distance.

    Attributes:
        amount: the share of the value that the corners lose, drawn from this range.

    Example:
        >>> Vignette(amount=0.5).as_step()
        {'vignette': {'amount': [0.5, 0.5]}}
    """

    name = "vignette"
    title = "Vignette"
    blurb = "darker corners"
    neutral = MappingProxyType({"amount": 0})

    amount: tuple[float, float] = parameter((0.15, 0.5), Range(0, 1), "Share of the value that the corners lose.")

    def draw(
        self, rng: Random, size_wh: tuple[int, int], labels: Labels | None, settings: DrawSettings
    ) -> dict[str, Any] | None:
        amount = rng.uniform(*self.amount)
        center = [0.5 + rng.uniform(-_MAX_SHIFT, _MAX_SHIFT) for _ in range(2)]
        return {"amount": amount, "center": center} if amount else None

    def change(self, values: Values, drawn: Mapping[str, Any]) -> Values:
        height, width = values.shape[:2]
        across = (np.arange(width, dtype=np.float32) + 0.5) / width - drawn["center"][0]
        down = (np.arange(height, dtype=np.float32) + 0.5) / height - drawn["center"][1]
        distance = (across**2)[None, :] + (down**2)[:, None]  # 0.5 from the middle to a corner, squared
        left = 1 - drawn["amount"] * (2 * distance).clip(0, 1)
        for some, rows in in_strips(values):
            some *= for_channels(left[rows], values.shape[2])
        return values
