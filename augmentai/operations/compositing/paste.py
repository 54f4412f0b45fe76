"""Pixels of a cut-out object put into an image, so that neither its edge nor its light gives it away."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from augmentai.operations.compositing.harmonise import harmonised
from augmentai.operations.compositing.labelled_objects import Values
from augmentai.operations.compositing.placed import Placed, overlap
from augmentai.operations.donor import Donor

_EDGE = 0.012  # of an object's size: standard deviation of the blur of its edge
_EDGE_PX = (0.6, 2.0)
_OFFSET = 0.08  # of the range of values: keeps dark surroundings from multiplying what is pasted
_GAIN = (0.8, 1.25)
_LEAST_FREE = 5  # one in so many pixels around an object has to show background
_POISSON_PX = 5  # of background around an object; OpenCV makes the area that it is given smaller by 3
_LEAST_SHARE = 0.01  # of a pixel: what an object covers less of does not show
_DEEP = {"I;16", "I", "F"}


def ring_colour(values: Values, mode: str, placed: Placed, taken: Values) -> Values | None:
    """The usual colour around an object at its new place.

    Args:
        values: of the image.
        mode: of the image.
        placed: the object there.
        taken: pixels that show other objects, which do not count.

    Returns:
        The median of each channel but transparency; None if hardly any background is around it.

    Shape:
        values: (H, W) or (H, W, C); taken: bool (H, W); output: (C,).
    """
    size_wh = (values.shape[1], values.shape[0])
    part, own = overlap(placed.window, size_wh)
    ring = placed.resized(placed.cutout.ring)[own] >= 0.5
    free = ring & ~taken[part]
    return _median(values[part], free, mode) if free.sum() * _LEAST_FREE >= ring.sum() else None


def own_ring_colour(donor: Donor, placed: Placed, image: Image.Image) -> tuple[Values, Values | None]:
    """(the window of a cut-out object in the mode of an image, the usual colour of its own ring)."""
    values = np.asarray(donor.part_like(placed.cutout.window, image))
    return values, _median(values, placed.cutout.ring, image.mode)


def _median(values: Values, where: Values, mode: str) -> Values | None:
    found = values[where]
    if not len(found):
        return None
    colour = np.median(found.reshape(len(found), -1).astype(np.float64), 0)
    return np.asarray(colour[:-1] if mode in {"LA", "RGBA"} else colour)


def paste(
    image: Image.Image,
    piece: Values,
    placed: Placed,
    rings: tuple[Values | None, Values | None],
    edge: str,
    harmonise: bool = False,
) -> Image.Image:
    """An image with an object in it.

    Args:
        image: of mode L, LA, RGB, RGBA, I;16, I or F.
        piece: the window of the object, in the image's mode.
        placed: where it goes.
        rings: the colours around the object where it was, and where it goes; its light follows their ratio.
        edge: "soft", or "poisson" for gradients of the object on the colours around it (in 8-bit images).
        harmonise: carry the object into the light of the image.
    """
    values = np.array(image)
    kind = np.float64 if values.dtype in (np.int32, np.float32) else np.float32
    part, own = overlap(placed.window, image.size)
    ground = values[part].astype(kind)
    if not ground.size:
        return image
    mask = placed.resized(placed.cutout.mask)
    if edge == "poisson" and image.mode not in _DEEP:
        top = _lit(placed.resized(piece).astype(kind), values, rings, image.mode)
        top = _poisson(top, mask >= 0.5, values, placed, image.mode)
    else:
        top = _lit(_own_colours(piece, placed).astype(kind), values, rings, image.mode)
    opacity = _softened(mask, placed)
    top, opacity = top[own], opacity[own]
    if harmonise:
        top = _harmonised(top, opacity, image, part).astype(kind)
    mixed = ground + (top - ground) * (opacity if values.ndim == 2 else opacity[..., None])
    low, high = (0, 255) if values.dtype == np.uint8 else (values.min(), max(values.max(), piece.max()))
    if image.mode in {"I", "F"}:
        high = values.max()
    if values.dtype != np.float32:
        mixed = np.floor(mixed + 0.5)
    values[part] = mixed.clip(low, high).astype(values.dtype)
    return Image.fromarray(values)


def _harmonised(top: Values, opacity: Values, image: Image.Image, part: tuple[slice, slice]) -> Values:
    """The part of a piece that is in an image, in the image's light."""
    under = np.asarray(image)
    low, high = (0, 255) if under.dtype == np.uint8 else (under.min(), under.max())
    clipped = top.clip(low, high)
    over, share = under.copy(), np.zeros(under.shape[:2], np.float32)
    over[part] = (clipped if under.dtype == np.float32 else np.rint(clipped)).astype(under.dtype)
    share[part] = opacity
    return np.asarray(harmonised(Image.fromarray(over), image, share))[part]


