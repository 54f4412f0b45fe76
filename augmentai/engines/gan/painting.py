"""Painting one image in another style, at its full size."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from torch import Tensor

    from augmentai.gan.weights_file import Weights
    from augmentai.images import Photo

_ROUNDING = 4096  # steps per unit of change


@dataclass(frozen=True)
class PreparedSource:
    """What all variations of a source share.

    Attributes:
        thumbnail: the source as the network sees it.
        content: its content code; see `augmentai.gan.network`.
        style: its own style, float32 (1, D).
        painted: its thumbnail painted in its own style.
        pixels: the source at full size, uint8 (3, H, W).
        base: its pixels blurred; see `augmentai.gan.render.blurred_base`.
    """

    thumbnail: Tensor
    content: Tensor
    style: Tensor
    painted: Tensor
    pixels: Tensor
    base: Tensor


def encode(photo: Photo, weights: Weights, device: str) -> tuple[Tensor, Tensor, Tensor]:
    """An image's thumbnail, content code and style, on `device`."""
    import torch

    from augmentai.gan.render import thumbnail

    with torch.inference_mode():
        seen = thumbnail(photo.flattened()).to(device)
        return seen, *weights.generator.encode(seen)


def prepare(photo: Photo, weights: Weights, device: str) -> PreparedSource:
    """Encode a source once for all its variations."""
    import torch

    from augmentai.gan.render import blurred_base, to_pixels

    seen, content, style = encode(photo, weights, device)
    pixels = to_pixels(photo.rgb)
    with torch.inference_mode():
        painted = weights.generator.painter(content, style)
        return PreparedSource(seen, content, style, painted, pixels, blurred_base(pixels))


def paint(
    source: PreparedSource, style: Tensor, weights: Weights, strength: float, seed: int
) -> tuple[Image.Image, float]:
    """Paint a variation.

    It is painted as a thumbnail first, to learn what the new style would be in another light: so each variation has
    its own light, however few donors there are.

    Args:
        source: the encoded source.
        style: the donor's style, float32 (1, D).
        weights: of the network.
        strength: 0 (the source itself) to 1.
        seed: of the light.

    Returns:
        The image, RGB, in the source's size; and the seconds it took.
    """
    import torch

    from augmentai.gan.light import relit_style
    from augmentai.gan.network import smoothed_change
    from augmentai.gan.render import apply_full_size, effect_of, protect_backgrounds, to_image

    begun = time.perf_counter()
    with torch.inference_mode():
        painter = weights.generator.painter
        borrowed = smoothed_change(source.painted, painter(source.content, style))
        light = torch.Generator().manual_seed(seed)
        relit = relit_style(weights.generator, source.thumbnail, borrowed, light)
        change = smoothed_change(source.painted, painter(source.content, relit))[0].cpu()
        change = protect_backgrounds(change, source.pixels, effect_of(strength))
        # Rounded, so that the last bits of a sum (which depend on the number of threads) never reach a pixel.
        change = (change * _ROUNDING).round() / _ROUNDING
        out = apply_full_size(source.pixels, change, effect_of(strength), source.base)
    return to_image(out), time.perf_counter() - begun
