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
    mask = np.zeros((height, width), bool)
    top, left = max(0, -y0), max(0, -x0)
    inside = crop[top : max(0, height - y0), left : max(0, width - x0)]
    mask[y0 + top : y0 + top + inside.shape[0], x0 + left : x0 + left + inside.shape[1]] = inside
    return mask


def mask_to_crop(mask: np.ndarray[Any, Any]) -> dict[str, Any]:
    """The fields `points` and `mask` of a bitmap that is not empty.

    Shape:
        mask: (height, width) of bool.

    Example:
        >>> mask_to_crop(np.array([[False, False], [True, True]]))["points"]
        [[0, 1], [1, 1]]
    """
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    y0, y1, x0, x1 = int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1])
    buffer = io.BytesIO()
    Image.fromarray(mask[y0 : y1 + 1, x0 : x1 + 1].astype(np.uint8)).save(buffer, "PNG")
    return {"points": [[x0, y0], [x1, y1]], "mask": base64.b64encode(buffer.getvalue()).decode()}
