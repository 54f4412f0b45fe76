"""Masks of one bit a pixel, for those that are kept."""

from __future__ import annotations

from typing import Any

import numpy as np

PackedMask = tuple[tuple[int, ...], bytes]  # its shape, and its bits


def packed(mask: np.ndarray[Any, Any]) -> PackedMask:
    """A mask in an eighth of its memory.

    Shape:
        mask: bool, of any shape.

    Example:
        >>> packed(np.ones((2, 5), bool))
        ((2, 5), b'\\xff\\xc0')
    """
    return mask.shape, np.packbits(mask).tobytes()


def unpacked(known: PackedMask) -> np.ndarray[Any, Any]:
    """The mask that `packed` was given, as an array of its own.

    Example:
        >>> unpacked(packed(np.array([[True], [False]]))).tolist()
        [[True], [False]]
    """
    shape, bits = known
    return np.unpackbits(np.frombuffer(bits, np.uint8), count=int(np.prod(shape))).reshape(shape).astype(bool)
