"""The operation `downscale`: a camera of fewer pixels, or an object far away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from augmentai.operations.base import DrawSettings
from augmentai.operations.parameters import Range, parameter
from augmentai.operations.pixels import PixelOperation, Values
from augmentai.operations.rescale import rescaled

if TYPE_CHECKING:
    from augmentai.annotations import Labels


@dataclass(frozen=True)
class Downscale(PixelOperation):
    """Reduces the image and enlarges it to its own size again, so that fine detail is lost.

    Attributes:
        scale: the share of the width and height that is left in between, drawn from this range.

    Example:
        >>> Downscale(scale=0.5).as_step()
        {'downscale': {'scale': [0.5, 0.5]}}
    """

    name = "downscale"
    title = "Low resolution"
    blurb = "fine detail is lost"
    neutral = MappingProxyType({"scale": 1})
    mixes = True

    scale: tuple[float, float] = parameter(
        (0.3, 0.8), Range(0.05, 1), "Share of the width and height that is left in between."
    )

    def draw(
        self, rng: Random, size_wh: tuple[int, int], labels: Labels | None, settings: DrawSettings
    ) -> dict[str, Any] | None:
        scale = rng.uniform(*self.scale)
        small = [max(1, round(side * scale)) for side in size_wh]
        return {"small_wh": small} if small != list(size_wh) else None

    def change(self, values: Values, drawn: Mapping[str, Any]) -> Values:
        height, width = values.shape[:2]
        return rescaled(rescaled(values, tuple(drawn["small_wh"]), "box"), (width, height), "bicubic")
