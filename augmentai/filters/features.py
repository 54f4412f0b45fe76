"""What filters measure. All on thumbnails: a few milliseconds a picture, whatever its size."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from PIL import Image

SIDE_PX = 256  # the thumbnail's longer side: enough to tell a sharp picture from a blurred one
_COARSE = 32  # cells a side: what is left of a picture at a glance
_PRINT = 6  # cells a side of the print that siblings are compared by
_PLAIN = 2.0  # levels of contrast
_DEEP_MODES = {"I;16", "I", "F"}

Plane = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class ImageFeatures:
    """A picture as filters see it. small: RGB, its longer side SIDE_PX or less, what is clear painted white.

    A picture that is much longer than it is high is larger, so that its shorter side keeps 32 pixels.
    """

    small: Image.Image

    @cached_property
    def luma(self) -> Plane:
        """(H, W) in 0..255."""
        return np.asarray(self.small.convert("L")).astype(np.float32)

    @cached_property
    def coarse(self) -> Plane:
        """(32, 32, 3) mean colours in 0..255, whatever the picture's shape."""
        return _cells(self.small, _COARSE)

    @cached_property
    def contrast(self) -> float:
        """Standard deviation of the lightness, in levels of 255."""
        return float(self.luma.std())

    @property
    def plain(self) -> bool:
        """One colour, or nearly so: there is nothing in it that could be changed, lost or told apart."""
        return self.contrast < _PLAIN

    @cached_property
    def sharpness(self) -> float:
        """Mean absolute Laplacian of the lightness over its contrast: how much of the contrast is in fine detail."""
        y = self.luma
        if min(y.shape) < 3:
            return 0.0
        laplacian = 4 * y[1:-1, 1:-1] - y[:-2, 1:-1] - y[2:, 1:-1] - y[1:-1, :-2] - y[1:-1, 2:]
        return float(np.abs(laplacian).mean() / max(self.contrast, 1.0))

    @cached_property
    def fingerprint(self) -> bytes:
        """6 x 6 mean colours, 108 bytes: tells siblings apart, and short enough for a line of the manifest."""
        return _cells(self.small, _PRINT).round().astype(np.uint8).tobytes()

    @cached_property
    def hash(self) -> int:
        """64-bit perceptual hash (imagehash.phash): nearly the same for the same picture in another light or size."""
        import imagehash

        bits = imagehash.phash(self.small).hash.ravel()
        return int(np.packbits(bits).view(">u8")[0])


def image_features(picture: Image.Image, black_white: tuple[float, float] | None = None) -> ImageFeatures:
    """Any picture at a glance. black_white: the values of a 16-bit or 32-bit one that count as black and white."""
    width, height = picture.size
    scale = min(1.0, max(SIDE_PX / max(width, height), _COARSE / min(width, height)))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if picture.mode in _DEEP_MODES:
        return ImageFeatures(_eight_bits(picture, size, black_white))
    if picture.mode not in {"RGB", "L", "RGBA", "LA"}:
        picture = picture.convert("RGB")
    small = picture.resize(size, Image.Resampling.BOX, reducing_gap=2.0)
    if "A" in small.getbands():
        white = Image.new("RGB", size, "white")
        small = Image.composite(small.convert("RGB"), white, small.getchannel("A"))
    return ImageFeatures(small.convert("RGB"))


def _eight_bits(picture: Image.Image, size_wh: tuple[int, int], black_white: tuple[float, float] | None) -> Image.Image:
    values = Image.fromarray(np.asarray(picture).astype(np.float32)).resize(size_wh, Image.Resampling.BOX)
    small = np.asarray(values)
    low, high = black_white or (float(small.min()), float(small.max()))
    squeezed = (small - low) * (255 / max(high - low, 1e-9))
    return Image.fromarray(squeezed.round().clip(0, 255).astype(np.uint8)).convert("RGB")


def _cells(small: Image.Image, side: int) -> Plane:
    return np.asarray(small.resize((side, side), Image.Resampling.BOX)).astype(np.float32)


def change(before: ImageFeatures, after: ImageFeatures) -> float:
    """Mean absolute difference of two pictures at a glance, in levels of 255."""
    return float(np.abs(before.coarse - after.coarse).mean())


def apart(one: bytes, other: bytes) -> int:
    """How far two prints lie apart: their largest difference in any cell and channel, in levels of 255."""
    a, b = (np.frombuffer(each, np.uint8).astype(np.int16) for each in (one, other))
    return int(np.abs(a - b).max())


def likeness(one: ImageFeatures, other: ImageFeatures) -> float:
    """Correlation of the lightness of two pictures at a glance, -1 to 1; 1 where neither shows anything."""
    a, b = (look.coarse.mean(-1) - look.coarse.mean() for look in (one, other))
    scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / scale if scale > _COARSE**2 else float(max(np.abs(a).max(), np.abs(b).max()) < 4)


def encode_fingerprint(data: bytes) -> str:
    """A print as it stands in the manifest."""
    return base64.b64encode(data).decode("ascii")


def decode_fingerprint(text: object) -> bytes | None:
    """A print out of the manifest; None where there is none that can be used."""
    try:
        data = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except ValueError:
        return None
    return data if len(data) == _PRINT * _PRINT * 3 else None
