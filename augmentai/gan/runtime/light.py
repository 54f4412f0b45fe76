"""Simulated light on one thumbnail: what `gan.light` does in training, for the style of a variation.

A seed draws what it drew with torch, whose generator is the Mersenne Twister as well.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from augmentai.gan.runtime.arrays import Array, blur, luma, quantiles
from augmentai.gan.runtime.hinges import apply_change
from augmentai.gan.runtime.network import Network

_LIGHTS, _DARKS = 0.55, 0.45  # luma
_TAIL = 0.05  # share of the pixels
_GAMMA = np.float32(2.2)  # sRGB taken as a power

Draw = Callable[[float, float], np.float32]


def seeded_draws(seed: int) -> Draw:
    """Numbers drawn evenly between two limits, as `torch.rand` draws them one by one with this seed.

    Example:
        >>> draw = seeded_draws(7)
        >>> round(float(draw(0, 1)), 4), round(float(draw(-1, 1)), 4)
        (0.5349, -0.6024)
    """
    generator = np.random.RandomState(seed % 2**32)

    def drawn(low: float, high: float) -> np.float32:
        word = int(generator.randint(0, 2**32, dtype=np.uint32))
        return np.float32(low) + np.float32(high - low) * (np.float32(word % 2**24) / np.float32(2**24))

    return drawn


def random_light(x: Array, drawn: Draw) -> Array:
    """Put an image into another light: exposure, white balance, saturation, contrast, haze or clear air.

    Args:
        x: The image, in 0..1.
        drawn: From `seeded_draws`.

    Shape:
        x, output: float32 (3, h, w)
    """

    def applied(share: float) -> np.float32:
        return np.float32(drawn(0, 1) < share)

    warmth, tint, stops = drawn(-0.45, 0.45), drawn(-0.14, 0.14), drawn(-1.6, 0.9)
    coloured, exposed = applied(0.7), applied(0.7)
    casts = np.array([warmth + tint, -tint, tint - warmth], np.float32)
    gains = (np.exp2(coloured * casts) * np.exp2(exposed * stops)).reshape(3, 1, 1)
    lit = (x.clip(1e-4, 1) ** _GAMMA * gains).clip(0, 1) ** (1 / _GAMMA)
    grey = luma(lit)
    lit = grey + (lit - grey) * (1 + applied(0.5) * drawn(-0.6, 0.5))
    middle = lit.mean(dtype=np.float64).astype(np.float32)
    lit = (middle + (lit - middle) * (1 + applied(0.7) * drawn(-0.5, 0.3))).clip(0, 1)
    air, bright = applied(0.3) * drawn(0.1, 0.5), drawn(0.65, 0.95)
    lit = lit * (1 - air) + air * bright
    detail = applied(0.5) * drawn(-0.8, 0.6)
    return (lit + detail * (lit - blur(lit))).clip(0, 1) if detail else lit.clip(0, 1)


def relit_style(network: Network, x: Array, change: Array, seed: int) -> Array:
    """Compute the style that an image would have after `change`, in another light.

    Args:
        network: The network.
        x: A thumbnail at half its size: the style hardly differs (cosine 0.99) and takes a quarter of the time.
        change: From `network.smoothed_change`.
        seed: Draws the light.

    Shape:
        x: float32 (3, h, w) in 0..1, h and w multiples of 8; change: (28, gh, gw); output: (1, 64).
    """
    lit = random_light(apply_change(x, change).clip(0, 1), seeded_draws(seed))
    return network.encode(limit_exposure(lit, x)[None])[1]


def limit_exposure(lit: Array, x: Array) -> Array:
    """Keep `lit` visible, as `gan.light.limit_exposure` does: (3, h, w) in 0..1 each."""
    darkest_of_x, lightest_of_x = quantiles(luma(x), (_TAIL, 1 - _TAIL))
    lightest, darkest = min(lightest_of_x, _LIGHTS), max(darkest_of_x, _DARKS)
    (light,) = quantiles(luma(lit), (1 - _TAIL,))
    brighter = np.float32(max(lightest / max(light, 1e-3), 1))
    if brighter > 1:
        lit = (lit * brighter).clip(0, 1)
    (dark,) = quantiles(luma(lit), (_TAIL,))
    darker = np.float32(max((1 - darkest) / max(1 - dark, 1e-3), 1))
    return 1 - ((1 - lit) * darker).clip(0, 1) if darker > 1 else lit
