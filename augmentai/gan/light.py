"""Simulated light: what another hour, another sky and another camera would have made of the same place."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from augmentai.gan.network import Generator, apply_change, blur, luma

_LIGHTS, _DARKS = 0.55, 0.45  # luma
_FEW = 0.05  # of the pixels


def random_light(x: Tensor, rng: torch.Generator, chance: float = 0.5) -> Tensor:
    """Some of the batch in another light: exposure, white balance, saturation, contrast, haze, mist or clear air.

    (B, 3, H, W) in 0..1, the same out. A photo collection holds few dawns and fogs; these widen what 'style' can mean,
    for donors and for the discriminator's real pictures alike. Exposure and balance act on linear light (sRGB taken as
    gamma 2.2). The ranges are what cameras and weather do to one place; each kind is left out now and then.
    """

    def drawn(low: float, high: float) -> Tensor:
        return (low + (high - low) * torch.rand(len(x), 1, 1, 1, generator=rng)).to(x)

    def now_and_then(share: float) -> Tensor:
        return (drawn(0, 1) < share).to(x)

    warmth, tint, stops = drawn(-0.45, 0.45), drawn(-0.14, 0.14), drawn(-1.6, 0.9)
    coloured, exposed = now_and_then(0.7), now_and_then(0.7)
    gains = 2 ** (coloured * torch.cat([warmth + tint, -tint, tint - warmth], 1)) * 2 ** (exposed * stops)
    lit = (x.clamp(1e-4, 1) ** 2.2 * gains).clamp(0, 1) ** (1 / 2.2)
    grey = luma(lit)
    lit = grey + (lit - grey) * (1 + now_and_then(0.5) * drawn(-0.6, 0.5))
    middle = lit.mean((1, 2, 3), keepdim=True)
    lit = (middle + (lit - middle) * (1 + now_and_then(0.7) * drawn(-0.5, 0.3))).clamp(0, 1)
    air, bright = now_and_then(0.3) * drawn(0.1, 0.5), drawn(0.65, 0.95)
    lit = lit * (1 - air) + air * bright
    lit = (lit + now_and_then(0.5) * drawn(-0.8, 0.6) * (lit - blur(lit))).clamp(0, 1)
    return torch.where(drawn(0, 1) < chance, lit, x)


@torch.inference_mode()
def relit_style(generator: Generator, x: Tensor, change: Tensor, rng: torch.Generator) -> Tensor:
    """The style that a picture would have after `change`, were it then put into another light, drawn from `rng`.

    x: a thumbnail (1, 3, h, w) in 0..1, h and w multiples of 16; change: (1, 28, gh, gw). Returns (1, 64).
    Worked out at half the side: the style hardly differs (cosine 0.99) and it takes a quarter of the time.
    """
    small = F.avg_pool2d(x, 2)
    lit = random_light(apply_change(small, change).clamp(0, 1), rng, chance=1.0)
    return generator.encode(limit_exposure(lit, small))[1]


def limit_exposure(lit: Tensor, x: Tensor) -> Tensor:
    """`lit` with its lights no darker than `_LIGHTS` and its darks no lighter than `_DARKS`, unless those of `x` are.

    (B, 3, H, W) in 0..1, both and the result. A dark donor and a dark light together would leave too little to be
    seen, as would two fogs. Lights are the luma that a twentieth of the pixels pass, darks that which a twentieth stay
    below. What is too dark is multiplied, what is too light is so as a negative: as far as no channel of a coloured
    light clips, and where both are at work the darks have the last word.
    """

    def at(picture: Tensor, place: float) -> Tensor:
        return torch.quantile(luma(picture).flatten(1), place, dim=1).view(-1, 1, 1, 1)

    least, most = at(x, 1 - _FEW).clamp(max=_LIGHTS), at(x, _FEW).clamp(min=_DARKS)
    brighter = (least / at(lit, 1 - _FEW).clamp(min=1e-3)).clamp(min=1)
    lit = (lit * brighter).clamp(0, 1)
    darker = ((1 - most) / (1 - at(lit, _FEW)).clamp(min=1e-3)).clamp(min=1)
    return 1 - ((1 - lit) * darker).clamp(0, 1)
