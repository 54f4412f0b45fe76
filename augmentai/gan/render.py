"""Pixels for the GAN: a thumbnail in, a change carried out on the full-size picture."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from augmentai.gan.network import CELL_PX, COEFFICIENTS, KNOTS, LUMA_WEIGHTS, soft

THUMBNAIL_AREA_PX = 160 * 160
_STRIP_PX = 1 << 15  # pixels worked on at a time: the planes of a strip (28 floats a pixel) stay in the cache


def thumbnail_size_wh(size_wh: tuple[int, int], area_px: int = THUMBNAIL_AREA_PX) -> tuple[int, int]:
    """Width and height near `area_px` in all, the aspect kept, each a multiple of 16 from 32 to 1024."""
    width, height = size_wh
    scale = (area_px / (width * height)) ** 0.5
    wanted = (max(32.0, min(1024.0, side * scale)) for side in (width, height))
    thumb_width, thumb_height = (round(side / CELL_PX) * CELL_PX for side in wanted)
    return thumb_width, thumb_height


def thumbnail(picture: Image.Image) -> Tensor:
    """An RGB picture of any size as the network sees it: (1, 3, h, w) in 0..1."""
    small = picture.resize(thumbnail_size_wh(picture.size), Image.Resampling.BOX, reducing_gap=2.0)
    return torch.from_numpy(np.array(small)).permute(2, 0, 1)[None].float() / 255


def reach(strength: float) -> float:
    """How much of a change a recipe's strength carries out: 0 at 0, 1 at 1, rising all the way.

    Eased, since the last third of a change is the hardest to see: 0.4, the usual strength, gives a good half of it.
    """
    return 1.0 - (1.0 - strength) ** 1.5


def carry(pixels: Tensor, change: Tensor, strength: float) -> Tensor:
    """Carry `strength` times the change out on a picture of any size.

    pixels: uint8 (3, H, W); change: float (28, gh, gw), see `network.apply_change`; strength: 0 gives `pixels`
    exactly, 1 the whole change. Returns uint8 (3, H, W). Every pixel moves further the higher the strength.
    Memory beyond the result: 28 floats for each column of each grid row, 3 for each of the thumbnail's, and one strip.
    """
    if strength == 0:
        return pixels.clone()
    _, height, width = pixels.shape
    change = change.float() * strength
    columns = _enlarge_columns(change, width)  # (gh, 28 * W)
    blend = _row_weights(change.shape[1], height)  # (H, gh)
    plain = soft(_shrunk(pixels))[0]
    plain_columns = _enlarge_columns(plain, width)  # (h, 3 * W)
    plain_blend = _row_weights(plain.shape[1], height)  # (H, h)
    out = torch.empty_like(pixels)
    rows = max(1, _STRIP_PX // width)
    for top in range(0, height, rows):
        strip = slice(top, min(top + rows, height))
        first, last = _rows_used(blend[strip])
        planes = (blend[strip, first:last] @ columns[first:last]).view(-1, COEFFICIENTS, width)  # (r, 28, W)
        first, last = _rows_used(plain_blend[strip])
        base = (plain_blend[strip, first:last] @ plain_columns[first:last]).view(-1, 3, width)
        out[:, strip] = _apply(pixels[:, strip], planes.permute(1, 0, 2), base.permute(1, 0, 2))
    return out


def _shrunk(pixels: Tensor) -> Tensor:
    """uint8 (3, H, W) -> (1, 3, h, w) in 0..1, of the size that the network sees."""
    width, height = thumbnail_size_wh((pixels.shape[2], pixels.shape[1]))
    return F.interpolate(pixels[None].float() / 255, (height, width), mode="area")


def _enlarge_columns(change: Tensor, width: int) -> Tensor:
    grid_height = change.shape[1]
    wide = F.interpolate(change[None], (grid_height, width), mode="bilinear", align_corners=False)[0]
    return wide.permute(1, 0, 2).reshape(grid_height, -1)


def _row_weights(grid_height: int, height: int) -> Tensor:
    # Interpolating the identity gives the weights themselves, in exactly the convention of the columns.
    eye = torch.eye(grid_height)[None, None]
    return F.interpolate(eye, (height, grid_height), mode="bilinear", align_corners=False)[0, 0]


def _rows_used(blend: Tensor) -> tuple[int, int]:
    used = blend.amax(0).nonzero().flatten()
    return int(used[0]), int(used[-1]) + 1


def _apply(pixels: Tensor, planes: Tensor, base: Tensor) -> Tensor:
    """uint8 (3, r, W), coefficients (28, r, W) and the soft picture (3, r, W) -> uint8 (3, r, W)."""
    x = pixels.float() / 255
    place = (LUMA_WEIGHTS[0] * x[0] + LUMA_WEIGHTS[1] * x[1] + LUMA_WEIGHTS[2] * x[2]) * (KNOTS - 1)
    tents = [(1 - (place - knot).abs()).clamp_(min=0) for knot in range(KNOTS)]
    out = x.clone()
    for channel in range(3):
        total = out[channel]
        for source in range(3):
            total.addcmul_(planes[3 * channel + source], x[source])
        for knot in range(KNOTS):
            total.addcmul_(planes[9 + channel * KNOTS + knot], tents[knot])
        total.addcmul_(planes[-1], x[channel] - base[channel])
    return out.mul_(255).round_().clamp_(0, 255).byte()