def _own_colours(piece: Values, placed: Placed) -> Values:
    """A piece at its new size, into the object's edge of which nothing of its old surroundings is mixed.

    They would be seen, and the object would look smaller than it is labelled.
    """
    top, share = placed.resized(piece), placed.resized(placed.cutout.mask)
    mask = placed.cutout.mask if piece.ndim == 2 else placed.cutout.mask[..., None]
    own = placed.resized(np.where(mask, piece, 0).astype(piece.dtype))
    partly = (share > _LEAST_SHARE) & (share < 1)
    weight = share[partly]
    top[partly] = own[partly] / (weight if piece.ndim == 2 else weight[:, None])
    return top


def _lit(piece: Values, values: Values, rings: tuple[Values | None, Values | None], mode: str) -> Values:
    """A piece in the light of its new place."""
    before, after = rings
    if before is None or after is None:
        return piece
    low, high = (0.0, 255.0) if values.dtype == np.uint8 else (min(0.0, float(values.min())), float(values.max()))
    offset = _OFFSET * max(high - low, 1e-9)
    gain = ((after - low + offset) / (np.maximum(before - low, 0) + offset)).clip(*_GAIN)
    if mode in {"LA", "RGBA"}:
        gain = np.append(gain, 1.0)
        return np.asarray(piece * gain)
    return np.asarray((piece - low) * gain + low)


def _softened(mask: Values, placed: Placed) -> Values:
    """The opacity of an object: half on its outline, and nowhere a step."""
    import cv2

    size = max(placed.box[2] - placed.box[0], placed.box[3] - placed.box[1])
    sigma = float(np.clip(_EDGE * size, *_EDGE_PX))
    made: Any = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), sigma)
    return np.asarray(made)


def _poisson(top: Values, mask: Values, values: Values, placed: Placed, mode: str) -> Values:
    """A piece whose edge has the colours of its new place (Pérez, Gangnet and Blake 2003)."""
    import cv2

    colours = 1 if mode in {"L", "LA"} else 3
    flat = values if values.ndim == 3 else values[..., None]
    left, above, right, below = placed.window
    height, width = flat.shape[:2]
    rows, columns = np.arange(above, below).clip(0, height - 1), np.arange(left, right).clip(0, width - 1)
    ground = _three(flat[rows[:, None], columns[None]][..., :colours])
    own = top if top.ndim == 3 else top[..., None]
    piece = _three(own[..., :colours].clip(0, 255).round().astype(np.uint8))
    grown = cv2.dilate(mask.astype(np.uint8), np.ones((2 * _POISSON_PX + 1,) * 2, np.uint8))
    grown[[0, 1, -2, -1]] = 0
    grown[:, [0, 1, -2, -1]] = 0
    if not grown.any():
        return top
    x, y, across, down = cv2.boundingRect(grown)
    centre = (x + across // 2, y + down // 2)
    mixed = cv2.seamlessClone(piece, ground, grown * 255, centre, cv2.NORMAL_CLONE)
    made = own.copy()
    made[..., :colours] = mixed[..., :colours]
    return made if top.ndim == 3 else made[..., 0]


def _three(colours: Values) -> Values:
    """Three channels, of one or three."""
    return np.ascontiguousarray(np.broadcast_to(colours, (*colours.shape[:2], 3)))
