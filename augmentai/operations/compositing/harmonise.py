"""Carries what is pasted into the light of its new ground, by the local GAN's style transfer.

The composite and the ground are encoded; the change from the one style to the other, at the object's place, is applied
to the object. So the more the object and its ground differ in brightness, colour and contrast, the more it changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from augmentai.images.photo import value_range
from augmentai.operations.compositing.blend import composite, like, rgb_of
from augmentai.settings import DEFAULT_WEIGHTS

STRENGTH = 0.6  # of the change; all of it takes the object's own colours away, and a red tulip becomes a yellow one

Opacity = np.ndarray[Any, Any]


def harmonised(over: Image.Image, under: Image.Image, opacity: Opacity, strength: float = STRENGTH) -> Image.Image:
    """An image in the light of the one that it will be put onto. The same arguments give the same pixels.

    Args:
        over: holds the object; of mode L, LA, RGB, RGBA, I;16, I or F.
        under: the new ground, of the same size and mode.
        opacity: of the object, as `blend.composite` takes it.
        strength: 0 changes nothing, 1 applies the whole change.

    Returns:
        A new image of the mode of `over`; its transparency is kept.

    Shape:
        opacity: float32 (H, W), 0 to 1.

    Example:
        >>> grey, night = Image.new("RGB", (64, 64), (150, 150, 150)), Image.new("RGB", (64, 64), (10, 10, 30))
        >>> opacity = np.zeros((64, 64), np.float32)
        >>> opacity[20:40, 20:40] = 1
        >>> harmonised(grey, night, opacity).getpixel((30, 30)) < (150, 150, 150)
        True
    """
    from augmentai.gan.runtime.carry import Canvas, apply_full_size
    from augmentai.gan.runtime.network import load, rounded, smoothed_change
    from augmentai.gan.runtime.pixels import thumbnail

    rgb, ground = rgb_of(over), rgb_of(under)
    network = load(DEFAULT_WEIGHTS)
    content, own = network.encode(thumbnail(composite(rgb, ground, opacity)))
    wanted = network.encode(thumbnail(ground))[1]
    started = network.start(content)
    change = rounded(smoothed_change(network.paint(started, own), network.paint(started, wanted)))
    return _changed(over, rgb, apply_full_size(Canvas.of(rgb), change, strength))


def is_harmonised(details: Mapping[str, Any]) -> bool:
    """Whether an operation had a network change what a variation shows, so that it is AI-made whatever its engine.

    Args:
        details: of the variation, as its manifest has them.

    Example:
        >>> is_harmonised({"operations": [{"name": "background", "drawn": {"donors": [], "harmonise": True}}]})
        True
    """
    return any(record["drawn"].get("harmonise") is True for record in details.get("operations", ()))


def _changed(image: Image.Image, before: Image.Image, after: Image.Image) -> Image.Image:
    """An image of any mode, changed as its 8-bit copy was: so that deep values keep their precision."""
    if image.mode == "RGB":
        return after
    own = np.asarray(image)
    moved = own.astype(np.float64) + np.asarray(like(after, image)) - np.asarray(like(before, image)).astype(np.float64)
    low, high = (0, 255) if own.dtype == np.uint8 else value_range(own)
    moved = moved.clip(low, high)
    return Image.fromarray((moved if own.dtype == np.float32 else np.rint(moved)).astype(own.dtype))
