"""What keeps labels valid with instruction editors, which shift and zoom pictures that they were to leave in place.

Edges are compared, since light and colours are what an edit changes. The whole image shows a shift; its four quarters
show a zoom, which moves them apart.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from augmentai.engines.base import Task

MOST_SHIFT = 0.01  # of a side
_SIDE_PX = 512
_LEAST_SIDE_PX = 32  # below it a quarter shows too little
_LEAST_RESPONSE = 0.15  # of the peak of the correlation: a lower one says nothing about the place


def measured_shift(before: Image.Image, after: Image.Image) -> float:
    """The largest shift of an image or one of its quarters, as a share of the image's side.

    Args:
        before: RGB.
        after: RGB, of the same size.

    Returns:
        0 where nothing can be measured, since an image without edges has no place to lose.

    Example:
        >>> noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (24, 32, 3), dtype=np.uint8))
        >>> image = noise.resize((320, 240))
        >>> measured_shift(image, image), measured_shift(image, image.transform(image.size, 0, (1, 0, -16, 0, 1, 0)))
        (0.0, 0.05)
    """
    scale = min(1.0, _SIDE_PX / max(before.size))
    size = max(1, round(before.width * scale)), max(1, round(before.height * scale))
    first, second = (_edges(image.resize(size)) for image in (before, after))
    height, width = first.shape
    parts = [(slice(0, height), slice(0, width))]
    if min(height, width) >= 2 * _LEAST_SIDE_PX:
        halves_y, halves_x = ((slice(0, n // 2), slice(n - n // 2, n)) for n in (height, width))
        parts += [(rows, columns) for rows in halves_y for columns in halves_x]
    found = [_shift(first[part], second[part]) for part in parts]
    return round(max(max(abs(x) / width, abs(y) / height) for x, y in found), 4)


def _edges(image: Image.Image) -> np.ndarray[Any, Any]:
    import cv2

    grey = cv2.GaussianBlur(np.asarray(image.convert("L"), np.float32), (0, 0), 1.0)
    across, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    return np.asarray(np.hypot(across, down), np.float32)


def _shift(before: np.ndarray[Any, Any], after: np.ndarray[Any, Any]) -> tuple[float, float]:
    """Pixels to the right and down; 0 where they do not correlate."""
    import cv2

    if min(before.std(), after.std()) < 1.0 or min(before.shape) < _LEAST_SIDE_PX // 2:
        return 0.0, 0.0
    window = cv2.createHanningWindow(before.shape[::-1], cv2.CV_32F)
    (x, y), response = cv2.phaseCorrelate(before - before.mean(), after - after.mean(), window)
    return (float(x), float(y)) if response >= _LEAST_RESPONSE else (0.0, 0.0)


def why_not_edited(task: Task) -> str:
    """Why a labelled image is not sent: nothing would notice that an object has moved; "" if something would."""
    labels, recipe = task.labels, task.recipe
    if labels is None or not (labels.shapes or labels.masks) or task.region is not None:
        return ""
    if labels.shapes and recipe.filters and recipe.drift == "reject":
        return ""
    needs = "--repaint background" if labels.masks else "--repaint background, or the filters with --drift reject"
    return f"an instruction editor may move what is labelled; labelled images need {needs}"


def has_moved(shift: float) -> str:
    """Why an edited image is rejected, in words.

    Example:
        >>> has_moved(0.042)
        'the editor moved or zoomed the image by 4.2% of a side; at most 1% is allowed'
    """
    return f"the editor moved or zoomed the image by {shift:.1%} of a side; at most {MOST_SHIFT:.0%} is allowed"
