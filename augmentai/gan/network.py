"""The local GAN, top to bottom.

A photograph is split into *content* (what is where) and *style* (how it looks: light, weather, colour, haze).
The generator does not paint pixels. It paints a small grid of colour transforms, one every 16 pixels of a
thumbnail, that carry the picture from its own style to another one; `render` enlarges the grid smoothly and applies
it to the full-size picture. Fine detail is therefore always the source's own, whatever its size, and no change of
style is no change at all.

    encoder   picture -> content (B, 48, h/16, w/16), style (B, 64)
    painter   content, style -> coefficients (B, 28, h/16, w/16)
    change    painter(content, new style) - painter(content, own style)
    picture   x + matrix x + tone(luma of x) + detail (x - soft x)      at every pixel

Twenty-eight coefficients a cell: nine are a 3x3 colour matrix (the light's strength and colour, saturation, hue),
eighteen are the heights of three tone curves (red, green, blue) over six knots of luma (haze, shadows apart from
lights, sky apart from ground), the last is a gain on detail (mist below zero, clear air above), detail being what the
picture has over a soft version of itself.

Sources of the ideas: local affine colour grids, Gharbi et al. 2017 (HDRNet); swapped styles and the co-occurrence
patch discriminator, Park et al. 2020 (Swapping Autoencoder); FiLM, Perez et al. 2018; hinge loss with spectral norm,
Miyato et al. 2018.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

STYLE_DIM = 64
CONTENT_DIM = 48
CELL_PX = 16  # one grid cell covers 16 x 16 pixels of the thumbnail
KNOTS = 6  # of each tone curve, evenly spaced over luma 0..1
COEFFICIENTS = 9 + 3 * KNOTS + 1
LUMA_WEIGHTS = (0.299, 0.587, 0.114)  # ITU-R BT.601, as Pillow's "L"

_MATRIX_RANGE = 0.9  # a matrix entry may move by at most this much to either side
_TONE_RANGE = 0.7  # and a tone curve's knot by this much of full scale,
_BLACK_RANGE = 0.3  # but the knot of black by no more than haze would lift it
_DETAIL_RANGE = 0.6  # detail may lose or gain at most this share of itself


def luma(x: Tensor) -> Tensor:
    """Brightness of each pixel: (B, 3, H, W) in 0..1 -> (B, 1, H, W)."""
    red, green, blue = x.unbind(1)
    return (LUMA_WEIGHTS[0] * red + LUMA_WEIGHTS[1] * green + LUMA_WEIGHTS[2] * blue).unsqueeze(1)


def unit_rms(w: Tensor) -> Tensor:
    """Scale each style so that the mean of its squares is one: (B, D) -> (B, D)."""
    return w * torch.rsqrt(w.square().mean(-1, keepdim=True) + 1e-8)


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    # Replicated borders: zeros would look like a black frame, which instance normalisation then makes loud.
    return nn.Conv2d(inputs, outputs, 3, stride, 1, padding_mode="replicate")


class Encoder(nn.Module):
    """Picture (B, 3, h, w) in 0..1, h and w multiples of 16 -> content and style."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 32, 64, 96, 128)
        self.stages = nn.ModuleList(_conv(a, b, 2) for a, b in pairwise(widths))
        self.mix = _conv(128, 128)
        self.to_content = nn.Conv2d(128, CONTENT_DIM, 1)
        statistics = 2 * (3 + 32 + 64 + 96 + 128) + 5
        self.to_style = nn.Sequential(nn.Linear(statistics, 192), nn.SiLU(), nn.Linear(192, STYLE_DIM))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        seen = [_mean_and_deviation(x), _luma_quantiles(x)]
        h = x * 2 - 1
        for stage in self.stages:
            h = F.silu(stage(h))
            seen.append(_mean_and_deviation(h))
        h = h + F.silu(self.mix(h))
        content = F.instance_norm(self.to_content(h).float(), eps=1e-3)  # (B, 48, h/16, w/16)
        style = unit_rms(self.to_style(torch.cat([s.float() for s in seen], 1)).float())  # (B, 64)
        return content, style


def _mean_and_deviation(h: Tensor) -> Tensor:
    flat = h.float().flatten(2)  # (B, C, N)
    deviation = (flat.var(2, unbiased=False) + 1e-6).sqrt()
    return torch.cat([flat.mean(2), deviation], 1)  # (B, 2C)


def _luma_quantiles(x: Tensor) -> Tensor:
    flat = luma(x).float().flatten(1)
    places = torch.tensor([0.02, 0.25, 0.5, 0.75, 0.98], device=x.device)
    return torch.quantile(flat, places, dim=1).T  # (B, 5)


