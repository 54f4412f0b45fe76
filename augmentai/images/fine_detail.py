"""Enlarging an image that a model painted smaller than its source, with the fine detail that the source still has.

Models paint at a quarter of a megapixel to a few. Merely enlarged, every variation of a larger photo would be soft: a
model trained on it learns that synthetic means soft, and small labelled objects are lost.

Near every pixel the painted image is modelled as a linear function of the reduced source, as in the guided filter (He,
Sun, Tang: Guided Image Filtering, PAMI 2013), and its slope carries the source's detail over. Here the slope is
weighted by how well the line fits (R squared), so that the source does not show through where the model painted
something else. A texture finer than the small images can hold gives no evidence of whether it is still wanted: it is
carried over only where there is a line to fit at all.
"""

from __future__ import annotations

from threading import BoundedSemaphore
from typing import Any

import numpy as np
from PIL import Image, ImageChops

from augmentai.images.strips import strips
from augmentai.system.cpu import usable_cores

_WINDOW_PX = 9  # of the small images: the window over which they are compared
_FLAT_VARIANCE = 4.0  # squared levels of 255: two windows as flat as this always agree
_GRAIN_VARIANCE = 36.0  # squared levels: lost detail up to this may be camera grain, and is kept where both are flat
_MAX_VARIANCE_RATIO = 30.0  # how far the variance of the lost detail may exceed what the small images share
_MAX_GAIN = 1.25  # where the model raised the contrast, detail is amplified by at most this
_RMS_PER_MEAN = 1.25  # root mean square over mean size, for normally distributed detail

_STRIP_PX = 1 << 18  # a strip takes some 6 MB; larger ones were slower

_RUNNING = BoundedSemaphore(usable_cores())  # more at once would be no faster, and each needs its buffers

_LANCZOS = Image.Resampling.LANCZOS

Plane = np.ndarray[Any, np.dtype[np.float32]]


def loses_detail(source_wh: tuple[int, int], painted_wh: tuple[int, int]) -> bool:
    """Can an image painted at `painted_wh` not hold all the detail of a source of `source_wh`?

    Example:
        >>> loses_detail((4000, 3000), (1024, 768)), loses_detail((640, 480), (1024, 768))
        (True, False)
    """
    return painted_wh[0] < source_wh[0] or painted_wh[1] < source_wh[1]


def enlarge(painted: Image.Image, reduced: Image.Image, source: Image.Image) -> Image.Image:
    """Enlarge `painted` to the size of `source`, as sharp as the source where both show the same content.

    Only lightness is carried over: colours are the model's choice, and a red object that it painted grey must not get
    red edges.

    Args:
        painted: What the model made of the source, RGB.
        reduced: `source` at the size of `painted`, RGB.
        source: The source at its full size, RGB.

    Returns:
        An RGB image of the source's size.

    Raises:
        ValueError: `painted` and `reduced` differ in size.

    Example:
        >>> source = Image.effect_noise((90, 60), 40).convert("RGB")
        >>> reduced = source.resize((30, 20), Image.Resampling.LANCZOS)
        >>> enlarge(reduced, reduced, source).size
        (90, 60)
    """
    if painted.size != reduced.size:
        raise ValueError(f"painted is {painted.size}, reduced {reduced.size}; expected the same size")
    if painted.size == source.size:
        return painted
    if not loses_detail(source.size, painted.size):
        return painted.resize(source.size, _LANCZOS)
    with _RUNNING:
        return _with_detail(painted, reduced, source)


def _with_detail(painted: Image.Image, reduced: Image.Image, source: Image.Image) -> Image.Image:
    before, grey = reduced.convert("L"), source.convert("L")
    coarse = before.resize(source.size, _LANCZOS)
    lost = ImageChops.difference(grey, coarse).resize(painted.size, Image.Resampling.BOX)
    gain = Image.fromarray(detail_gain(before, painted.convert("L"), lost))
    width, height = source.size
    scale = painted.height / height
    out = Image.new("RGB", source.size)
    for rows in strips((height, width), _STRIP_PX):
        bottom = min(rows.stop, height)
        # Resampling reads beyond the box, so that strips meet without a seam.
        box = (0, rows.start * scale, painted.width, min(bottom * scale, painted.height))
        part_wh, region = (width, bottom - rows.start), (0, rows.start, width, bottom)
        detail = np.asarray(grey.crop(region), np.float32)
        detail -= np.asarray(coarse.crop(region))
        detail *= np.asarray(gain.resize(part_wh, Image.Resampling.BILINEAR, box=box))
        part = np.asarray(painted.resize(part_wh, _LANCZOS, box=box)).astype(np.int16)
        part += np.rint(detail).astype(np.int16)[..., None]
        out.paste(Image.fromarray(part.clip(0, 255).astype(np.uint8)), (0, rows.start))
    return out


def detail_gain(before: Image.Image, after: Image.Image, lost: Image.Image) -> Plane:
    """Compute how much of the detail that `before` lost fits `after`.

    1 where a neighbourhood is unchanged or only lighter or darker; less where it is flatter, or where much more detail
    was lost than is left to judge by; near 0 where it shows something else. Where both are flat, a camera's grain is
    carried over, and little of anything stronger.

    Args:
        before: Lightness of the reduced source, mode "L".
        after: Lightness of the painted image, mode "L", same size.
        lost: Mean absolute size of the lost detail near each pixel, mode "L", same size.

    Returns:
        The gain to apply to the detail.

    Shape:
        float32 (H, W) in 0..1.25
    """
    found = np.empty((before.height, before.width), np.float32)
    margin = _WINDOW_PX // 2
    for rows in strips(found.shape, _STRIP_PX):
        top, bottom = max(0, rows.start - margin), min(before.height, rows.stop + margin)
        part = [np.asarray(each.crop((0, top, each.width, bottom)), np.float32) for each in (before, after, lost)]
        found[rows] = _detail_gain(*part)[rows.start - top :][: rows.stop - rows.start]
    return found


def _detail_gain(before: Plane, after: Plane, lost: Plane) -> Plane:
    mean_before, mean_after = _mean(before), _mean(after)
    variance_before = np.maximum(_mean(before * before) - mean_before**2, 0) + _FLAT_VARIANCE
    variance_after = np.maximum(_mean(after * after) - mean_after**2, 0) + _FLAT_VARIANCE
    covariance = np.maximum(_mean(before * after) - mean_before * mean_after, 0)
    r_squared = np.minimum((covariance + _FLAT_VARIANCE) ** 2 / (variance_before * variance_after), 1)
    slope = np.minimum(np.sqrt(variance_after / variance_before), _MAX_GAIN)
    variance_lost = np.maximum(_mean((_RMS_PER_MEAN * lost) ** 2), 1e-6)
    plausible = np.minimum((_MAX_VARIANCE_RATIO * covariance + _GRAIN_VARIANCE) / variance_lost, 1)
    return np.asarray(r_squared * slope * plausible, np.float32)


def _mean(plane: Plane) -> Plane:
    from scipy.ndimage import uniform_filter  # a quarter of a second, which the start of the page must not cost

    return np.asarray(uniform_filter(plane, _WINDOW_PX, mode="nearest"), np.float32)
