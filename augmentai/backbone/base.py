"""What every backbone offers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np


class BackboneError(RuntimeError):
    """A backbone cannot be used; the message says which, why, and what to do."""


class Backbone(Protocol):
    """A frozen network that turns images into features.

    Attributes:
        name: As `load_backbone` takes it.
        side_px: Side of the squares that it was made for.
        width: Features per image.
    """

    @property
    def name(self) -> str: ...

    @property
    def side_px(self) -> int: ...

    @property
    def width(self) -> int: ...

    def features(self, images: np.ndarray) -> np.ndarray:
        """Features of whole images, averaged over the image and not normalised.

        Args:
            images: RGB; any number of them, worked on in small batches.

        Raises:
            ValueError: The array has another type or shape.

        Shape:
            images: uint8 (N, S, S, 3), see `augmentai.backbone.square`; output: float32 (N, width).
        """
        ...

    def cells(self, images: np.ndarray) -> np.ndarray:
        """Features of the parts of images: for each cell of 16 x 16 pixels or, with other networks, each patch.

        Args:
            images: RGB.

        Raises:
            ValueError: The array has another type or shape.

        Shape:
            images: uint8 (N, S, S, 3), S a multiple of 32; output: float32 (N, S/16, S/16, C).
        """
        ...


def batches(images: np.ndarray, multiple_px: int, pixels: int) -> Iterator[np.ndarray]:
    """Check images and pass them on in batches whose size keeps memory flat.

    Args:
        images: What a caller gave.
        multiple_px: What the side must be a multiple of.
        pixels: Of a batch, about.

    Raises:
        ValueError: The array has another type or shape; the message says which was expected.

    Example:
        >>> [len(batch) for batch in batches(np.zeros((5, 32, 32, 3), np.uint8), 32, pixels=2048)]
        [2, 2, 1]
    """
    right = images.ndim == 4 and images.shape[1] == images.shape[2] and images.shape[3] == 3
    if not right or images.dtype != np.uint8 or images.shape[1] % multiple_px or not images.shape[1]:
        expected = f"uint8 (N, S, S, 3), S a multiple of {multiple_px}"
        raise ValueError(f"images are {images.dtype} {images.shape}, expected {expected}")
    size = max(1, pixels // images.shape[1] ** 2)
    for start in range(0, len(images), size):
        yield images[start : start + size]
