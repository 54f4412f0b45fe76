"""Checks of what an operation returned: another package's code may return anything."""

from __future__ import annotations

import json
from math import isfinite
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image


def plain_drawn(drawn: Any) -> Any:
    """What an operation drew, as it will be read from the manifest, so that both give the same pixels.

    Raises:
        TypeError, ValueError: JSON cannot hold it.

    Example:
        >>> plain_drawn({"at": (1, 2)})
        {'at': [1, 2]}
    """
    return json.loads(json.dumps(drawn, allow_nan=False))


def fault_in_drawn(drawn: Any, borrows: bool) -> str:
    """What is wrong with what an operation drew, in words; "" if nothing is.

    Args:
        drawn: from `plain_drawn`.
        borrows: the operation is one that borrows.
    """
    if drawn is None:
        return ""
    if not isinstance(drawn, dict):
        return f"drew {type(drawn).__name__}; expected a dictionary or None"
    if borrows and not _names_donors(drawn.get("donors")):
        return "drew no list of donors; expected [Donor.as_record(), ...] under 'donors'"
    return ""


def _names_donors(donors: Any) -> bool:
    return isinstance(donors, list) and all(
        isinstance(one, dict) and {"path", "sha256"} <= one.keys() for one in donors
    )


def fault_in_image(made: Any, image: Image) -> str:
    """What is wrong with the image that an operation returned, in words; "" if nothing is.

    Args:
        made: what was returned.
        image: what it was made from.
    """
    if (getattr(made, "mode", None), getattr(made, "size", None)) == (image.mode, image.size):
        return ""
    known = hasattr(made, "mode") and hasattr(made, "size")
    found = f"an image of {_mode_and_size(made)}" if known else f"a {type(made).__name__} as the image"
    return f"returned {found}; expected {_mode_and_size(image)}"


def _mode_and_size(image: Image) -> str:
    return f"{image.mode} {image.width}x{image.height}"


def fault_in_labels(moved: Any, labels: Any) -> str:
    """What is wrong with the labels that an operation returned, in words; "" if nothing is.

    Args:
        moved: what was returned.
        labels: those before.
    """
    if moved is labels:
        return ""
    if moved is None:
        return "lost the labels; it has to return them, moved or as they are"
    if labels is None:
        return "returned labels for an image that has none"
    if not isinstance(moved, type(labels)):
        return f"returned a {type(moved).__name__} as the labels; expected Labels"
    for shape in moved.shapes:
        numbers = (*(shape.box or ()), *(value for ring in shape.polygons for point in ring for value in point))
        if not all(map(isfinite, numbers)):
            return f"returned an object {shape.category!r} whose coordinates are not finite numbers"
    return ""
