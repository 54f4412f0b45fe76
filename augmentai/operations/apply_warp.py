"""Applies a warp to an image and its labels at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augmentai.operations.warp import Warp

if TYPE_CHECKING:
    from PIL.Image import Image

    from augmentai.annotations import Labels


def apply_warp(
    warp: Warp, image: Image, labels: Labels | None, least_visible: float = 0.3
) -> tuple[Image, Labels | None]:
    """An image and its labels, moved alike.

    Args:
        warp: how the pixels move.
        image: of the warp's size and any mode.
        labels: in the image's pixels, None if it has none.
        least_visible: 0 to 1; an object of which a smaller share stays visible loses its label.

    Returns:
        The moved image and labels; the same objects if nothing moves.
    """
    if labels is not None and not warp.is_identity:
        from augmentai.operations.move_labels import move_labels  # loads shapely

        labels = move_labels(warp, labels, least_visible)
    return warp.image(image), labels
