"""A picture that a model painted smaller than its source, enlarged with the fine detail that the source still has.

Models paint at half a megapixel or one. Enlarged from there, every variation of a larger photo would be soft: whoever
trains on it learns that synthetic means soft, and small things that are labelled are gone.

Near every pixel the painted picture is taken as a straight line over the reduced source, as in the guided filter (He,
Sun, Tang: Guided Image Filtering, PAMI 2013), whose slope carries the source's detail over. Here the slope is weighed
by how well the line fits, squared, so that where the model painted something else nothing of the source shows through.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image
from scipy.ndimage import uniform_filter

from augmentai.images.photo import strips

_WINDOW_PX = 9  # of the small pictures, over which they are compared
_GRAIN = 4.0  # variance in levels of 255, squared: what is as even as that is noise and agrees with any other
_MOST = 1.25  # detail is made stronger by so much at most, where the model raised the contrast

_LUMA = np.array((0.299, 0.587, 0.114), np.float32)  # ITU-R BT.601, as Pillow's mode L
_LANCZOS = Image.Resampling.LANCZOS

Plane = np.ndarray[Any, np.dtype[np.float32]]


def enlarge(painted: Image.Image, reduced: Image.Image, source: Image.Image) -> Image.Image:
    """`painted` at the size of `source`, as sharp as that where both show the same. All are RGB.

    reduced: `source` at the size of `painted`. Only lightness is carried over: colours are the model's to choose, and a
    red thing that it painted grey must not get red edges. Where `painted` is no smaller than the source there is
    nothing to carry. Raises ValueError for sizes that differ.
    """
    if painted.size != reduced.size:
        raise ValueError(f"painted is {painted.size}, reduced {reduced.size}; expected the same size")
    if painted.size == source.size:
        return painted
    if painted.width >= source.width or painted.height >= source.height:
        return painted.resize(source.size, _LANCZOS)
    small = _luma(reduced)
    coarse, gain = Image.fromarray(small), Image.fromarray(agreement(small, _luma(painted)))
    width, height = source.size
    scale = painted.height / height
    out = Image.new("RGB", source.size)
    for rows in strips((height, width)):
        bottom = min(rows.stop, height)
        # Resampling looks beyond the box, so that strips meet without a seam.
        box = (0, rows.start * scale, painted.width, min(bottom * scale, painted.height))
        part_wh = (width, bottom - rows.start)
        detail = _luma(source.crop((0, rows.start, width, bottom)))
        detail -= np.asarray(coarse.resize(part_wh, _LANCZOS, box=box))
        detail *= np.asarray(gain.resize(part_wh, Image.Resampling.BILINEAR, box=box))
        part = np.asarray(painted.resize(part_wh, _LANCZOS, box=box)).astype(np.int16)
        part += np.rint(detail).astype(np.int16)[..., None]
        out.paste(Image.fromarray(part.clip(0, 255).astype(np.uint8)), (0, rows.start))
    return out


def agreement(before: Plane, after: Plane) -> Plane:
    """How much of the detail of `before` fits `after`, (H, W) in 0..1.25; both are lightness in 0..255, (H, W).

    1 where a neighbourhood is the same or only lighter or darker, less where it is flatter, 0 where it shows another
    thing. Grain goes with what is even in both.
    """
    mean_before, mean_after = _mean(before), _mean(after)
    spread_before = np.maximum(_mean(before * before) - mean_before**2, 0) + _GRAIN
    spread_after = np.maximum(_mean(after * after) - mean_after**2, 0) + _GRAIN
    together = np.maximum(_mean(before * after) - mean_before * mean_after + _GRAIN, 0)
    explained = np.minimum(together**2 / (spread_before * spread_after), 1)  # R squared of the line
    steeper = np.minimum(np.sqrt(spread_after / spread_before), _MOST)
    return np.asarray(explained * steeper, np.float32)


def _mean(plane: Plane) -> Plane:
    return np.asarray(uniform_filter(plane, _WINDOW_PX, mode="nearest"), np.float32)


def _luma(picture: Image.Image) -> Plane:
    return np.asarray(np.asarray(picture, np.float32) @ _LUMA, np.float32)
