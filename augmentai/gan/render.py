"""Pixels for the GAN: a thumbnail in, a change carried out on the full-size picture."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from augmentai.gan.network import CELL_PX, KNOTS, LUMA_WEIGHTS, apply_change, blur

THUMBNAIL_AREA_PX = 160 * 160
_STRIP_PX = 1 << 15  # pixels worked on at a time: the planes of a strip (25 floats a pixel) stay in the cache
_BLACK, _WHITE = 32, 232  # levels: all channels below, or above, are a black or a white ground
_INNER_KNOTS = torch.arange(1, KNOTS - 1).view(-1, 1, 1) / (KNOTS - 1)  # in 0..1
_LEAST_MOVED = 5.0  # levels of 255: a variation that moves less is of no use, and the filters would call it a copy;
_LEAST_SHARE = 0.2  # and so much of what it would move, or all of them would move alike
_NOTHING_ELSE = 0.9  # share of black and white together, from which a picture has no greys to speak of
_GROUND_FROM, _GROUND_ALL = 0.08, 0.25  # share of the picture from which a ground is spared, and is spared wholly


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


def to_pixels(picture: Image.Image) -> Tensor:
    """An RGB picture -> uint8 (3, H, W), each channel in one piece, which is twice as fast to work on."""
    return torch.from_numpy(np.stack([np.asarray(channel) for channel in picture.split()]))


def to_image(pixels: Tensor) -> Image.Image:
    """uint8 (3, H, W) -> an RGB picture."""
    return Image.merge("RGB", [Image.fromarray(channel) for channel in pixels.numpy()])


def effect_of(strength: float) -> float:
    """How much of a change a recipe's strength carries out: 0 at 0, 1 at 1, rising all the way.

    Eased, since the last third of a change is the hardest to see: 0.4, the usual strength, gives a good half of it.
    """
    return 1.0 - (1.0 - strength) ** 1.5


@torch.no_grad()
def apply_full_size(pixels: Tensor, change: Tensor, strength: float, plain: Tensor | None = None) -> Tensor:
    """Carry `strength` times the change out on a picture of any size.

    pixels: uint8 (3, H, W); change: float (28, gh, gw), see `network.apply_change`; strength: 0 gives `pixels`
    exactly, 1 the whole change; plain: `blurred_base(pixels)`, where it is known. Returns uint8 (3, H, W). Every pixel
    moves further the higher the strength.
    Memory beyond the result: 25 floats for each column of each grid row, 3 for each of the thumbnail's, and one strip.
    Without gradients: `network.apply_change` is for training.
    """
    if strength == 0:
        return pixels.clone()
    _, height, width = pixels.shape
    hinged = _as_hinges(change.float() * strength)
    columns = _enlarge_columns(hinged, width)  # (gh, 25 * W)
    plain = blurred_base(pixels) if plain is None else plain
    plain_columns = _enlarge_columns(plain, width)  # (h, 3 * W)
    out = torch.empty((3, height, width), dtype=torch.uint8)
    rows = min(height, max(1, _STRIP_PX // width))
    # Taken once: fresh memory for every strip would cost more than the work in it.
    planes, base = torch.empty(rows, len(hinged) * width), torch.empty(rows, 3 * width)
    for top in range(0, height, rows):
        strip = slice(top, min(top + rows, height))
        coefficients = _enlarge_rows(columns, height, strip, planes).view(-1, len(hinged), width)  # (r, 25, W)
        soft_strip = _enlarge_rows(plain_columns, height, strip, base).view(-1, 3, width)
        _apply(pixels[:, strip], coefficients.permute(1, 0, 2), soft_strip.permute(1, 0, 2), out[:, strip])
    return out


def blurred_base(pixels: Tensor) -> Tensor:
    """A picture without its detail, as `apply_full_size` needs it: uint8 (3, H, W) -> float (3, h, w) in 0..255."""
    size = thumbnail_size_wh((pixels.shape[2], pixels.shape[1]))
    small = [np.asarray(Image.fromarray(channel).resize(size, Image.Resampling.BOX)) for channel in pixels.numpy()]
    return blur(torch.from_numpy(np.stack(small))[None].float())[0]


def protect_backgrounds(change: Tensor, pixels: Tensor, strength: float = 1.0) -> Tensor:
    """The same change (28, gh, gw), but black and white backgrounds of the picture stay black and white.

    Slides, night skies and products on white keep their grounds in any weather, which a change of style, told for the
    picture as a whole, does not know: it would lift black to grey and paint white in the colour of the donor's sky.
    The larger the share of a picture that is black or white, the less of the change its darkest and lightest greys are
    given; between them nothing is held back. Where that would leave hardly a change, as of text on paper, the ground
    takes part after all, as far as it must.

    pixels: uint8 (3, H, W); strength: that the change is to be carried out with.
    """
    sample = _sample(pixels)
    shares = float((sample.amax(0) < _BLACK).float().mean()), float((sample.amin(0) > _WHITE).float().mean())
    black, white = (_kept(share) for share in shares)
    two_tones = min(shares) > _GROUND_FROM and sum(shares) > _NOTHING_ELSE  # ink and paper: neither is the ground
    if two_tones or black == white == 1:
        return change
    kept = change.new_tensor([black, (1 + black) / 2, *[1.0] * (KNOTS - 4), (1 + white) / 2, white])
    greys = torch.linspace(0, 1, KNOTS).to(change).view(1, KNOTS, 1, 1)
    matrix, tone, gain = change.split([9, 3 * KNOTS, 1])
    tone = tone.unflatten(0, (3, KNOTS))
    moved = tone + greys * matrix.unflatten(0, (3, 3)).sum(1)[:, None]  # of the greys at the knots
    spared = torch.cat([matrix, (tone - (1 - kept).view(1, KNOTS, 1, 1) * moved).flatten(0, 1), gain])
    fewer = sample[:, ::2, ::2] if sample[0].numel() > THUMBNAIL_AREA_PX / 2 else sample  # tell a mean as well
    some, whole = (_levels_moved(fewer, one * strength) for one in (spared, change))
    lacking = max(_LEAST_MOVED, _LEAST_SHARE * whole) - some
    return spared + min(1.0, lacking / max(1e-6, whole - some)) * (change - spared) if lacking > 0 else spared


def _sample(pixels: Tensor) -> Tensor:
    """Every so many pixels of a picture, about as many as the thumbnail has."""
    step = max(1, round((pixels.shape[1] * pixels.shape[2] / THUMBNAIL_AREA_PX) ** 0.5))
    return pixels[:, ::step, ::step]


def _levels_moved(sample: Tensor, change: Tensor) -> float:
    """How far the change moves the picture, a mean over all pixels, in levels of 255."""
    before = sample[None].float() / 255
    return 255 * float((apply_change(before, change[None]).clamp(0, 1) - before).abs().mean())


def _kept(share: float) -> float:
    return 1.0 - min(1.0, max(0.0, (share - _GROUND_FROM) / (_GROUND_ALL - _GROUND_FROM)))


def _as_hinges(change: Tensor) -> Tensor:
    """The same change for pixels in 0..255 with less to do at each of them: (28, gh, gw) -> (25, gh, gw).

    A tone curve over six knots is its value at black, its first slope times luma, which is one more colour matrix, and
    at each inner knot the turn of its slope times what luma has beyond that knot. The picture itself and the detail it
    has, gain times (x - soft x), are folded into the matrix as well. Order: for each of red, green and blue of the
    source and of the four inner knots its effect on the three channels, 3 at black, the gain.
    """
    matrix, tone, gain = change.split([9, 3 * KNOTS, 1])
    tone = tone.unflatten(0, (3, KNOTS))
    slopes = tone.diff(dim=1) * (KNOTS - 1)  # by luma over the full scale
    weights = change.new_tensor(LUMA_WEIGHTS).view(1, 3, 1, 1)
    eye = torch.eye(3, device=change.device).view(3, 3, 1, 1)
    matrix = matrix.unflatten(0, (3, 3)) + slopes[:, :1] * weights + eye * (1 + gain)
    by_source = torch.cat([matrix, slopes.diff(dim=1)], 1).transpose(0, 1)  # (7, 3, gh, gw)
    return torch.cat([by_source.flatten(0, 1), tone[:, 0] * 255, gain])


def _enlarge_columns(change: Tensor, width: int) -> Tensor:
    grid_height = change.shape[1]
    wide = F.interpolate(change[None], (grid_height, width), mode="bilinear", align_corners=False)[0]
    return wide.permute(1, 0, 2).reshape(grid_height, -1)


def _enlarge_rows(columns: Tensor, height: int, strip: slice, out: Tensor) -> Tensor:
    """Rows `strip` of `height`, bilinear between rows (gh, n), as `F.interpolate` counts them: -> (r, n), in `out`."""
    grid_height = len(columns)
    middles = (torch.arange(strip.start, strip.stop, dtype=torch.float64) + 0.5) * (grid_height / height) - 0.5
    middles = middles.clamp(0, grid_height - 1)
    first, last = int(middles[0]), min(int(middles[-1]) + 1, grid_height - 1)
    weights = (1 - (middles[:, None] - torch.arange(first, last + 1)).abs()).clamp(min=0).float()
    return torch.mm(weights, columns[first : last + 1], out=out[: len(middles)])


def _apply(pixels: Tensor, planes: Tensor, base: Tensor, out: Tensor) -> None:
    """uint8 (3, r, W), coefficients (25, r, W), which are used up, the soft picture (3, r, W) -> uint8 (3, r, W).

    In few operations, each on all three channels: between two of them a thread waits for Python, and so for the other
    threads that paint.
    """
    x = pixels.float()
    brightness = torch.tensordot(x.new_tensor(LUMA_WEIGHTS), x, 1)
    beyond = (brightness - 255 * _INNER_KNOTS).clamp_(min=0)
    total = planes[21:24]  # at black
    for row, part in enumerate((*x, *beyond)):
        total.addcmul_(planes[3 * row : 3 * row + 3], part)
    total.addcmul_(planes[-1], base, value=-1)
    out.copy_(total.round_().clamp_(0, 255))
