"""Putting one image onto another: soft edges, filled holes, grounds of one colour or texture."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

import numpy as np
from PIL import Image

from augmentai.images.photo import Photo, value_range
from augmentai.operations.textures import small_size, uniform

_HOLE_PX = 160  # long side in which colours spread over holes; they are smooth in any case
_GROWN = 0.03  # of the image's long side: a hole is made larger by this much, so that no rim of the object stays
_ROUNDS = 30  # of each size, in which the membrane settles
_BESIDE = 0.05  # of the image's long side: how wide the ring around a hole is whose grain is taken
_GRAINS = (0.0015, 0.006)  # of the image's long side: the sizes of grains
_MEDIAN_OF_NORMAL = 0.674  # the median distance from the mean, in standard deviations
_GRAIN = 4  # pixels of the coarsest grain of a texture

Mask = np.ndarray[Any, Any]


def rgb_of(image: Image.Image) -> Image.Image:
    """An image of any mode as 8-bit colour, to find things in it.

    Example:
        >>> rgb_of(Image.new("LA", (2, 2), (7, 255))).getpixel((0, 0))
        (7, 7, 7)
    """
    if image.mode not in {"I;16", "I", "F"}:
        return image.convert("RGB")
    values = np.asarray(image, np.float64)
    low, high = value_range(values)
    grey = (values - low) * (255 / (high - low or 1))
    return Image.fromarray(grey.clip(0, 255).astype(np.uint8)).convert("RGB")


def like(rgb: Image.Image, image: Image.Image) -> Image.Image:
    """An 8-bit colour image in the mode and the range of values of another."""
    from augmentai.operations.donor import Donor

    return Donor("", "", None, Photo(rgb, "PNG", "RGB")).image_like(image)


def soft(mask: Mask, width_px: float) -> Mask:
    """A mask as opacity: 1 on all its pixels, falling to 0 over some pixels outside of them.

    Args:
        mask: what stays opaque.
        width_px: over how many pixels the edge fades.

    Shape:
        mask: (H, W) of bool; output: float32 (H, W), 0 to 1.

    Example:
        >>> soft(np.array([[True, False, False]]), 2).tolist()
        [[1.0, 0.5, 0.0]]
    """
    import cv2

    if not mask.any():
        return np.zeros(mask.shape, np.float32)
    distance = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(np.clip(1 - distance / max(width_px, 1e-6), 0, 1), np.float32)


def composite(over: Image.Image, under: Image.Image, opacity: Mask) -> Image.Image:
    """One image over another of the same size and mode. Transparency is that of the upper one.

    Args:
        over, under: of mode L, LA, RGB, RGBA, I;16, I or F.
        opacity: of the upper one; 1 gives exactly its own values.

    Shape:
        opacity: float32 (H, W), 0 to 1.

    Example:
        >>> black, white = Image.new("L", (2, 1), 0), Image.new("L", (2, 1), 255)
        >>> composite(black, white, np.array([[1, 0.5]], np.float32)).tobytes()
        b'\\x00\\x80'
    """
    import cv2

    top, ground = np.asarray(over), np.asarray(under)
    share = opacity if top.ndim == 2 else opacity[..., None]
    kind = np.float32 if top.dtype == np.uint8 else np.float64
    out = np.array(ground)
    cv2.copyTo(top, (opacity == 1).astype(np.uint8), out)
    partly = (opacity > 0) & (opacity < 1)  # only there something is to be computed
    below = ground[partly]
    mixed = below + (top[partly].astype(kind) - below) * (opacity if top.ndim == 2 else share)[partly]
    out[partly] = mixed if top.dtype == np.float32 else np.floor(mixed + 0.5)
    if over.mode in {"LA", "RGBA"}:
        out[..., -1] = top[..., -1]
    return Image.fromarray(np.ascontiguousarray(out))


def filled_in(rgb: Image.Image, hole: Mask) -> Image.Image:
    """An image from which something was taken: its surroundings continue over the hole, with grain like theirs.

    Colours spread from the border of the hole, from coarse to fine, and get grain as strong as that around it.

    Args:
        rgb: RGB.
        hole: what is to vanish.

    Shape:
        hole: (height, width) of bool.

    Example:
        >>> photo, hole = Image.new("RGB", (64, 64), "green"), np.zeros((64, 64), bool)
        >>> photo.paste("red", (20, 20, 40, 40))
        >>> hole[20:40, 20:40] = True
        >>> filled_in(photo, hole).getpixel((30, 30))
        (0, 128, 0)
    """
    import cv2

    if not hole.any():
        return rgb
    size = small_size(rgb.size, _HOLE_PX)
    small = np.asarray(rgb.resize(size, Image.Resampling.BOX))
    gone: Any = np.asarray(Image.fromarray(hole.astype(np.uint8) * 255).resize(size, Image.Resampling.BOX)) > 0
    grown = max(1, round(_GROWN * max(size)))
    gone = cv2.dilate(gone.astype(np.uint8), np.ones((2 * grown + 1,) * 2, np.uint8)) > 0
    if gone.all():
        gone = gone & (np.asarray(Image.fromarray(hole).resize(size, Image.Resampling.NEAREST)) > 0)
    base = _spread(small.astype(np.float32), ~gone)
    smooth = np.asarray(cv2.resize(base, rgb.size, interpolation=cv2.INTER_CUBIC))
    share = np.asarray(Image.fromarray(gone.astype(np.uint8) * 255).resize(rgb.size, Image.Resampling.BILINEAR))
    filled = Image.fromarray(np.rint((smooth + _grain(rgb, share > 0)).clip(0, 255)).astype(np.uint8))
    return composite(filled, rgb, share.astype(np.float32) / 255)


def _spread(values: Mask, known: Mask) -> Mask:
    """Values where they are known, and between them a membrane: each the mean of its neighbours, from coarse to fine.

    Shape:
        values: float32 (h, w, 3), as is the result; known: bool (h, w).
    """
    import cv2

    levels = [(values * known[..., None], known.astype(np.float32))]
    while max(levels[-1][1].shape) > 2:
        levels.append((_halved(levels[-1][0]), _halved(levels[-1][1])))
    some, sure = levels[-1]
    made: Mask = np.broadcast_to(some.sum((0, 1)) / max(float(sure.sum()), 1e-6), some.shape)
    for some, sure in reversed(levels):
        made = np.asarray(cv2.resize(made, sure.shape[::-1], interpolation=cv2.INTER_LINEAR))
        there = (sure > 0)[..., None]
        own = some / np.maximum(sure, 1e-6)[..., None]
        for _ in range(_ROUNDS):
            made = np.where(there, own, cv2.blur(made, (3, 3), borderType=cv2.BORDER_REPLICATE))
    return np.asarray(made, np.float32)


def _halved(plane: Mask) -> Mask:
    import cv2

    size = max(1, (plane.shape[1] + 1) // 2), max(1, (plane.shape[0] + 1) // 2)
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA))


def _grain(rgb: Image.Image, hole: Mask) -> Mask:
    """Grain that is as strong around the hole, fine and coarse: float32 (H, W, 1), in levels."""
    import cv2

    width, height = rgb.size
    grey = np.asarray(rgb.convert("L"), np.float32)
    reach = max(2, round(_BESIDE * max(rgb.size)))
    ring = cv2.dilate(hole.astype(np.uint8), np.ones((2 * reach + 1,) * 2, np.uint8)).astype(bool) & ~hole
    if not ring.any():
        return np.zeros((height, width, 1), np.float32)
    made: Mask = np.zeros((height, width), np.float32)
    finer: Mask = grey
    for number, size in enumerate(_GRAINS):
        sigma = max(0.8 * 3**number, size * max(rgb.size))
        coarser = np.asarray(cv2.GaussianBlur(finer, (0, 0), sigma))
        # The median, since edges of other things are no texture.
        strength = float(np.median(np.abs((finer - coarser)[ring]))) / _MEDIAN_OF_NORMAL
        cells = max(2, round(width / sigma)), max(2, round(height / sigma))
        noise = uniform(number, cells[1], cells[0]).astype(np.float32) - np.float32(0.5)
        noise = np.asarray(cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC))
        made += noise * np.float32(strength / max(float(noise.std()), 1e-6))
        finer = coarser
    return made[..., None]


def draw_plain(rng: Random) -> dict[str, Any]:
    """Draw a ground of one colour, a gradient or a texture: numbers for `plain`."""
    colour = [rng.randint(0, 255) for _ in range(3)]
    near = [min(255, max(0, value + rng.randint(-60, 60))) for value in colour]
    grain = rng.choice([0, 0, 1, 2])
    return {"from": colour, "to": near, "angle": rng.randrange(360), "grain": grain, "seed": rng.randrange(1 << 30)}


def plain(drawn: Mapping[str, Any], size_wh: tuple[int, int]) -> Image.Image:
    """Paint what `draw_plain` drew.

    Example:
        >>> drawn = {"from": [10, 10, 10], "to": [10, 10, 10], "angle": 0, "grain": 0, "seed": 1}
        >>> plain(drawn, (4, 3)).getpixel((2, 1))
        (10, 10, 10)
    """
    width, height = size_wh
    angle = np.deg2rad(drawn["angle"])
    across, down = np.linspace(-0.5, 0.5, width), np.linspace(-0.5, 0.5, height)
    along = np.clip(0.5 + np.cos(angle) * across[None] + np.sin(angle) * down[:, None], 0, 1)[..., None]
    start, end = np.asarray(drawn["from"], np.float64), np.asarray(drawn["to"], np.float64)
    ground = start + (end - start) * along  # (height, width, 3)
    if drawn["grain"]:
        ground = ground + _texture(drawn["seed"], size_wh, coarse=drawn["grain"] == 2)
    return Image.fromarray(ground.clip(0, 255).round().astype(np.uint8))


def _texture(seed: int, size_wh: tuple[int, int], coarse: bool) -> Mask:
    """Light and dark grains: (height, width, 1)."""
    cells = (
        max(2, size_wh[0] // (16 * _GRAIN if coarse else _GRAIN)),
        max(2, size_wh[1] // (16 * _GRAIN if coarse else _GRAIN)),
    )
    noise = np.random.default_rng(seed).normal(0, 22, cells[::-1]).astype(np.float32)
    return np.asarray(Image.fromarray(noise).resize(size_wh, Image.Resampling.BICUBIC))[..., None]
