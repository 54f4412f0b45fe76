"""Reducing colour images by the mean of the pixels that each new one covers: what Pillow's `Image.resize` makes with
`Resampling.BOX`, to the last bit, in a quarter of the time."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PIL import Image

from augmentai.images.shrink_kernel import BLOCK_PX, PRECISION_BITS, compiled_kernel
from augmentai.system.llvm import Array

_MOST_PX = 4_000_000  # a larger image would be in memory twice
_MOST_COVERED = 256  # pixels in a row, whose weighted sum fits into 32 bits
_LEAST_GAIN = 1.2  # times as many pixels as are made: of fewer, Pillow is as fast
_ELONGATED = 100  # Pillow turns the order of rows and columns for images that are this many times as high as wide


def shrunk(image: Image.Image, size_wh: tuple[int, int], reducing_gap: float | None = None) -> Image.Image:
    """Resize an image with `Resampling.BOX`.

    Args:
        image: Of any mode; those of RGB are made by compiled loops, where these can be compiled.
        size_wh: Of the result.
        reducing_gap: See `Image.resize`: what is larger is first reduced by whole numbers.

    Example:
        >>> image = Image.linear_gradient("L").convert("RGB")
        >>> small = image.resize((100, 60), Image.Resampling.BOX)
        >>> shrunk(image, (100, 60)).tobytes() == small.tobytes()
        True
    """
    width, height = image.size
    factors = _whole_factors(image.size, size_wh, reducing_gap)
    reduced = -(-width // factors[0]), -(-height // factors[1])
    pixels = reduced[0] * reduced[1]
    gains = size_wh[0] * size_wh[1] * _LEAST_GAIN < pixels <= _MOST_PX
    kernel = compiled_kernel() if gains and image.mode == "RGB" and reduced[1] <= _ELONGATED * reduced[0] else None
    spans = (float(np.float32(side / factor)) for side, factor in zip(image.size, factors, strict=True))
    columns, rows = (_covered(*one) for one in zip(reduced, spans, size_wh, strict=True))
    if kernel is None or columns is None or rows is None:
        return image.resize(size_wh, Image.Resampling.BOX, reducing_gap=reducing_gap)
    if factors != (1, 1):
        image = image.reduce(factors)
    words = np.frombuffer(image.tobytes("raw", "RGBX"), np.uint32).reshape(reduced[::-1])
    narrow = np.zeros((reduced[1], -(-size_wh[0] // BLOCK_PX) * BLOCK_PX), np.uint32)
    kernel.across(words, *columns, narrow)
    small = np.empty((size_wh[1], narrow.shape[1]), np.uint32)
    kernel.down(narrow, *rows, small)
    return Image.frombytes("RGB", size_wh, small.data, "raw", "RGBX", small.strides[0], 1)


def _whole_factors(size_wh: tuple[int, int], wanted_wh: tuple[int, int], gap: float | None) -> tuple[int, int]:
    if gap is None:
        return 1, 1
    across, down = (int(side / wanted / gap) or 1 for side, wanted in zip(size_wh, wanted_wh, strict=True))
    return across, down


@lru_cache(maxsize=32)
def _covered(side: int, span: float, made: int) -> tuple[Array, Array, Array] | None:
    """Which pixels of a side each of `made` pixels covers, as Pillow has it, and what their sum is multiplied by.

    Args:
        side: How many pixels there are.
        span: How far they reach: less than `side` if the last one was not complete.
        made: How many are made.

    Returns:
        The first pixel, int64 (made,), their number, int64 (made,), and the weight, uint32 (made,); None if there are
        too many of them, or none.
    """
    scale = span / made
    support = 0.5 * max(scale, 1.0)
    centres = (np.arange(made) + 0.5) * scale
    first = np.maximum(np.trunc(centres - support + 0.5), 0)
    last = np.minimum(np.trunc(centres + support + 0.5), side)
    taps = np.arange(int(np.ceil(support)) * 2 + 1)
    if made == 0 or len(taps) > _MOST_COVERED:
        return None
    places = taps + first[:, None]
    away = (places - centres[:, None] + 0.5) * (1.0 / max(scale, 1.0))
    inside = (away > -0.5) & (away <= 0.5) & (places < last[:, None])
    count = inside.sum(1)
    if not count.all():
        return None
    weight = (0.5 + 1.0 / count * (1 << PRECISION_BITS)).astype(np.uint32)
    return (first + inside.argmax(1)).astype(np.int64), count.astype(np.int64), weight