class FilmBlock(nn.Module):
    """Residual block whose middle is scaled and shifted by the style."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = _conv(width, width), _conv(width, width)
        self.film = nn.Linear(STYLE_DIM, 2 * width)

    def forward(self, h: Tensor, style: Tensor) -> Tensor:
        scale, shift = self.film(style)[:, :, None, None].chunk(2, 1)
        return h + self.second(F.silu(self.first(F.silu(h)) * (1 + scale) + shift))


class Painter(nn.Module):
    """Content (B, 48, gh, gw) and style (B, 64) -> coefficients (B, 28, gh, gw)."""

    def __init__(self, width: int = 96, blocks: int = 4) -> None:
        super().__init__()
        self.enter = _conv(CONTENT_DIM, width)
        self.whole = nn.Linear(width, width)  # what the picture as a whole holds, told to every cell
        self.blocks = nn.ModuleList(FilmBlock(width) for _ in range(blocks))
        self.leave = nn.Conv2d(width, COEFFICIENTS, 1)
        nn.init.normal_(self.leave.weight, std=0.02)
        nn.init.constant_(self.leave.bias, 0.0)  # type: ignore[arg-type]

    def forward(self, content: Tensor, style: Tensor) -> Tensor:
        h = F.silu(self.enter(content))
        h = h + self.whole(h.mean((2, 3)))[:, :, None, None]
        for block in self.blocks:
            h = block(h, style)
        matrix, tone, detail = self.leave(F.silu(h)).float().split([9, 3 * KNOTS, 1], 1)
        reach = tone.new_tensor([_BLACK_RANGE] + [_TONE_RANGE] * (KNOTS - 1)).repeat(3).view(1, -1, 1, 1)
        parts = _MATRIX_RANGE * torch.tanh(matrix), reach * torch.tanh(tone), _DETAIL_RANGE * torch.tanh(detail)
        return torch.cat(parts, 1)


class Generator(nn.Module):
    """Encoder and painter: all that the app loads."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.painter = Encoder(), Painter()

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, h, w) in 0..1 -> content (B, 48, h/16, w/16), style (B, 64)."""
        return self.encoder(x)

    def change(self, content: Tensor, own: Tensor, new: Tensor) -> Tensor:
        """Coefficients that carry a picture from style `own` to style `new`: (B, 28, gh, gw); zero where they agree."""
        painted_new, painted_own = self.painter(content.repeat(2, 1, 1, 1), torch.cat([new, own])).chunk(2)
        return smoothed_change(painted_own, painted_new)


def smoothed_change(painted_own: Tensor, painted_new: Tensor) -> Tensor:
    """What carries a picture from the one to the other, both as the painter gives them: (B, 28, gh, gw).

    Each cell averaged with its eight neighbours: light changes over a scene, not from one cell to the next.

    The knots of black and of the dark beside it are averaged over the whole picture: haze lifts the dark everywhere,
    and where it did so here and there, lamps and stars at night would wear halos.
    """
    change = painted_new - painted_own
    smooth = F.avg_pool2d(F.pad(change, (1, 1, 1, 1), mode="replicate"), 3, 1)
    tone = smooth[:, 9:-1].unflatten(1, (3, KNOTS))
    dark = tone[:, :, :2].mean((3, 4), keepdim=True).expand_as(tone[:, :, :2])
    return torch.cat([smooth[:, :9], torch.cat([dark, tone[:, :, 2:]], 2).flatten(1, 2), smooth[:, -1:]], 1)


def blur(x: Tensor) -> Tensor:
    """A picture of a thumbnail's size without its detail: (B, C, h, w) -> the same; five binomial taps each way."""
    taps = x.new_tensor([1, 4, 6, 4, 1]) / 16
    channels = x.shape[1]
    across = F.conv2d(F.pad(x, (2, 2, 0, 0), mode="replicate"), taps.expand(channels, 1, 1, 5), groups=channels)
    down = taps.view(5, 1).expand(channels, 1, 5, 1)
    return F.conv2d(F.pad(across, (0, 0, 2, 2), mode="replicate"), down, groups=channels)


def apply_change(x: Tensor, change: Tensor) -> Tensor:
    """The picture with the change carried out, not clamped: (B, 3, H, W), (B, 28, gh, gw) -> (B, 3, H, W).

    Differentiable and simple, for training on small crops. `render.apply_full_size` is its full-size counterpart.
    """
    b, _, height, width = x.shape
    planes = F.interpolate(change, (height, width), mode="bilinear", align_corners=False)
    matrix = planes[:, :9].view(b, 3, 3, height, width)
    curves = planes[:, 9:-1].view(b, 3, KNOTS, height, width)
    knots = torch.arange(KNOTS, device=x.device).view(1, 1, KNOTS, 1, 1)
    tents = (1 - (luma(x).clamp(0, 1).unsqueeze(2) * (KNOTS - 1) - knots).abs()).clamp(min=0)
    return x + (matrix * x.unsqueeze(1)).sum(2) + (curves * tents).sum(2) + planes[:, -1:] * (x - blur(x))


class Discriminator(nn.Module):
    """Is this a photograph? (B, 3, h, w) in 0..1 -> a map of logits (B, 1, h/16, w/16)."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 32, 64, 128, 160)
        self.stages = nn.ModuleList(spectral_norm(nn.Conv2d(a, b, 4, 2, 1)) for a, b in pairwise(widths))
        self.verdict = spectral_norm(nn.Conv2d(160, 1, 3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        h = x * 2 - 1
        for stage in self.stages:
            h = F.leaky_relu(stage(h), 0.2)
        return self.verdict(h).float()


class PatchDiscriminator(nn.Module):
    """Does this patch come from the same picture as those? (B, Q, 3, p, p), (B, R, 3, p, p) -> logits (B, Q)."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 32, 64, 96, 128)
        self.stages = nn.ModuleList(spectral_norm(nn.Conv2d(a, b, 4, 2, 1)) for a, b in pairwise(widths))
        self.compare = nn.Sequential(
            spectral_norm(nn.Linear(256, 128)), nn.LeakyReLU(0.2), spectral_norm(nn.Linear(128, 1))
        )

    def _features(self, patches: Tensor) -> Tensor:
        h = patches.flatten(0, 1) * 2 - 1
        for stage in self.stages:
            h = F.leaky_relu(stage(h), 0.2)
        return h.float().mean((2, 3)).view(*patches.shape[:2], -1)  # (B, n, 128)

    def forward(self, queries: Tensor, references: Tensor) -> Tensor:
        asked = self._features(queries)
        known = self._features(references).mean(1, keepdim=True).expand_as(asked)
        return self.compare(torch.cat([asked, known], -1)).squeeze(-1).float()
