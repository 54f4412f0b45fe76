"""A decoded photograph, and the way back: an engine's RGB picture made into the source's own kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageChops

_ROWS_AREA_PX = 1 << 20  # deep pictures are worked on in strips: full-size planes of floats would take gigabytes
_ONE_CHANNEL_MODES = {"1", "L", "LA", "La"}


class ImageError(ValueError):
    """A file cannot be used as a picture; the message says what was found and what to do, without the file's name."""


@dataclass(frozen=True)
class Photo:
    """A decoded source.

    rgb: upright 8-bit colour, which is what engines see. alpha: its transparency, 8-bit, same size, or None.
    grey: the source has no colour, so its variations must have none. deep: the values of a 16-bit or 32-bit grey
    source, (H, W), or None. format: Pillow's name of the file's format; mode: Pillow's name of its kind of pixels.
    icc_profile: the colour profile that its values are in. notices: what the user should know.
    """

    rgb: Image.Image
    format: str
    mode: str
    alpha: Image.Image | None = None
    is_gray: bool = False
    deep: np.ndarray[Any, Any] | None = None
    icc_profile: bytes | None = None
    notices: tuple[str, ...] = ()

    @property
    def size_wh(self) -> tuple[int, int]:
        return self.rgb.size

    @property
    def black_white(self) -> tuple[float, float] | None:
        """The values of a deep source that stand for black and white where they must be written in fewer bits."""
        return None if self.deep is None else value_range(self.deep)

    def flattened(self, background: tuple[int, int, int] = (255, 255, 255)) -> Image.Image:
        """RGB with the transparency painted over `background`, for engines that take no alpha."""
        if self.alpha is None:
            return self.rgb
        return Image.composite(self.rgb, Image.new("RGB", self.rgb.size, background), self.alpha)

    def restore(self, made: Image.Image) -> Image.Image:
        """An engine's picture of the same size as a picture of the source's kind: grey, 16-bit, with alpha.

        The result carries no metadata. `rgb` itself comes back as exactly the source's pixels. Raises ValueError where
        the size differs: labels would no longer be true.
        """
        if made.size != self.rgb.size:
            found, expected = "x".join(map(str, made.size)), "x".join(map(str, self.rgb.size))
            raise ValueError(f"the engine gave {found} pixels, expected {expected}")
        if self.deep is not None:
            picture = self._restore_deep(self.deep, made)
        elif not self.is_gray:
            picture = made.convert("RGB")
        elif self.mode in _ONE_CHANNEL_MODES:
            picture = made.convert("L")
        else:
            picture = _lighten(self.rgb, made)
        if self.alpha is not None:
            picture.putalpha(self.alpha)
        picture.info = {}
        return picture

    def _restore_deep(self, deep: np.ndarray[Any, Any], made: Image.Image) -> Image.Image:
        # The engine saw the values squeezed into 8 bits; what it changed there is added to the full-depth values.
        low, high = value_range(deep)
        before, after = (np.asarray(picture.convert("L")) for picture in (self.rgb, made))
        kind, floor, ceiling = _deep_kind(self.mode, low, high)
        out = np.empty(deep.shape, kind)
        for rows in strips(deep.shape):
            change = after[rows].astype(np.float64) - before[rows]
            values = deep[rows].astype(np.float64) + change * ((high - low) / 255)
            out[rows] = values if kind == np.float32 else np.rint(values).clip(floor, ceiling)
        return Image.fromarray(out)


def value_range(values: np.ndarray[Any, Any]) -> tuple[float, float]:
    """Lowest and highest value, at least a little apart so that one may divide by the span."""
    low, high = float(values.min()), float(values.max())
    return low, high if high > low else low + 1


def strips(shape: tuple[int, ...], area_px: int = _ROWS_AREA_PX) -> Iterator[slice]:
    """Slices of rows, of about `area_px` pixels each: a million unless told."""
    height, width = shape[:2]
    step = max(1, area_px // width)
    yield from (slice(top, top + step) for top in range(0, height, step))


def _deep_kind(mode: str, low: float, high: float) -> tuple[type[np.generic], int, int]:
    """The type that holds the varied values, and its limits; never narrower than the source's own values."""
    if mode == "F":
        return np.float32, 0, 0
    if mode == "I" and (low < 0 or high > 65535):
        return np.int32, min(0, int(low)), 2**31 - 1 if high > 65535 else 65535
    return np.uint16, 0, 65535


def _lighten(rgb: Image.Image, made: Image.Image) -> Image.Image:
    """`rgb`, nearly grey, with the lightness of `made`: whatever trace of a tint it had stays, and none is added."""
    before, after = rgb.convert("L"), made.convert("L")
    up, down = ImageChops.subtract(after, before), ImageChops.subtract(before, after)  # one of them is 0 at each pixel
    channels = [ImageChops.subtract(ImageChops.add(channel, up), down) for channel in rgb.split()]
    return Image.merge("RGB", channels)
