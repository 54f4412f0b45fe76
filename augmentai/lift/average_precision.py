"""Average precision of cells, and how much each image has to do with it.

Average precision is no mean over images, so that its interval cannot come from resampling scores of images. It comes
from the infinitesimal jackknife (B. Efron, "The jackknife, the bootstrap and other resampling plans", 1982, chapter 6):
each image has a weight, and the derivative of the average precision by that weight, times the number of images, is what
the image adds to it. These pseudo-values have the average precision as their mean and may be resampled like scores. It
is a first-order approximation: with few images of a class, intervals are approximate.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float32]]
Bools = np.ndarray[Any, np.dtype[np.bool_]]
Ints = np.ndarray[Any, np.dtype[np.int64]]


def pseudo_values(scores: Floats, positive: Bools, image: Ints, images: int) -> Floats:
    """What each image adds to the average precision of all cells.

    With cells in descending order of their scores, P_i the precision among the first i and n positive cells,
    AP = sum of P_i over positive cells / n, and by the weight of cell j
    dAP/dw_j = (y_j (P_j - AP) + sum over positive i >= j of (y_j - P_i) / i) / n.

    Args:
        scores: of the cells.
        positive: whether each is of the class; at least one is.
        image: the number of the image that each is in.
        images: how many there are.

    Returns:
        Values whose mean is the average precision, 0 to 1; single ones may be beyond that.

    Shape:
        scores, positive, image: (cells,); output: float32 (images,).

    Example:
        >>> scores, positive = np.float32([0.9, 0.8, 0.3, 0.1]), np.array([True, False, True, False])
        >>> round(float(pseudo_values(scores, positive, np.array([0, 0, 1, 1]), images=2).mean()), 3)
        0.833
    """
    order = np.argsort(-scores, kind="stable")
    hit = positive[order].astype(np.float64)
    rank = np.arange(1, len(hit) + 1)
    precision = np.cumsum(hit) / rank
    count = hit.sum()
    found = float((precision * hit).sum() / count)
    hits_below, precision_below = _suffix_sums(hit / rank), _suffix_sums(hit * precision / rank)
    derivative = (hit * (precision - found) + hit * hits_below - precision_below) / count
    of_image = np.bincount(image[order], derivative, images)
    return (found + images * of_image).astype(np.float32)


def _suffix_sums(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.cumsum(values[::-1])[::-1]
