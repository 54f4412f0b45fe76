"""A picture that a model painted smaller than its source, enlarged with the fine detail that the source still has.

Models paint at a quarter of a megapixel to a few. Enlarged from there, every variation of a larger photo would be soft:
whoever trains on it learns that synthetic means soft, and small things that are labelled are gone.

Near every pixel the painted picture is taken as a straight line over the reduced source, as in the guided filter (He,
Sun, Tang: Guided Image Filtering, PAMI 2013), whose slope carries the source's detail over. Here the slope is weighed
by how well the line fits, squared, so that where the model painted something else the source does not show through. A
texture finer than the small pictures can hold says nothing of whether it is still meant: it is carried over only where
there is a line to fit at all.
"""

from __future__ import annotations

from threading import BoundedSemaphore
from typing import Any

import numpy as np
from PIL import Image, ImageChops

from augmentai.images.photo import strips
from augmentai.system.cpu import usable_cores

_WINDOW_PX = 9  # of the small pictures, over which they are compared
_EVEN = 4.0  # variance in levels of 255, squared: what is as even as that agrees with anything as even
_GRAIN = 36.0  # the same of lost detail that may be a camera's noise, and is carried over where both are even
_FINER = 30.0  # by so much the variance of lost detail may exceed what the small pictures share
_MOST = 1.25  # detail is made stronger by so much at most, where the model raised the contrast
_SPREAD = 1.25  # standard deviation of detail over its mean size, for the normal distribution

_STRIP_PX = 1 << 18  # a strip takes some 6 MB; larger ones were slower

_AT_ONCE = BoundedSemaphore(usable_cores())  # more would be no faster, and each takes its buffers

_LANCZOS = Image.Resampling.LANCZOS

Plane = np.ndarray[Any, np.dtype[np.float32]]


def loses_detail(source_wh: tuple[int, int], painted_wh: tuple[int, int]) -> bool:
    """Has a source of this size anything that a picture painted at that size could not hold?"""
    return painted_wh[0] < source_wh[0] or painted_wh[1] < source_wh[1]


def enlarge(painted: Image.Image, reduced: Image.Image, source: Image.Image) -> Image.Image:
    """`painted` at the size of `source`, as sharp as that where both show the same. All are RGB.

    reduced: `source` at the size of `painted`. Only lightness is carried over: colours are the model's to choose, and a
    red thing that it painted grey must not get red edges. Raises ValueError for sizes that differ.
    """
    if painted.size != reduced.size:
        raise ValueError(f"painted is {painted.size}, reduced {reduced.size}; expected the same size")
    if painted.size == source.size:
        return painted
    if not loses_detail(source.size, painted.size):
        return painted.resize(source.size, _LANCZOS)
    with _AT_ONCE:
        return _with_detail(painted, reduced, source)


def _with_detail(painted: Image.Image, reduced: Image.Image, source: Image.Image) -> Image.Image:
    before, grey = reduced.convert("L"), source.convert("L")
    coarse = before.resize(source.size, _LANCZOS)
    lost = ImageChops.difference(grey, coarse).resize(painted.size, Image.Resampling.BOX)
    gain = Image.fromarray(agreement(before, painted.convert("L"), lost))
    width, height = source.size
    scale = painted.height / height
    out = Image.new("RGB", source.size)
    for rows in strips((height, width), _STRIP_PX):
        bottom = min(rows.stop, height)
        # Resampling looks beyond the box, so that strips meet without a seam.
        box = (0, rows.start * scale, painted.width, min(bottom * scale, painted.height))
        part_wh, place = (width, bottom - rows.start), (0, rows.start, width, bottom)
        detail = np.asarray(grey.crop(place), np.float32)
        detail -= np.asarray(coarse.crop(place))
        detail *= np.asarray(gain.resize(part_wh, Image.Resampling.BILINEAR, box=box))
        part = np.asarray(painted.resize(part_wh, _LANCZOS, box=box)).astype(np.int16)
        part += np.rint(detail).astype(np.int16)[..., None]
        out.paste(Image.fromarray(part.clip(0, 255).astype(np.uint8)), (0, rows.start))
    return out


def agreement(before: Image.Image, after: Image.Image, lost: Image.Image) -> Plane:
    """How much of the detail that `before` lost fits `after`: (H, W) in 0..1.25. All are lightness, of one size.

    lost: the mean size of that detail, near each pixel. 1 where a neighbourhood is the same or only lighter or darker,
    less where it is flatter, or where far more was lost than is left to tell by; near 0 where it shows another thing.
    Where both are even a camera's grain is carried over, and little of anything stronger.
    """
    found = np.empty((before.height, before.width), np.float32)
    margin = _WINDOW_PX // 2
    for rows in strips(found.shape, _STRIP_PX):
        top, bottom = max(0, rows.start - margin), min(before.height, rows.stop + margin)
        part = [np.asarray(each.crop((0, top, each.width, bottom)), np.float32) for each in (before, after, lost)]
        found[rows] = _agreement(*part)[rows.start - top :][: rows.stop - rows.start]
    return found


def _agreement(before: Plane, after: Plane, lost: Plane) -> Plane:
    mean_before, mean_after = _mean(before), _mean(after)
    spread_before = np.maximum(_mean(before * before) - mean_before**2, 0) + _EVEN
    spread_after = np.maximum(_mean(after * after) - mean_after**2, 0) + _EVEN
    together = np.maximum(_mean(before * after) - mean_before * mean_after, 0)
    explained = np.minimum((together + _EVEN) ** 2 / (spread_before * spread_after), 1)  # R squared of the line
    steeper = np.minimum(np.sqrt(spread_after / spread_before), _MOST)
    spread_lost = np.maximum(_mean((_SPREAD * lost) ** 2), 1e-6)
    trusted = np.minimum((_FINER * together + _GRAIN) / spread_lost, 1)
    return np.asarray(explained * steeper * trusted, np.float32)


def _mean(plane: Plane) -> Plane:
    from scipy.ndimage import uniform_filter  # takes a quarter of a second, which whoever opens the page need not wait

    return np.asarray(uniform_filter(plane, _WINDOW_PX, mode="nearest"), np.float32)
