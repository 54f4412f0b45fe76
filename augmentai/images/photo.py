"""A decoded photo, and the way back: from an engine's RGB image to the source's own kind of pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageChops

from augmentai.images.deep_colour import Refined, Values
from augmentai.images.exif import NOBODY, Credit
from augmentai.images.strips import strips

_ONE_CHANNEL_MODES = {"1", "L", "LA", "La"}


class ImageError(ValueError):
    """A file cannot be used as an image; the message says what was found and what to do, without the file's name."""


@dataclass(frozen=True)
class Photo:
    """A decoded source.

    Args:
        rgb: Upright 8-bit colour, which is what engines see.
        format: Pillow's name of the file format.
        mode: Pillow's name of the pixel mode in the file.
        alpha: The transparency, mode "L", same size as `rgb`; None if there is none.
        is_gray: The source has no colour, so its variations must have none.
        deep: The values of a 16-bit or 32-bit grey source, else None.
        fine: The colours of a source of 16 bits per channel, else None.
        icc_profile: The colour profile of its values.
        notices: What the user should know, one sentence each.
        credit: Its artist and copyright.

    Shape:
        deep: (H, W), uint16, int32 or float32.
        fine: (H, W, 3), uint16.
    """

    rgb: Image.Image
    format: str
    mode: str
    alpha: Image.Image | None = None
    is_gray: bool = False
    deep: np.ndarray[Any, Any] | None = None
    icc_profile: bytes | None = None
    notices: tuple[str, ...] = ()
    credit: Credit = NOBODY
    fine: Values | None = None

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height of the upright image, in pixels."""
        return self.rgb.size

    @property
    def black_white(self) -> tuple[float, float] | None:
        """The values of a deep source that become black and white when fewer bits are written; else None."""
        return None if self.deep is None else value_range(self.deep)

    @property
    def original(self) -> Image.Image:
        """The source's own pixels, to be read only: `rgb` itself if that is all there is."""
        is_plain = self.deep is None and self.alpha is None and not self.is_gray
        return self.rgb if is_plain else self.restore(self.rgb)

    def flattened(self, background: tuple[int, int, int] = (255, 255, 255)) -> Image.Image:
        """RGB with transparent parts blended onto `background`, for engines without alpha."""
        if self.alpha is None:
            return self.rgb
        return Image.composite(self.rgb, Image.new("RGB", self.rgb.size, background), self.alpha)

    def restore(self, made: Image.Image) -> Image.Image:
        """Turn an engine's output into the source's kind of image: grey, 16-bit, with alpha.

        Args:
            made: An image of the same size; it is not modified.

        Returns:
            An image without metadata: `made` itself if nothing has to be changed, so that a large one is not in memory
            twice, else a new one. `rgb` comes back as a copy, exactly the source's pixels.

        Raises:
            ValueError: The size differs, so that labels would no longer be valid.

        Example:
            >>> gray = Photo(Image.new("RGB", (8, 8), "gray"), "PNG", "L", is_gray=True)
            >>> gray.restore(Image.new("RGB", (8, 8), "red")).mode
            'L'
        """
        if made.size != self.rgb.size:
            found, expected = "x".join(map(str, made.size)), "x".join(map(str, self.rgb.size))
            raise ValueError(f"the engine returned {found} pixels, expected {expected}")
        if self.deep is not None:
            image = self._restore_deep(self.deep, made)
        elif not self.is_gray:
            if made.mode == "RGB" and self.alpha is None and made is not self.rgb and not made.info:
                return made
            image = made.convert("RGB")
        elif self.mode in _ONE_CHANNEL_MODES:
            image = made.convert("L")
        else:
            image = _lighten(self.rgb, made)
        if self.alpha is not None:
            image.putalpha(self.alpha)
        image.info = {}
        return image

    def refine(self, restored: Image.Image) -> Refined | None:
        """The full depth of an image that `restore` gave, if the source has 16 bits of colour per channel.

        The change that was made in 8 bits is added to the source's own values.

        Args:
            restored: RGB or RGBA, of the source's size, every pixel at its place.

        Returns:
            The values, computed when they are asked for; None if the source has no such depth.
        """
        return None if self.fine is None else Refined(self.fine, self.rgb, restored)

    def _restore_deep(self, deep: np.ndarray[Any, Any], made: Image.Image) -> Image.Image:
        # The engine saw the values scaled to 8 bits; the change it made there is added to the full-depth values.
        low, high = value_range(deep)
        original, changed = (np.asarray(image.convert("L")) for image in (self.rgb, made))
        dtype, floor, ceiling = _deep_dtype(self.mode, low, high)
        out = np.empty(deep.shape, dtype)
        for rows in strips(deep.shape):
            change = changed[rows].astype(np.float64) - original[rows]
            values = deep[rows].astype(np.float64) + change * ((high - low) / 255)
            out[rows] = values if dtype == np.float32 else np.rint(values).clip(floor, ceiling)
        return Image.fromarray(out)


def value_range(values: np.ndarray[Any, Any]) -> tuple[float, float]:
    """Lowest and highest value, never equal, so that dividing by the span is safe."""
    low, high = float(values.min()), float(values.max())
    return low, high if high > low else low + 1


def _deep_dtype(mode: str, low: float, high: float) -> tuple[type[np.generic], int, int]:
    """The dtype for the new values, and its limits; never narrower than the source's own values."""
    if mode == "F":
        return np.float32, 0, 0
    if mode == "I" and (low < 0 or high > 65535):
        return np.int32, min(0, int(low)), 2**31 - 1 if high > 65535 else 65535
    return np.uint16, 0, 65535


def _lighten(rgb: Image.Image, made: Image.Image) -> Image.Image:
    """`rgb`, nearly grey, with the lightness of `made`: any trace of a tint it had stays, and none is added."""
    lit = rgb.copy()
    if made is rgb:
        return lit
    for rows in strips((rgb.height, rgb.width)):
        box = (0, rows.start, rgb.width, rows.stop)
        before = rgb.crop(box)
        original, changed = before.convert("L"), made.crop(box).convert("L")
        # At each pixel one of the two is 0.
        up, down = ImageChops.subtract(changed, original), ImageChops.subtract(original, changed)
        channels = [ImageChops.subtract(ImageChops.add(channel, up), down) for channel in before.split()]
        lit.paste(Image.merge("RGB", channels), box)
    return lit
