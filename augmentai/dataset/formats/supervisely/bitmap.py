"""Supervisely's bitmaps: a PNG of the part of the image that an object covers, compressed by zlib, as base64 text."""

from __future__ import annotations

import base64
import io
import zlib
from collections.abc import Mapping
from reprlib import repr as short
from typing import Any

import numpy as np
from PIL import Image

from augmentai.dataset.formats.bitmaps import from_part, part_of
from augmentai.dataset.formats.label_values import point

_LARGEST_PNG_BYTES = 64 << 20


def mask_from_bitmap(bitmap: object, size_wh: tuple[int, int]) -> np.ndarray[Any, Any]:
    """The bitmap of one object.

    Args:
        bitmap: "data" and "origin", the first pixel's x and y.
        size_wh: width and height of the image in pixels.

    Returns:
        (height, width) of bool, the size of the image. What is beyond the image is cut off.

    Raises:
        ValueError: it cannot be decoded.
    """
    if not isinstance(bitmap, Mapping):
        raise ValueError(f"its bitmap is {short(bitmap)}; expected data and origin")  # noqa: TRY004 (a fault in the file)
    x0, y0 = (int(value) for value in point(bitmap.get("origin"), "the origin of its bitmap"))
    part = _decoded(bitmap.get("data"), size_wh)
    return from_part(part, x0, y0, size_wh)


def mask_to_bitmap(mask: np.ndarray[Any, Any]) -> dict[str, Any]:
    """A bitmap that is not empty, as Supervisely writes it.

    Shape:
        mask: (height, width) of bool.

    Example:
        >>> found = mask_to_bitmap(np.array([[False, False], [False, True]]))
        >>> found["origin"], mask_from_bitmap(found, (2, 2)).tolist()
        ([1, 1], [[False, False], [False, True]])
    """
    part, x, y = part_of(mask)
    image = Image.fromarray(part.astype(np.uint8), "P")
    image.putpalette([0, 0, 0, 255, 255, 255])
    buffer = io.BytesIO()
    image.save(buffer, "PNG", transparency=0, optimize=False)
    data = base64.b64encode(zlib.compress(buffer.getvalue())).decode()
    return {"data": data, "origin": [x, y]}


def _decoded(text: object, size_wh: tuple[int, int]) -> np.ndarray[Any, Any]:
    """The part of the image that a bitmap covers, (height, width) of bool."""
    if not isinstance(text, str):
        raise ValueError(f"the data of its bitmap is {short(text)}; expected base64 text")  # noqa: TRY004
    try:
        png = zlib.decompressobj().decompress(base64.b64decode(text), _LARGEST_PNG_BYTES)
        with Image.open(io.BytesIO(png), formats=("PNG",)) as opened:
            found_wh = opened.size
            if found_wh[0] <= 2 * size_wh[0] and found_wh[1] <= 2 * size_wh[1]:
                has_alpha = "A" in opened.getbands() or "transparency" in opened.info
                band = opened.convert("RGBA").getchannel("A") if has_alpha else opened.convert("L")
                return np.asarray(band) > 0
    except Exception as error:  # base64, zlib and PNG may each be broken in any way
        raise ValueError(
            f"the data of its bitmap is not a PNG, compressed by zlib, as base64 text ({error})"
        ) from error
    raise ValueError(f"its bitmap has {found_wh[0]}x{found_wh[1]} pixels; expected no more than its image has")
