"""LabelMe's bitmaps: a PNG of the part of the image that the object covers, as base64 text, and the corners of it."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from reprlib import repr as short
from typing import Any

import numpy as np
from PIL import Image

from augmentai.annotations import Point
from augmentai.dataset.formats.bitmaps import from_part, part_of


def mask_from_crop(text: object, corners: Sequence[Point], size_wh: tuple[int, int]) -> np.ndarray[Any, Any]:
    """The bitmap of one object.

    Args:
        text: the PNG as base64 text.
        corners: its first and its last pixel.
        size_wh: width and height of the image in pixels.

    Returns:
        (height, width) of bool, the size of the image.

    Raises:
        ValueError: it cannot be decoded, or its size is not that of its corners.
    """
    if not isinstance(text, str):
        raise ValueError(f"its mask is {short(text)}; expected a PNG as base64 text")  # noqa: TRY004 (a fault in the file)
    (x0, y0), (x1, y1) = ((round(x), round(y)) for x, y in corners)
    width, height = size_wh
    try:
        with Image.open(io.BytesIO(base64.b64decode(text)), formats=("PNG",)) as opened:
            crop_wh = opened.size
            fits = abs(crop_wh[0] - (x1 - x0)) <= 1 and abs(crop_wh[1] - (y1 - y0)) <= 1
            if not fits or crop_wh[0] > width + 1 or crop_wh[1] > height + 1:
                found = "x".join(map(str, crop_wh))
                raise ValueError(
                    f"its mask has {found} pixels; expected {x1 - x0 + 1}x{y1 - y0 + 1}, as its points say"
                )
            crop = np.asarray(opened.convert("L")) > 0
    except ValueError as error:
        if "its mask has" in str(error):
            raise
        raise ValueError(f"its mask is not base64 text ({error})") from error
    except Exception as error:  # a PNG may be broken in any way
        raise ValueError("its mask is not a valid PNG; draw it again") from error
    return from_part(crop, x0, y0, size_wh)


def mask_to_crop(mask: np.ndarray[Any, Any]) -> dict[str, Any]:
    """The fields `points` and `mask` of a bitmap that is not empty.

    Shape:
        mask: (height, width) of bool.

    Example:
        >>> mask_to_crop(np.array([[False, False], [True, True]]))["points"]
        [[0, 1], [1, 1]]
    """
    crop, x, y = part_of(mask)
    buffer = io.BytesIO()
    Image.fromarray(crop.astype(np.uint8)).save(buffer, "PNG")
    return {
        "points": [[x, y], [x + crop.shape[1] - 1, y + crop.shape[0] - 1]],
        "mask": base64.b64encode(buffer.getvalue()).decode(),
    }
