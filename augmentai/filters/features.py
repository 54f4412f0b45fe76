"""What filters measure of an image, all on thumbnails: a few milliseconds per image, whatever its size."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from PIL import Image

from augmentai.images.shrink import shrunk
from augmentai.images.strips import strips

SIDE_PX = 256  # the thumbnail's longer side: enough to distinguish sharp from blurred
_COARSE_CELLS = 32  # a side of the grid of mean colours by which two images are compared
_FINGERPRINT_CELLS = 6  # a side of the grid of mean colours by which siblings are compared
_PLAIN_CONTRAST = 2.0  # levels of 255: an image of less is of one colour
_UNIFORM_LEVELS = 4  # lightness that differs by less from its mean everywhere shows nothing
_DEEP_MODES = {"I;16", "I", "F"}
_WEIGHTED = {"RGBA": "RGBa", "LA": "La"}  # Pillow's modes of colours that are multiplied by their opacity
_LARGE_PX = 1 << 20  # of these, no full copy is made
_TALL = 100  # times its width: Pillow reduces the height of such an image first

Plane = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class ImageFeatures:
    """An image as filters see it. Each feature is computed when it is first asked for.

    Attributes:
        small: RGB thumbnail, its longer side SIDE_PX or less; transparent pixels are white. Of a very elongated image
            it is larger, so that its shorter side keeps 32 pixels.

    Example:
        >>> plain = image_features(Image.new("RGB", (640, 480), (200, 30, 30)))
        >>> plain.small.size, plain.plain, len(plain.fingerprint)
        ((256, 192), True, 108)
    """

    small: Image.Image

    @cached_property
    def luma(self) -> Image.Image:
        """Lightness (ITU-R 601) of the thumbnail, mode "L"."""
        return self.small.convert("L")

    @cached_property
    def coarse(self) -> Plane:
        """Mean colours of a grid over the whole image, whatever its proportions: (32, 32, 3), 0 to 255."""
        return _mean_colours(self.small, _COARSE_CELLS)

    @cached_property
    def contrast(self) -> float:
        """Standard deviation of the lightness, in levels of 255: 0 to 127.5."""
        counts = np.array(self.luma.histogram(), np.float64)
        levels = np.arange(len(counts))
        mean = counts @ levels / counts.sum()
        return float((counts @ (levels - mean) ** 2 / counts.sum()) ** 0.5)

    @property
    def plain(self) -> bool:
        """Of one colour, or nearly so: there is nothing in it that could be changed, lost or compared."""
        return self.contrast < _PLAIN_CONTRAST

    @cached_property
    def sharpness(self) -> float:
        """Mean absolute Laplacian of the lightness, as a share of the contrast: how much of it is fine detail.

        0 for a smooth image; most sharp photographs are between 0.1 and 0.8; noise is above.
        """
        if min(self.luma.size) < 3:
            return 0.0
        y = np.asarray(self.luma).astype(np.int16)
        laplacian = 4 * y[1:-1, 1:-1] - y[:-2, 1:-1] - y[2:, 1:-1] - y[1:-1, :-2] - y[1:-1, 2:]
        np.abs(laplacian, out=laplacian)
        return float(laplacian.sum(dtype=np.int64) / laplacian.size / max(self.contrast, 1.0))

    @cached_property
    def fingerprint(self) -> bytes:
        """Mean colours of a grid of 6 x 6, 0 to 255: 108 bytes, short enough for each line of the manifest."""
        return _mean_colours(self.small, _FINGERPRINT_CELLS).round().astype(np.uint8).tobytes()

    def measure(self) -> None:
        """Compute what every variation is judged by now, so that it is known when it is asked for."""
        _ = self.coarse, self.contrast, self.sharpness, self.fingerprint

    @cached_property
    def hash(self) -> int:
        """64-bit perceptual hash (imagehash.phash): nearly the same for an image in another light or size."""
        import imagehash

        bits = imagehash.phash(self.small).hash.ravel()
        return int(np.packbits(bits).view(">u8")[0])


def image_features(image: Image.Image, black_white: tuple[float, float] | None = None) -> ImageFeatures:
    """Features of an image.

    Args:
        image: of any mode.
        black_white: the values of a 16-bit or 32-bit image that count as black and white; its own lowest and highest by
            default.

    Example:
        >>> image_features(Image.linear_gradient("L")).contrast > 70
        True
    """
    width, height = image.size
    scale = min(1.0, max(SIDE_PX / max(width, height), _COARSE_CELLS / min(width, height)))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if image.mode in _DEEP_MODES:
        return ImageFeatures(_eight_bits(image, size, black_white))
    if image.mode not in {"RGB", "L", "RGBA", "LA"}:
        image = image.convert("RGB")
    small = _resized(image, size)
    if "A" in small.getbands():
        white = Image.new("RGB", size, "white")
        small = Image.composite(small.convert("RGB"), white, small.getchannel("A"))
    return ImageFeatures(small.convert("RGB"))


def mean_difference(before: ImageFeatures, after: ImageFeatures) -> float:
    """Mean absolute difference of the coarse colours of two images, in levels of 255: 0 to 255.

    Example:
        >>> black, grey = (image_features(Image.new("L", (64, 64), level)) for level in (0, 50))
        >>> mean_difference(black, grey)
        50.0
    """
    return float(np.abs(before.coarse - after.coarse).mean())


def fingerprint_distance(one: bytes, other: bytes) -> int:
    """The largest difference between two fingerprints in any cell and channel, in levels of 255: 0 to 255.

    Example:
        >>> one, other = (image_features(Image.new("L", (64, 64), level)).fingerprint for level in (100, 107))
        >>> fingerprint_distance(one, other)
        7
    """
    a, b = (np.frombuffer(each, np.uint8).astype(np.int16) for each in (one, other))
    return int(np.abs(a - b).max())


def lightness_correlation(one: ImageFeatures, other: ImageFeatures) -> float:
    """Correlation of the coarse lightness of two images: -1 to 1; 1 if neither shows anything.

    Example:
        >>> gradient = image_features(Image.linear_gradient("L"))
        >>> round(lightness_correlation(gradient, gradient), 6)
        1.0
    """
    a, b = (features.coarse.mean(-1) - features.coarse.mean() for features in (one, other))
    scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
    if scale > _COARSE_CELLS**2:
        return float((a * b).sum()) / scale
    return float(max(np.abs(a).max(), np.abs(b).max()) < _UNIFORM_LEVELS)


def encode_fingerprint(data: bytes) -> str:
    """A fingerprint as the manifest holds it: Base64."""
    return base64.b64encode(data).decode("ascii")


def decode_fingerprint(text: object) -> bytes | None:
    """A fingerprint read from a manifest; None if it is missing or malformed.

    Example:
        >>> decode_fingerprint(encode_fingerprint(bytes(108))) == bytes(108), decode_fingerprint("abc")
        (True, None)
    """
    try:
        data = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except ValueError:
        return None
    return data if len(data) == _FINGERPRINT_CELLS * _FINGERPRINT_CELLS * 3 else None


def _eight_bits(image: Image.Image, size_wh: tuple[int, int], black_white: tuple[float, float] | None) -> Image.Image:
    values = Image.fromarray(np.asarray(image).astype(np.float32)).resize(size_wh, Image.Resampling.BOX)
    small = np.asarray(values)
    low, high = black_white or (float(small.min()), float(small.max()))
    squeezed = (small - low) * (255 / max(high - low, 1e-9))
    return Image.fromarray(squeezed.round().clip(0, 255).astype(np.uint8)).convert("RGB")


def _resized(image: Image.Image, size_wh: tuple[int, int]) -> Image.Image:
    """What Pillow makes of it, which of an image with opacity first makes a copy that is weighted by it."""
    width, height = image.size
    if image.mode not in _WEIGHTED or width * height < _LARGE_PX or height > _TALL * width or size_wh == image.size:
        return shrunk(image, size_wh, reducing_gap=2.0)
    narrow = Image.new(_WEIGHTED[image.mode], (size_wh[0], image.height))
    for rows in strips((image.height, image.width)):
        strip = image.crop((0, rows.start, image.width, rows.stop)).convert(narrow.mode)
        narrow.paste(strip.resize((narrow.width, strip.height), Image.Resampling.BOX), (0, rows.start))
    return narrow.resize(size_wh, Image.Resampling.BOX).convert(image.mode)


def _mean_colours(small: Image.Image, side: int) -> Plane:
    return np.asarray(small.resize((side, side), Image.Resampling.BOX)).astype(np.float32)
