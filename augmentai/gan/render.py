"""Pixels for the GAN: from an image to the thumbnail it sees, and from its change to the full-size image."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from augmentai.gan.network import CELL_PX, KNOTS, LUMA_WEIGHTS, apply_change, blur

THUMBNAIL_AREA_PX = 160 * 160
_STRIP_PX = 1 << 15  # pixels processed at a time: the planes of a strip (25 floats per pixel) stay in the CPU cache
_BLACK, _WHITE = 32, 232  # levels: all channels below, or above, count as a black or a white background
_INNER_KNOTS = torch.arange(1, KNOTS - 1).view(-1, 1, 1) / (KNOTS - 1)  # in 0..1
_MIN_MOVED = 5.0  # levels of 255: a variation that moves less is useless, and the filters would call it a copy;
_MIN_SHARE = 0.2  # and at least this share of the unprotected change, or all changes would look alike
_TWO_TONES = 0.9  # share of black and white together from which an image has practically no greys
_PROTECT_FROM, _PROTECT_FULLY = 0.08, 0.25  # share of black (or white) from which it is protected, and fully so


def thumbnail_size_wh(size_wh: tuple[int, int], area_px: int = THUMBNAIL_AREA_PX) -> tuple[int, int]:
    """Choose the size at which the network sees an image.

    Args:
        size_wh: Width and height of the image, in pixels.
        area_px: Target area of the thumbnail.

    Returns:
        Width and height near `area_px` in total, aspect ratio kept, each a multiple of 16 from 32 to 1024.

    Example:
        >>> thumbnail_size_wh((6000, 4000)), thumbnail_size_wh((20000, 8))
        ((192, 128), (1024, 32))
    """
    width, height = size_wh
    scale = (area_px / (width * height)) ** 0.5
    wanted = (max(32.0, min(1024.0, side * scale)) for side in (width, height))
    thumb_width, thumb_height = (round(side / CELL_PX) * CELL_PX for side in wanted)
    return thumb_width, thumb_height


def thumbnail(image: Image.Image) -> Tensor:
    """Reduce an RGB image of any size to what the network sees: float (1, 3, h, w) in 0..1."""
    small = image.resize(thumbnail_size_wh(image.size), Image.Resampling.BOX, reducing_gap=2.0)
    return torch.from_numpy(np.array(small)).permute(2, 0, 1)[None].float() / 255


def to_pixels(image: Image.Image) -> Tensor:
    """Convert an RGB image to uint8 (3, H, W), each channel contiguous, which is twice as fast to process."""
    return torch.from_numpy(np.stack([np.asarray(channel) for channel in image.split()]))


def to_image(pixels: Tensor) -> Image.Image:
    """Convert uint8 (3, H, W) to an RGB image.

    Example:
        >>> image = Image.new("RGB", (40, 30), "teal")
        >>> to_image(to_pixels(image)).tobytes() == image.tobytes()
        True
    """
    return Image.merge("RGB", [Image.fromarray(channel) for channel in pixels.numpy()])


def effect_of(strength: float) -> float:
    """Convert a recipe's strength to the share of the change that is applied.

    Eased, because the last third of a change is the hardest to see: 0.4, the usual strength, gives a good half of it.

    Args:
        strength: 0 to 1.

    Returns:
        0 at 0, 1 at 1, strictly increasing.

    Example:
        >>> effect_of(0.0), round(effect_of(0.4), 2), effect_of(1.0)
        (0.0, 0.54, 1.0)
    """
    return 1.0 - (1.0 - strength) ** 1.5


@torch.no_grad()
def apply_full_size(pixels: Tensor, change: Tensor, strength: float, base: Tensor | None = None) -> Tensor:
    """Apply `strength` times a change to an image of any size.

    Every pixel moves further the higher the strength. Besides the result it needs 25 floats for each column of each
    grid row, 3 for each column of each thumbnail row, and one strip. Without gradients: `network.apply_change` is for
    training.

    Args:
        pixels: The image.
        change: From `Generator.change`, without the batch dimension.
        strength: 0 gives `pixels` exactly, 1 the whole change.
        base: `blurred_base(pixels)`, if it is known already.

    Returns:
        The changed image.

    Shape:
        pixels, output: uint8 (3, H, W); change: float (28, gh, gw); base: float (3, h, w) in 0..255.

    Example:
        >>> pixels = to_pixels(Image.new("RGB", (64, 48), (100, 100, 100)))
        >>> change = torch.zeros(28, 3, 4)
        >>> change[0] = 0.5  # the red channel gains half of itself
        >>> apply_full_size(pixels, change, 1.0)[:, 0, 0].tolist()
        [150, 100, 100]
    """
    if strength == 0:
        return pixels.clone()
    _, height, width = pixels.shape
    hinges = _as_hinge_functions(change.float() * strength)
    columns = _enlarge_columns(hinges, width)  # (gh, 25 * W)
    base = blurred_base(pixels) if base is None else base
    base_columns = _enlarge_columns(base, width)  # (h, 3 * W)
    out = torch.empty((3, height, width), dtype=torch.uint8)
    rows = min(height, max(1, _STRIP_PX // width))
    # Allocated once: new memory for every strip would cost more than the work in it.
    planes, base_planes = torch.empty(rows, len(hinges) * width), torch.empty(rows, 3 * width)
    for top in range(0, height, rows):
        strip = slice(top, min(top + rows, height))
        coefficients = _enlarge_rows(columns, height, strip, planes).view(-1, len(hinges), width)  # (r, 25, W)
        base_strip = _enlarge_rows(base_columns, height, strip, base_planes).view(-1, 3, width)  # (r, 3, W)
        _apply(pixels[:, strip], coefficients.permute(1, 0, 2), base_strip.permute(1, 0, 2), out[:, strip])
    return out


def blurred_base(pixels: Tensor) -> Tensor:
    """Compute an image without its detail, for `apply_full_size`: uint8 (3, H, W) -> float (3, h, w) in 0..255."""
    size = thumbnail_size_wh((pixels.shape[2], pixels.shape[1]))
    small = [np.asarray(Image.fromarray(channel).resize(size, Image.Resampling.BOX)) for channel in pixels.numpy()]
    return blur(torch.from_numpy(np.stack(small))[None].float())[0]


def protect_backgrounds(change: Tensor, pixels: Tensor, strength: float = 1.0) -> Tensor:
    """Reduce a change so that black and white backgrounds stay black and white.

    Slides, night skies and products on white keep their background in any weather. A change of style, which describes
    the image as a whole, does not know that: it would lift black to grey and tint white with the donor's sky. The
    larger the share of an image that is black or white, the less its darkest and lightest tones change; the tones
    between them are not affected. If that would leave hardly any change, as with text on paper, the background
    takes part after all, as far as it must.

    Args:
        change: From `Generator.change`, without the batch dimension.
        pixels: The image.
        strength: What the change will be applied with.

    Shape:
        change, output: float (28, gh, gw); pixels: uint8 (3, H, W).
    """
    sample = _sample(pixels)
    shares = float((sample.amax(0) < _BLACK).float().mean()), float((sample.amin(0) > _WHITE).float().mean())
    black, white = (_unprotected(share) for share in shares)
    two_tones = min(shares) > _PROTECT_FROM and sum(shares) > _TWO_TONES  # ink on paper: neither is a background
    if two_tones or black == white == 1:
        return change
    factors = change.new_tensor([black, (1 + black) / 2, *[1.0] * (KNOTS - 4), (1 + white) / 2, white])
    tones = torch.linspace(0, 1, KNOTS).to(change).view(1, KNOTS, 1, 1)
    matrix, tone, gain = change.split([9, 3 * KNOTS, 1])
    tone = tone.unflatten(0, (3, KNOTS))
    shift = tone + tones * matrix.unflatten(0, (3, 3)).sum(1)[:, None]  # of the greys at the knots
    protected = torch.cat([matrix, (tone - (1 - factors).view(1, KNOTS, 1, 1) * shift).flatten(0, 1), gain])
    thinned = sample[:, ::2, ::2] if sample[0].numel() > THUMBNAIL_AREA_PX / 2 else sample  # enough for a mean
    with_protection, without = (_mean_shift_levels(thinned, each * strength) for each in (protected, change))
    missing = max(_MIN_MOVED, _MIN_SHARE * without) - with_protection
    if missing <= 0:
        return protected
    return protected + min(1.0, missing / max(1e-6, without - with_protection)) * (change - protected)


def _sample(pixels: Tensor) -> Tensor:
    """Subsample an image to about as many pixels as the thumbnail has: (3, H, W) -> (3, ~h, ~w)."""
    step = max(1, round((pixels.shape[1] * pixels.shape[2] / THUMBNAIL_AREA_PX) ** 0.5))
    return pixels[:, ::step, ::step]


def _mean_shift_levels(sample: Tensor, change: Tensor) -> float:
    """Mean absolute difference that the change makes, in levels of 255."""
    before = sample[None].float() / 255
    return 255 * float((apply_change(before, change[None]).clamp(0, 1) - before).abs().mean())


def _unprotected(share: float) -> float:
    """The share of a change that a background tone keeps, by the share of the image that has this tone."""
    return 1.0 - min(1.0, max(0.0, (share - _PROTECT_FROM) / (_PROTECT_FULLY - _PROTECT_FROM)))


def _as_hinge_functions(change: Tensor) -> Tensor:
    """Rewrite a change so that less remains to be done per pixel: (28, gh, gw) -> (25, gh, gw), for pixels in 0..255.

    A piecewise linear tone curve over six knots is its value at black, plus its first slope times luma (which is one
    more colour matrix), plus, at each inner knot, the change of slope times what luma exceeds that knot by. The image
    itself and its detail, gain times (x - blur x), are folded into the matrix as well. Order of the planes: for each of
    the source's red, green and blue and of the four inner knots its effect on the three channels; 3 at black; the gain.
    """
    matrix, tone, gain = change.split([9, 3 * KNOTS, 1])
    tone = tone.unflatten(0, (3, KNOTS))
    slopes = tone.diff(dim=1) * (KNOTS - 1)  # per unit of luma over the full scale
    weights = change.new_tensor(LUMA_WEIGHTS).view(1, 3, 1, 1)
    eye = torch.eye(3, device=change.device).view(3, 3, 1, 1)
    matrix = matrix.unflatten(0, (3, 3)) + slopes[:, :1] * weights + eye * (1 + gain)
    by_source = torch.cat([matrix, slopes.diff(dim=1)], 1).transpose(0, 1)  # (7, 3, gh, gw)
    return torch.cat([by_source.flatten(0, 1), tone[:, 0] * 255, gain])


def _enlarge_columns(change: Tensor, width: int) -> Tensor:
    """Bilinear along rows: (C, gh, gw) -> (gh, C * W)."""
    grid_height = change.shape[1]
    wide = F.interpolate(change[None], (grid_height, width), mode="bilinear", align_corners=False)[0]
    return wide.permute(1, 0, 2).reshape(grid_height, -1)


def _enlarge_rows(columns: Tensor, height: int, strip: slice, out: Tensor) -> Tensor:
    """Rows `strip` of `height`, bilinear as in `F.interpolate`: (gh, n) -> (r, n), written into `out`."""
    grid_height = len(columns)
    middles = (torch.arange(strip.start, strip.stop, dtype=torch.float64) + 0.5) * (grid_height / height) - 0.5
    middles = middles.clamp(0, grid_height - 1)
    first, last = int(middles[0]), min(int(middles[-1]) + 1, grid_height - 1)
    weights = (1 - (middles[:, None] - torch.arange(first, last + 1)).abs()).clamp(min=0).float()
    return torch.mm(weights, columns[first : last + 1], out=out[: len(middles)])


def _apply(pixels: Tensor, planes: Tensor, base: Tensor, out: Tensor) -> None:
    """Apply the planes to a strip: uint8 (3, r, W), planes (25, r, W), base (3, r, W) -> uint8 (3, r, W) in `out`.

    Overwrites `planes`. Uses few operations, each on all three channels: between two of them a thread waits for
    Python's lock, and so for the other threads that paint.
    """
    x = pixels.float()
    brightness = torch.tensordot(x.new_tensor(LUMA_WEIGHTS), x, 1)
    beyond = (brightness - 255 * _INNER_KNOTS).clamp_(min=0)
    total = planes[21:24]  # at black
    for row, part in enumerate((*x, *beyond)):
        total.addcmul_(planes[3 * row : 3 * row + 3], part)
    total.addcmul_(planes[-1], base, value=-1)
    out.copy_(total.round_().clamp_(0, 255))
