"""Painting one image in another style, at its full size."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from augmentai.gan.runtime.arrays import Array
    from augmentai.gan.runtime.carry import Canvas
    from augmentai.gan.runtime.light import View
    from augmentai.gan.runtime.network import Network, Started
    from augmentai.gan.runtime.protect import Backgrounds
    from augmentai.images import Photo


@dataclass(frozen=True)
class PreparedSource:
    """What all variations of a source share.

    Attributes:
        view: its thumbnail, in which another light is simulated.
        style: its own style, float32 (1, D).
        started: what the painter makes of it before it meets a style.
        painted: its thumbnail painted in its own style.
        canvas: the source at full size.
        backgrounds: how much of it is black or white.
    """

    view: View
    style: Array
    started: Started
    painted: Array
    canvas: Canvas
    backgrounds: Backgrounds


def load_painting() -> None:
    """Import what `prepare` and `paint` need: once, before processes are forked that would each import it."""
    import numpy.random  # noqa: F401 (NumPy imports it where it is first used)

    import augmentai.gan.runtime.light
    import augmentai.gan.runtime.presets
    import augmentai.gan.runtime.protect  # noqa: F401


def style_of(photo: Photo, network: Network) -> Array:
    """An image's own style, float32 (D,)."""
    from augmentai.gan.runtime.pixels import thumbnail

    style: Array = network.encode(thumbnail(photo.flattened()))[1][0]
    return style


def prepare(photo: Photo, network: Network) -> PreparedSource:
    """Encode a source once for all its variations."""
    from augmentai.gan.runtime.carry import Canvas
    from augmentai.gan.runtime.light import View
    from augmentai.gan.runtime.pixels import as_seen, base_thumbnail, is_thumbnail, thumbnail
    from augmentai.gan.runtime.protect import Backgrounds

    small = base_thumbnail(photo.rgb)
    seen = as_seen(small) if photo.alpha is None and is_thumbnail(photo.size_wh) else thumbnail(photo.flattened())
    content, style = network.encode(seen)
    canvas = Canvas.with_base(photo.rgb, small)
    started = network.start(content)
    painted = network.paint(started, style)
    return PreparedSource(View.of(seen), style, started, painted, canvas, Backgrounds.of(canvas))


def paint(
    source: PreparedSource,
    style: Array,
    network: Network,
    strength: float,
    seed: int,
    presets: tuple[str, ...] = (),
) -> tuple[Image.Image, float]:
    """Paint a variation.

    It is painted as a thumbnail first, to learn what the new style would be in another light: so each variation has
    its own light, however few donors there are.

    Args:
        source: the encoded source.
        style: the donor's style, float32 (1, D).
        network: the network.
        strength: 0 (the source itself) to 1.
        seed: of the light.
        presets: lights that were asked for by name; without any, the seed draws one of all.

    Returns:
        The image, RGB, in the source's size; and the seconds it took.
    """
    from augmentai.gan.runtime.carry import apply_full_size, effect_of
    from augmentai.gan.runtime.light import relit_change
    from augmentai.gan.runtime.network import rounded
    from augmentai.gan.runtime.presets import lights_of, preset_light

    begun = time.perf_counter()
    light = (preset_light(presets, seed), lights_of(presets)) if presets else ()
    change = relit_change(network, source.started, source.painted, source.view, style, seed, *light)
    change = rounded(source.backgrounds.protect(change, effect_of(strength)))
    return apply_full_size(source.canvas, change, effect_of(strength)), time.perf_counter() - begun
