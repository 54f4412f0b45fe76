"""Numbers with their nouns, for messages and notices."""

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
