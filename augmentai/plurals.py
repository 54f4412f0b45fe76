"""Numbers with their nouns, and times, for messages and notices."""

from __future__ import annotations


def counted(count: int, noun: str, plural: str = "") -> str:
    """A number with its noun.

    Args:
        count: how many.
        noun: the noun in the singular.
        plural: its plural; by default with an "s" added.

    Returns:
        Both, with a separator between thousands.

    Example:
        >>> counted(1, "image"), counted(2_000, "image"), counted(0, "class", "classes")
        ('1 image', '2,000 images', '0 classes')
    """
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def duration(seconds: float) -> str:
    """A rounded time.

    Example:
        >>> [duration(seconds) for seconds in (0.2, 12.4, 185, 5400)]
        ['1 s', '12 s', '3 min', '1.5 h']
    """
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
