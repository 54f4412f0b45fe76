"""The colours of classes, as Pascal VOC has them."""

from __future__ import annotations


def voc_color(value: int) -> tuple[int, int, int]:
    """The colour of a value: its bits 0, 1 and 2 are the highest ones of red, green and blue, and so on.

    Example:
        >>> [voc_color(value) for value in (0, 1, 2, 8)]
        [(0, 0, 0), (128, 0, 0), (0, 128, 0), (64, 0, 0)]
    """
    red, green, blue = (sum((value >> (3 * bit + one) & 1) << (7 - bit) for bit in range(8)) for one in range(3))
    return red, green, blue
