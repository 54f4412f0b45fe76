"""Painting one image in another style, at its full size."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from augmentai.gan.runtime.arrays import Array
    from augmentai.gan.runtime.carry import Canvas
    from augmentai.gan.runtime.network import Network
    from augmentai.gan.runtime.protect import Backgrounds
    from augmentai.images import Photo


@dataclass(frozen=True)
class PreparedSource:
    """What all variations of a source share.

    Attributes:
        thumbnail: the source as the network sees it, at half the size, in which another light is simulated.
        content: its content code; see `augmentai.gan.network`.
        style: its own style, float32 (1, D).
        painted: its thumbnail painted in its own style.
        canvas: the source at full size.
        backgrounds: how much of it is black or white.
    """

    thumbnail: Array
    content: Array
    style: Array
    painted: Array
    canvas: Canvas
    backgrounds: Backgrounds


def style_of(photo: Photo, network: Network) -> Array:
    """An image's own style, float32 (D,)."""
    from augmentai.gan.runtime.pixels import thumbnail

    style: Array = network.encode(thumbnail(photo.flattened()))[1][0]
    return style


def prepare(photo: Photo, network: Network) -> PreparedSource:
    """Encode a source once for all its variations."""
    from augmentai.gan.runtime.arrays import half_size
    from augmentai.gan.runtime.carry import Canvas
    from augmentai.gan.runtime.pixels import as_seen, base_thumbnail, is_thumbnail, thumbnail
    from augmentai.gan.runtime.protect import Backgrounds

    small = base_thumbnail(photo.rgb)
    seen = as_seen(small) if photo.alpha is None and is_thumbnail(photo.size_wh) else thumbnail(photo.flattened())
    content, style = network.encode(seen)
    canvas = Canvas.with_base(photo.rgb, small)
    painted = network.paint(content, style)
    return PreparedSource(half_size(seen[0]), content, style, painted, canvas, Backgrounds.of(canvas))


def paint(
    source: PreparedSource, style: Array, network: Network, strength: float, seed: int
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

    Returns:
        The image, RGB, in the source's size; and the seconds it took.
    """
    from augmentai.gan.runtime.carry import apply_full_size, effect_of
    from augmentai.gan.runtime.light import relit_style
    from augmentai.gan.runtime.network import rounded, smoothed_change

    begun = time.perf_counter()
    borrowed = smoothed_change(source.painted, network.paint(source.content, style))
    relit = relit_style(network, source.thumbnail, borrowed, seed)
    change = smoothed_change(source.painted, network.paint(source.content, relit))
    change = rounded(source.backgrounds.protect(change, effect_of(strength)))
    return apply_full_size(source.canvas, change, effect_of(strength)), time.perf_counter() - begun
