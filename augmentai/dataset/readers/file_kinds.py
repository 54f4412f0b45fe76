"""What a file is, from its name or its first bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath

from augmentai.dataset.content import read_head
from augmentai.images.file_types import IMAGE_SUFFIXES, IMAGE_TYPES, RAW_SUFFIXES, detect_type

_ACCEPTED_SUFFIXES = IMAGE_SUFFIXES | set(RAW_SUFFIXES)


def may_be_image(name: str, read_start: Callable[[], bytes]) -> bool:
    """Whether a file is treated as an image.

    Args:
        name: its name. If it has an ending, that decides.
        read_start: returns the first bytes of a file without an ending ("0001", "frame.12").

    Example:
        >>> may_be_image("a.JPG", bytes), may_be_image("notes.txt", bytes), may_be_image("0001", bytes)
        (True, False, False)
    """
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in _ACCEPTED_SUFFIXES or name.lower() in _ACCEPTED_SUFFIXES:
        return True
    return (not suffix or suffix[1:].isdigit()) and detect_type(read_start()) in IMAGE_TYPES


def is_zip(path: Path) -> bool:
    """Whether a file is read as a ZIP: by its content, or by its name if the content says nothing.

    A ZIP called a.jpg is not: it is refused when it is decoded as an image.
    """
    suffix, kind = path.suffix.lower(), detect_type(read_head(path))
    return kind not in IMAGE_TYPES if suffix == ".zip" else kind == "ZIP" and suffix not in _ACCEPTED_SUFFIXES
