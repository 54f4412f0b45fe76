"""Simulated light: how another time of day, another sky and another camera would have recorded the same scene."""

from __future__ import annotations

import torch
from torch import Tensor

from augmentai.gan.network import blur, luma

_LIGHTS, _DARKS = 0.55, 0.45  # luma
_TAIL = 0.05  # share of the pixels


def random_light(x: Tensor, rng: torch.Generator, chance: float = 0.5) -> Tensor:
    """Put some images of a batch into another light: exposure, white balance, saturation, contrast, haze or clear air.

    A photo collection contains few dawns and fogs; these widen the range of styles, for donors and for the
    discriminator's real images alike. Exposure and white balance act on linear light (sRGB taken as gamma 2.2). The
    ranges are what cameras and weather do to one scene; each effect is skipped for a share of the images.

    Args:
        x: Images in 0..1.
        rng: Source of all random numbers.
        chance: Probability that an image is changed at all.

    Returns:
        Images in 0..1.

    Shape:
        x, output: (B, 3, H, W)

    Example:
        >>> x = torch.full((1, 3, 16, 16), 0.5)
        >>> lit = random_light(x, torch.Generator().manual_seed(1), chance=1.0)
        >>> lit.shape, bool((lit - x).abs().max() > 0.01)
        (torch.Size([1, 3, 16, 16]), True)
    """

    def drawn(low: float, high: float) -> Tensor:
        return (low + (high - low) * torch.rand(len(x), 1, 1, 1, generator=rng)).to(x)

    def applied(share: float) -> Tensor:
        return (drawn(0, 1) < share).to(x)

    warmth, tint, stops = drawn(-0.45, 0.45), drawn(-0.14, 0.14), drawn(-1.6, 0.9)
    coloured, exposed = applied(0.7), applied(0.7)
    gains = 2 ** (coloured * torch.cat([warmth + tint, -tint, tint - warmth], 1)) * 2 ** (exposed * stops)
    lit = (x.clamp(1e-4, 1) ** 2.2 * gains).clamp(0, 1) ** (1 / 2.2)
    grey = luma(lit)
    lit = grey + (lit - grey) * (1 + applied(0.5) * drawn(-0.6, 0.5))
    middle = lit.mean((1, 2, 3), keepdim=True)
    lit = (middle + (lit - middle) * (1 + applied(0.7) * drawn(-0.5, 0.3))).clamp(0, 1)
    air, bright = applied(0.3) * drawn(0.1, 0.5), drawn(0.65, 0.95)
    lit = lit * (1 - air) + air * bright
    lit = (lit + applied(0.5) * drawn(-0.8, 0.6) * (lit - blur(lit))).clamp(0, 1)
    return torch.where(drawn(0, 1) < chance, lit, x)


def limit_exposure(lit: Tensor, x: Tensor) -> Tensor:
    """Keep `lit` visible: its highlights no darker than `_LIGHTS` and its shadows no lighter than `_DARKS`.

    Where `x` itself is darker or lighter than that, its own levels are the limit. A dark donor and a dark light
    together would leave too little to be seen, as would two fogs. Highlights are the luma that a twentieth of the
    pixels exceed, shadows that which a twentieth stay below. What is too dark is multiplied; what is too light is
    multiplied as a negative: as far as no channel of a coloured light clips. Where both apply, shadows have the last
    word.

    Shape:
        lit, x, output: (B, 3, H, W) in 0..1
    """

    def quantile(image: Tensor, share: float) -> Tensor:
        return torch.quantile(luma(image).flatten(1), share, dim=1).view(-1, 1, 1, 1)

    lightest, darkest = quantile(x, 1 - _TAIL).clamp(max=_LIGHTS), quantile(x, _TAIL).clamp(min=_DARKS)
    brighter = (lightest / quantile(lit, 1 - _TAIL).clamp(min=1e-3)).clamp(min=1)
    lit = (lit * brighter).clamp(0, 1)
    darker = ((1 - darkest) / (1 - quantile(lit, _TAIL)).clamp(min=1e-3)).clamp(min=1)
    return 1 - ((1 - lit) * darker).clamp(0, 1)
