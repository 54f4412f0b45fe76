"""GrabCut (Rother, Kolmogorov and Blake 2004): the outline of an object of which one knows roughly where it is."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from augmentai.operations.bounded_cache import BoundedCache
from augmentai.operations.compositing.packed_mask import PackedMask, packed, unpacked

_ROUNDS = 4
_FOUND_BYTES = 8 << 20  # of outlines that were found before: of some 2,500 objects

_found: BoundedCache[PackedMask] = BoundedCache(_FOUND_BYTES)


def grab_cut(rgb: np.ndarray[Any, Any], marks: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Find an object by its colours. The same arguments give the same pixels.

    It takes some 50 ms, and the objects of a set are looked at again for each variation, so what was found is kept.

    Args:
        rgb: the image.
        marks: for each pixel GC_BGD, GC_FGD (known), GC_PR_BGD or GC_PR_FGD (likely) of OpenCV; not changed.

    Shape:
        rgb: uint8 (H, W, 3); marks: uint8 (H, W); output: bool (H, W).

    Example:
        >>> image = np.zeros((32, 32, 3), np.uint8)
        >>> image[8:24, 8:24] = 200, 30, 30
        >>> marks = np.zeros((32, 32), np.uint8)
        >>> marks[6:26, 6:26] = 3  # likely the object
        >>> int(grab_cut(image, marks).sum())
        256
    """
    key = hashlib.sha256(b"%d," % marks.shape[1] + rgb.tobytes() + marks.tobytes()).digest()
    return unpacked(_found.get(key, lambda: packed(_outline(rgb, marks))))


def _outline(rgb: np.ndarray[Any, Any], marks: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    import cv2

    cv2.setRNGSeed(0)  # the starts of the clusters are drawn
    found: Any = marks.copy()
    ground: Any = np.zeros((1, 65))
    subject: Any = np.zeros((1, 65))
    pixels: Any = np.ascontiguousarray(rgb[..., ::-1])
    where: Any = None
    cv2.grabCut(pixels, found, where, ground, subject, _ROUNDS, cv2.GC_INIT_WITH_MASK)
    return np.isin(found, (cv2.GC_FGD, cv2.GC_PR_FGD))
