"""The operation `jpeg`: blocks and ringing of strong compression."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from augmentai.operations.base import DrawSettings
from augmentai.operations.parameters import Range, parameter
from augmentai.operations.pixels import PixelOperation, Values

if TYPE_CHECKING:
    from augmentai.annotations import Labels


@dataclass(frozen=True)
class Jpeg(PixelOperation):
    """Compresses the image as JPEG and decodes it again.

    Attributes:
        quality: of the JPEG, drawn from this range; 1 is the worst.

    Example:
        >>> Jpeg(quality=30).as_step()
        {'jpeg': {'quality': [30.0, 30.0]}}
    """

    name = "jpeg"
    title = "JPEG compression"
    blurb = "blocks and ringing"

    quality: tuple[float, float] = parameter((20, 70), Range(1, 95), "Quality of the JPEG; 1 is the worst.")

    def draw(
        self, rng: Random, size_wh: tuple[int, int], labels: Labels | None, settings: DrawSettings
    ) -> dict[str, Any] | None:
        return {"quality": round(rng.uniform(*self.quality))}

    def change(self, values: Values, drawn: Mapping[str, Any]) -> Values:
        levels = np.rint(values.clip(0, 1) * 255).astype(np.uint8)
        made = np.asarray(_compressed(Image.fromarray(levels[..., 0] if levels.shape[2] == 1 else levels), drawn))
        # What compression did in 8 bits is added to the values, which may be deeper.
        return np.asarray(values + (made.reshape(levels.shape).astype(np.float32) - levels) / 255, np.float32)

    def _opaque(self, image: Image.Image, drawn: Mapping[str, Any]) -> Image.Image:
        return _compressed(image, drawn) if image.mode in {"L", "RGB"} else super()._opaque(image, drawn)


def _compressed(image: Image.Image, drawn: Mapping[str, Any]) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=drawn["quality"], exif=b"", icc_profile=None)
    with Image.open(buffer) as opened:
        made = opened.copy()
    made.info = {}
    return made
