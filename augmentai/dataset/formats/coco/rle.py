"""COCO's run-length encoding (RLE) of bitmaps: lengths of runs of 0 and 1, column by column."""

from __future__ import annotations

from collections.abc import Mapping
from reprlib import repr as short
from typing import Any

import numpy as np

from augmentai.dataset.bounds import image_bounds
from augmentai.dataset.formats.supervision_import import supervision

_LONGEST_COUNT = 7  # characters of one number in COCO's text


def mask_to_rle(mask: np.ndarray[Any, Any], packed: bool) -> dict[str, Any]:
    """A bitmap as RLE.

    Args:
        mask: the bitmap.
        packed: write the counts as the short text that pycocotools uses, else as a list of numbers.

    Shape:
        mask: (height, width) of bool.
    """
    # A True that Pillow has written as 255 would end a run.
    counts = supervision().mask_to_rle(np.asarray(mask) != 0, compressed=packed)
    return {
        "size": [int(length) for length in mask.shape],
        "counts": counts if packed else [int(count) for count in counts],
    }


def rle_to_mask(rle: Mapping[str, Any], size_wh: tuple[int, int]) -> np.ndarray[Any, Any]:
    """The bitmap of an RLE.

    Args:
        rle: "size" ([height, width]) and "counts".
        size_wh: width and height that the image has, in pixels.

    Returns:
        (height, width) of bool.

    Raises:
        ValueError: it cannot be parsed, or is not of this size.
    """
    size, counts = rle.get("size"), rle.get("counts")
    width, height = size_wh
    if size != [height, width]:
        raise ValueError(f"the size of its RLE is {short(size)}; expected [{height}, {width}], the image's")
    if not isinstance(counts, str | list):
        raise ValueError(  # noqa: TRY004 (a fault in the file, not in the program)
            f"the counts of its RLE are {short(counts)}; expected a list of numbers or COCO's text"
        )
    most = min(image_bounds().runs, 2 * (width * height + 1))
    if len(counts) > most * (_LONGEST_COUNT if isinstance(counts, str) else 1):
        setting = " (20 times AUGMENTAI_MAX_OBJECTS)" if most == image_bounds().runs else ""
        raise ValueError(f"its RLE has more than {most:,} runs{setting}; expected an outline that is less frayed")
    if isinstance(counts, list) and not all(isinstance(one, int) and one >= 0 for one in counts):
        raise ValueError("the counts of its RLE are not all whole numbers from 0 up")
    if isinstance(counts, list) and sum(counts) != width * height:
        raise ValueError(f"the counts of its RLE add up to {sum(counts)}; expected {width * height} pixels")
    try:
        return np.asarray(supervision().rle_to_mask(counts, size_wh), dtype=bool)
    except Exception as error:
        words = f"its runs do not make up the {width * height:,} pixels of the image; export it again"
        raise ValueError(f"its RLE cannot be decoded: {words}") from error
