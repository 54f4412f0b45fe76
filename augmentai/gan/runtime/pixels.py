"""Pixels for the network and the way back: thumbnails, and images as rows of four bytes a pixel."""

from __future__ import annotations

import numpy as np
from PIL import Image

from augmentai.gan.layout import CELL_PX
from augmentai.gan.runtime.arrays import Array, aligned
from augmentai.images.shrink import shrunk

THUMBNAIL_AREA_PX = 160 * 160
_GAP = 2.0  # images this many times larger than twice a thumbnail are first reduced by whole numbers
BLOCK_PX = 16  # rows are padded to a multiple of this, which is what the compiled kernel takes at a time


def thumbnail_size_wh(size_wh: tuple[int, int], area_px: int = THUMBNAIL_AREA_PX) -> tuple[int, int]:
    """Choose the size at which the network sees an image.

    Args:
        size_wh: Width and height of the image, in pixels.
        area_px: Target area of the thumbnail.

    Returns:
        Width and height near `area_px` in total, aspect ratio kept, each a multiple of 16 from 32 to 1024.

    Example:
        >>> thumbnail_size_wh((6000, 4000)), thumbnail_size_wh((20000, 8))
        ((192, 128), (1024, 32))
    """
    width, height = size_wh
    scale = (area_px / (width * height)) ** 0.5
    wanted = (max(32.0, min(1024.0, side * scale)) for side in (width, height))
    thumb_width, thumb_height = (round(side / CELL_PX) * CELL_PX for side in wanted)
    return thumb_width, thumb_height


def thumbnail(image: Image.Image) -> Array:
    """Reduce an RGB image of any size to what the network sees: float32 (1, 3, h, w) in 0..1."""
    return as_seen(shrunk(image, thumbnail_size_wh(image.size), reducing_gap=_GAP))


def as_seen(small: Image.Image) -> Array:
    """A thumbnail as numbers: float32 (1, 3, h, w) in 0..1."""
    return np.ascontiguousarray(np.asarray(small).transpose(2, 0, 1)[None]) / np.float32(255)


def base_thumbnail(image: Image.Image) -> Image.Image:
    """Reduce an RGB image to the size of its thumbnail, each pixel the mean of all that it covers."""
    return shrunk(image, thumbnail_size_wh(image.size))


def is_thumbnail(size_wh: tuple[int, int]) -> bool:
    """Whether both give the same for an image of this size: for one that is not much larger than its thumbnail."""
    return all(side / small < 2 * _GAP for side, small in zip(size_wh, thumbnail_size_wh(size_wh), strict=True))


def to_words(image: Image.Image) -> Array:
    """Convert an RGB image to one number a pixel, red + 256 green + 65536 blue: uint32 (H, W padded to `BLOCK_PX`)."""
    width, height = image.size
    words = aligned((height, -(-width // BLOCK_PX) * BLOCK_PX), np.uint32)
    words[:, width:] = 0
    words[:, :width] = np.frombuffer(image.tobytes("raw", "RGBX"), "<u4").reshape(height, width)
    return words


def to_image(words: Array, width: int) -> Image.Image:
    """Convert such numbers back to an RGB image of this width.

    Example:
        >>> image = Image.new("RGB", (40, 30), "teal")
        >>> to_image(to_words(image), 40).tobytes() == image.tobytes()
        True
    """
    height, padded = words.shape
    return Image.frombytes("RGB", (width, height), words.astype("<u4", copy=False).data, "raw", "RGBX", 4 * padded, 1)


def channels(words: Array) -> Array:
    """The red, green and blue of such numbers: uint8 (3, H, W)."""
    return np.stack([(words >> np.uint32(shift)).astype(np.uint8) for shift in (0, 8, 16)])
