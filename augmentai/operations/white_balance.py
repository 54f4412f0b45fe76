"""The operation `white_balance`: light of another colour, or a camera that misjudged it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from augmentai.operations.base import DrawSettings, OperationSkippedError
from augmentai.operations.parameters import Range, parameter
from augmentai.operations.pixels import Values, encoded, linear
from augmentai.operations.tones import ToneOperation

if TYPE_CHECKING:
    from augmentai.annotations import Labels

_LUMA = (0.2126, 0.7152, 0.0722)  # of red, green and blue light (ITU-R BT.709)
_GREY_LEVELS = 2  # of 255, by which the channels of a grey photo may differ
_LOOKED_AT = 128  # rows and columns, for speed


@dataclass(frozen=True)
class WhiteBalance(ToneOperation):
    """Multiplies red, green and blue light by factors that keep the lightness of grey.

    Attributes:
        warmth: in stops between red and blue, drawn from this range; above 0 is warmer.
        tint: in stops between green and the other two, drawn from this range; above 0 is greener.

    Example:
        >>> WhiteBalance(warmth=(-1, 1)).as_step()
        {'white_balance': {'warmth': [-1.0, 1.0]}}
    """

    name = "white_balance"
    title = "White balance"
    blurb = "warmer or colder"
    neutral = MappingProxyType({"warmth": 0, "tint": 0})

    warmth: tuple[float, float] = parameter((-0.6, 0.6), Range(-2, 2), "Stops between red and blue; above 0 is warmer.")
    tint: tuple[float, float] = parameter(
        (-0.15, 0.15), Range(-1, 1), "Stops between green and the others; above 0 is greener."
    )

    def draw(
        self, rng: Random, size_wh: tuple[int, int], labels: Labels | None, settings: DrawSettings
    ) -> dict[str, Any] | None:
        warmth, tint = rng.uniform(*self.warmth), rng.uniform(*self.tint)
        if (warmth, tint) == (0, 0):
            return None
        gains = [2.0**stops for stops in (warmth / 2 - tint / 2, tint / 2, -warmth / 2 - tint / 2)]
        kept = sum(share * gain for share, gain in zip(_LUMA, gains, strict=True))
        return {"gains": [gain / kept for gain in gains]}

    def apply(
        self, image: Image.Image, labels: Labels | None, drawn: Mapping[str, Any]
    ) -> tuple[Image.Image, Labels | None]:
        if not _has_colour(image):
            raise OperationSkippedError("the image has no colour")
        return super().apply(image, labels, drawn)

    def curve(self, values: Values, drawn: Mapping[str, Any], channel: int) -> Values:
        return encoded(linear(values) * drawn["gains"][channel])


def _has_colour(image: Image.Image) -> bool:
    if image.mode not in {"RGB", "RGBA"}:
        return False
    step = max(1, min(image.size) // _LOOKED_AT)
    values = np.asarray(image)[::step, ::step, :3]
    return bool((values.max(2) - values.min(2) > _GREY_LEVELS).any())
