"""What the operations that change values in place have in common: any mode, transparency left as it is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from PIL import Image

from augmentai.images.photo import value_range
from augmentai.operations.base import CAMERA, Operation

if TYPE_CHECKING:
    from augmentai.annotations import Labels

Values = np.ndarray[Any, np.dtype[np.float32]]

_LEVELS: Any = np.arange(256, dtype=np.float32) / 255  # what 8 bits can say, as 0 to 1
PART = 1 << 15  # values at a time, which a processor's cache holds
_LEAST_OPACITY = 1 / 512  # below it a pixel keeps its own colour


@dataclass(frozen=True)
class PixelOperation(Operation):
    """An operation after which everything is where it was, so that labels stay as they are. A subclass changes values.

    Attributes:
        mixes: a pixel's new value depends on its neighbours, whose colours are then weighted by their opacity.
    """

    group = CAMERA
    mixes: ClassVar[bool] = False

    @abstractmethod
    def change(self, values: Values, drawn: Mapping[str, Any]) -> Values:
        """New values.

        Args:
            values: 0 to 1; black and white of a deep image are its own extremes. May be changed in place.
            drawn: what `draw` returned.

        Returns:
            As many values; what is beyond 0 to 1 is cut off.

        Shape:
            values: (height, width, channels) with 1 or 3 channels, and one more if there is transparency and `mixes`.
        """

    def apply(
        self, image: Image.Image, labels: Labels | None, drawn: Mapping[str, Any]
    ) -> tuple[Image.Image, Labels | None]:
        if image.mode not in {"LA", "RGBA"}:
            return self._opaque(image, drawn), labels
        *channels, alpha = image.split()
        colours = channels[0] if len(channels) == 1 else Image.merge("RGB", channels)
        made = self._transparent(colours, alpha, drawn) if self.mixes else self._opaque(colours, drawn)
        made.putalpha(alpha)
        return made, labels

    def _opaque(self, image: Image.Image, drawn: Mapping[str, Any]) -> Image.Image:
        own = np.asarray(image)
        low, high = (0.0, 255.0) if own.dtype == np.uint8 else value_range(own)
        values = own[..., None] if own.ndim == 2 else own
        return _image(self.change(_scaled(values, low, high), drawn).reshape(own.shape), own.dtype, low, high)

    def _transparent(self, image: Image.Image, alpha: Image.Image, drawn: Mapping[str, Any]) -> Image.Image:
        """Colours weighted by their opacity, so that what is hidden under clear pixels never shows."""
        own = np.asarray(image)
        values = (own[..., None] if own.ndim == 2 else own).astype(np.float32) / 255
        opacity = np.asarray(alpha, np.float32)[..., None] / 255
        mixed = self.change(np.concatenate([values * opacity, opacity], axis=2), drawn)
        weight = mixed[..., -1:]
        clear = weight < _LEAST_OPACITY
        made = np.where(clear, values, mixed[..., :-1] / np.where(clear, 1, weight))
        return _image(made.reshape(own.shape), own.dtype, 0.0, 255.0)


def _scaled(values: np.ndarray[Any, Any], low: float, high: float) -> Values:
    """Values from `low` to `high` as 0 to 1."""
    if values.dtype == np.uint8:
        return levels_of(_LEVELS, values)
    return ((values.astype(np.float64) - low) / (high - low)).astype(np.float32)


def levels_of(table: Values, values: np.ndarray[Any, Any]) -> Values:
    """For each 8-bit value, the number that a table of 256 has in its place.

    Shape:
        values: (height, width, channels) of uint8, as is the result, of float32.
    """
    import cv2

    return np.asarray(cv2.LUT(np.ascontiguousarray(values), table)).reshape(values.shape)


def _image(values: Values, dtype: np.dtype[Any], low: float, high: float) -> Image.Image:
    """Values of 0 to 1 as an image with values from `low` to `high`."""
    if dtype != np.uint8:
        scaled = _deep(values, low, high)
        return Image.fromarray((scaled if dtype.kind == "f" else np.rint(scaled)).astype(dtype))
    made = np.empty(values.shape, dtype)
    rows = max(1, PART // max(1, values[0].size))
    for top in range(0, len(values), rows):
        scaled = values[top : top + rows].clip(0, 1)
        scaled *= high
        made[top : top + rows] = np.rint(scaled, out=scaled)
    return Image.fromarray(made)


def _deep(values: Values, low: float, high: float) -> np.ndarray[Any, Any]:
    return (values.astype(np.float64).clip(0, 1) * (high - low) + low).clip(low, high)


def linear(values: Values) -> Values:
    """Light from values of 0 to 1 of an sRGB image (IEC 61966-2-1)."""
    return np.where(values <= 0.04045, values / 12.92, ((np.maximum(values, 0) + 0.055) / 1.055) ** 2.4)


def encoded(light: Values) -> Values:
    """The inverse of `linear`."""
    light = np.maximum(light, 0)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
