"""Simulated light: what `gan.light` does in training, for the style of a variation.

A seed draws what it drew with torch, whose generator is the Mersenne Twister as well.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from augmentai.gan.layout import LUMA_QUANTILES
from augmentai.gan.runtime.arrays import Array, blur, half_size, luma, quantiles
from augmentai.gan.runtime.hinges import enlarging, parts_of
from augmentai.gan.runtime.network import Network, Started

_LIGHTS, _DARKS = 0.55, 0.45  # luma
_TAIL = 0.05  # share of the pixels
_GAMMA = 2.2  # sRGB taken as a power

_MOST_DRAWS = 32  # of one seed; a light takes half as many

Draw = Callable[[float, float], np.float32]

_own = threading.local()  # a generator in each thread


def seeded_draws(seed: int) -> Draw:
    """Numbers drawn evenly between two limits, as `torch.rand` draws them one by one with this seed: up to 32.

    Example:
        >>> draw = seeded_draws(7)
        >>> round(float(draw(0, 1)), 4), round(float(draw(-1, 1)), 4)
        (0.5349, -0.6024)
    """
    if (generator := getattr(_own, "generator", None)) is None:
        generator = _own.generator = np.random.RandomState()  # which takes longer to make than to seed
    generator.seed(seed % 2**32)
    words = iter(generator.randint(0, 2**32, _MOST_DRAWS, np.uint32).tolist())

    def drawn(low: float, high: float) -> np.float32:
        share = np.float32(next(words) % 2**24) / np.float32(2**24)
        return np.float32(low) + np.float32(high - low) * share

    return drawn


@dataclass(frozen=True)
class Light:
    """Another light: exposure, white balance, saturation, contrast, haze or clear air, in the order they are applied.

    Attributes:
        log_gains: Logarithm of what each channel is multiplied by, gamma 1/2.2 included.
        saturation: What distances from grey are multiplied by.
        contrast: What distances from the mean are multiplied by.
        clear, haze: What is multiplied by, then added.
        detail: How much of what a blur removes is added.

    Shape:
        log_gains: float32 (3, 1, 1)
    """

    log_gains: Array
    saturation: np.float32
    contrast: np.float32
    clear: np.float32
    haze: np.float32
    detail: np.float32

    @classmethod
    def drawn(cls, seed: int) -> Light:
        """Draw a light, with the numbers that `gan.light.random_light` would draw."""
        drawn = seeded_draws(seed)

        def applied(share: float) -> np.float32:
            return np.float32(drawn(0, 1) < share)

        warmth, tint, stops = drawn(-0.45, 0.45), drawn(-0.14, 0.14), drawn(-1.6, 0.9)
        coloured, exposed = applied(0.7), applied(0.7)
        casts = np.array([warmth + tint, -tint, tint - warmth], np.float32).reshape(3, 1, 1)
        log_gains = (coloured * casts + exposed * stops) * np.float32(np.log(2) / _GAMMA)
        saturation = 1 + applied(0.5) * drawn(-0.6, 0.5)
        contrast = 1 + applied(0.7) * drawn(-0.5, 0.3)
        air, bright = applied(0.3) * drawn(0.1, 0.5), drawn(0.65, 0.95)
        return cls(log_gains, saturation, contrast, 1 - air, air * bright, applied(0.5) * drawn(-0.8, 0.6))

    @property
    def feeds(self) -> dict[str, Array]:
        """By the names of the graph's inputs."""
        return {name: np.asarray(value, np.float32) for name, value in vars(self).items()}


@dataclass(frozen=True)
class View:
    """A thumbnail at half its size, in which another light is simulated: its style hardly differs (cosine 0.99).

    Shape:
        x, blurred: float32 (3, h, w) in 0..1, h and w multiples of 8
        parts: float32 (7, 1, h, w), from `hinges.parts_of`
        tails: float32 (2,), the luma that 5 % of the pixels are darker than, and that 5 % are lighter than
    """

    x: Array
    parts: Array
    blurred: Array
    tails: Array

    @classmethod
    def of(cls, thumbnail: Array) -> View:
        """Prepare a thumbnail, (1, 3, 2h, 2w) in 0..1, once for all variations of its image."""
        x = half_size(thumbnail[0])
        return cls(x, parts_of(x), blur(x), quantiles(luma(x), (_TAIL, 1 - _TAIL)))


def relit_change(
    network: Network,
    started: Started,
    painted: Array,
    view: View,
    style: Array,
    seed: int,
    light: Light | None = None,
    lights: float = _LIGHTS,
) -> Array:
    """Compute the change to the style that an image would have in a donor's style and another light.

    Args:
        network: The network.
        started: From `network.start`.
        painted: The image painted in its own style.
        view: Of the image.
        style: The donor's.
        seed: Draws the light.
        light: The light, if it is not to be drawn.
        lights: Luma that highlights keep at least.

    Shape:
        painted: (1, 28, gh, gw); style: (1, 64); output: (28, gh, gw), smoothed; see `network.smoothed_change`.
    """
    lit = relit(network, started, painted, view, style, light or Light.drawn(seed))
    lit = limit_exposure(lit, view.tails, lights)
    seen = {"image": lit[None], "quantiles": quantiles(luma(lit), LUMA_QUANTILES)[None]}
    (change,) = network.run("repaint", {**seen, **started.feeds, "painted": painted})
    return change[0]


def relit(network: Network, started: Started, painted: Array, view: View, style: Array, light: Light) -> Array:
    """Show the thumbnail of an image in a donor's style and another light: float32 (3, h, w) in 0..1."""
    down, across = enlarging(painted.shape[2:], view.x.shape[1:])
    place = {"parts": view.parts, "blurred": view.blurred, "down": down, "across": across}
    (lit,) = network.run("relight", {**started.feeds, "painted": painted, "style": style, **place, **light.feeds})
    return lit


def limit_exposure(lit: Array, tails: Array, lights: float = _LIGHTS) -> Array:
    """Keep `lit` visible, as `gan.light.limit_exposure` does: (3, h, w) in 0..1.

    Args:
        lit: The image in another light.
        tails: Of the image as it is; see `View`.
        lights: Luma that highlights keep at least.
    """
    darkest_of_x, lightest_of_x = tails
    lightest, darkest = min(lightest_of_x, lights), max(darkest_of_x, _DARKS)
    (light,) = quantiles(luma(lit), (1 - _TAIL,))
    brighter = np.float32(max(lightest / max(light, 1e-3), 1))
    if brighter > 1:
        lit = (lit * brighter).clip(0, 1)
    (dark,) = quantiles(luma(lit), (_TAIL,))
    darker = np.float32(max((1 - darkest) / max(1 - dark, 1e-3), 1))
    return 1 - ((1 - lit) * darker).clip(0, 1) if darker > 1 else lit
