"""What the app does with an image and a change, for tensors: training shows by it what the network paints."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from augmentai.gan.runtime import carry, pixels
from augmentai.gan.runtime.pixels import thumbnail_size_wh
from augmentai.gan.runtime.protect import Backgrounds

__all__ = ["apply_full_size", "protect_backgrounds", "thumbnail", "thumbnail_size_wh", "to_image", "to_pixels"]


def thumbnail(image: Image.Image) -> Tensor:
    """Reduce an RGB image of any size to what the network sees: float (1, 3, h, w) in 0..1."""
    return torch.from_numpy(pixels.thumbnail(image))


def to_pixels(image: Image.Image) -> Tensor:
    """Convert an RGB image to uint8 (3, H, W)."""
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)


def to_image(pixels: Tensor) -> Image.Image:
    """Convert uint8 (3, H, W) to an RGB image.

    Example:
        >>> image = Image.new("RGB", (40, 30), "teal")
        >>> to_image(to_pixels(image)).tobytes() == image.tobytes()
        True
    """
    return Image.fromarray(np.ascontiguousarray(pixels.permute(1, 2, 0).numpy()))


def apply_full_size(pixels: Tensor, change: Tensor, strength: float) -> Tensor:
    """Apply `strength` times a change to an image of any size; see `runtime.carry.apply_full_size`.

    Without gradients: `network.apply_change` is for training.

    Shape:
        pixels, output: uint8 (3, H, W); change: float (28, gh, gw)

    Example:
        >>> grey = to_pixels(Image.new("RGB", (64, 48), (100, 100, 100)))
        >>> change = torch.zeros(28, 3, 4)
        >>> change[0] = 0.5  # the red channel gains half of itself
        >>> apply_full_size(grey, change, 1.0)[:, 0, 0].tolist()
        [150, 100, 100]
    """
    return to_pixels(carry.apply_full_size(carry.Canvas.of(to_image(pixels)), change.numpy(), strength))


def protect_backgrounds(change: Tensor, pixels: Tensor, strength: float = 1.0) -> Tensor:
    """Reduce a change so that black and white backgrounds stay; see `runtime.protect`.

    Shape:
        change, output: float (28, gh, gw); pixels: uint8 (3, H, W)
    """
    return torch.from_numpy(Backgrounds.of(carry.Canvas.of(to_image(pixels))).protect(change.numpy(), strength))
