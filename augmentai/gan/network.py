"""The local GAN, from top to bottom.

A photo is split into *content* (what is where) and *style* (its appearance: light, weather, colour, haze). The
generator does not paint pixels. It predicts a coarse grid of colour transforms, one per 16 x 16 pixels of a thumbnail,
that take the image from its own style to another one; `runtime.carry` upsamples the grid smoothly and applies it to the
full-size image. Fine detail is therefore always the source's own, whatever its size, and an unchanged style gives an
unchanged image.

    encoder   image -> content (B, 48, h/16, w/16), style (B, 64)
    painter   content, style -> coefficients (B, 28, h/16, w/16)
    change    painter(content, new style) - painter(content, own style)
    output    x + matrix x + tone(luma of x) + gain (x - blur x)        at every pixel

There are 28 coefficients per grid cell: nine are a 3x3 colour matrix (strength and colour of the light, saturation,
hue); eighteen are the heights of three tone curves (red, green, blue) over six knots of luma (haze, shadows separately
from highlights, sky separately from ground); the last is a gain on detail (mist below zero, clear air above), where
detail is what the image has over a blurred version of itself.

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

from augmentai.gan.layout import (
    BLACK_RANGE,
    COEFFICIENTS,
    CONTENT_DIM,
    DETAIL_RANGE,
    ENCODER_WIDTHS,
    KNOTS,
    LUMA_QUANTILES,
    LUMA_WEIGHTS,
    MATRIX_RANGE,
    PAINTER_BLOCKS,
    PAINTER_WIDTH,
    STYLE_DIM,
    STYLE_HIDDEN,
    TONE_RANGE,
)


def luma(x: Tensor) -> Tensor:
    """Compute the luma of each pixel (ITU-R BT.601): (B, 3, H, W) in 0..1 -> (B, 1, H, W) in 0..1."""
    red, green, blue = x.unbind(1)
    return (LUMA_WEIGHTS[0] * red + LUMA_WEIGHTS[1] * green + LUMA_WEIGHTS[2] * blue).unsqueeze(1)


def unit_rms(w: Tensor) -> Tensor:
    """Scale each style to a root mean square of one: (B, D) -> (B, D).

    Example:
        >>> unit_rms(torch.tensor([[3.0, 3.0]]))
        tensor([[1., 1.]])
    """
    return w * torch.rsqrt(w.square().mean(-1, keepdim=True) + 1e-8)


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    # Replicated borders: zeros would look like a black frame, which instance normalization then amplifies.
    return nn.Conv2d(inputs, outputs, 3, stride, 1, padding_mode="replicate")


class Encoder(nn.Module):
    """Split an image into content and style.

    Shape:
        Input: (B, 3, h, w) in 0..1, h and w multiples of 16.
        Output: content (B, 48, h/16, w/16), zero mean and unit variance per channel; style (B, 64), unit RMS.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleList(_conv(a, b, 2) for a, b in pairwise(ENCODER_WIDTHS))
        wide = ENCODER_WIDTHS[-1]
        self.mix = _conv(wide, wide)
        self.to_content = nn.Conv2d(wide, CONTENT_DIM, 1)
        count = 2 * sum(ENCODER_WIDTHS) + len(LUMA_QUANTILES)
        self.to_style = nn.Sequential(nn.Linear(count, STYLE_HIDDEN), nn.SiLU(), nn.Linear(STYLE_HIDDEN, STYLE_DIM))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        statistics = [_mean_and_deviation(x), _luma_quantiles(x)]
        h = x * 2 - 1  # (B, 3, h, w)
        for stage in self.stages:
            h = F.silu(stage(h))  # (B, C, h/2, w/2), ... down to (B, 128, h/16, w/16)
            statistics.append(_mean_and_deviation(h))
        h = h + F.silu(self.mix(h))
        content = F.instance_norm(self.to_content(h).float(), eps=1e-3)  # (B, 48, h/16, w/16)
        style = unit_rms(self.to_style(torch.cat([s.float() for s in statistics], 1)).float())  # (B, 64)
        return content, style


def _mean_and_deviation(h: Tensor) -> Tensor:
    """Mean and standard deviation per channel: (B, C, H, W) -> (B, 2C)."""
    flat = h.float().flatten(2)  # (B, C, N)
    deviation = (flat.var(2, unbiased=False) + 1e-6).sqrt()
    return torch.cat([flat.mean(2), deviation], 1)


def _luma_quantiles(x: Tensor) -> Tensor:
    """Five quantiles of the luma: (B, 3, H, W) -> (B, 5)."""
    flat = luma(x).float().flatten(1)  # (B, N)
    quantiles = torch.tensor(LUMA_QUANTILES, device=x.device)
    return torch.quantile(flat, quantiles, dim=1).T


class FilmBlock(nn.Module):
    """Residual block modulated by the style (FiLM): (B, C, gh, gw), (B, 64) -> (B, C, gh, gw)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = _conv(width, width), _conv(width, width)
        self.film = nn.Linear(STYLE_DIM, 2 * width)

    def forward(self, h: Tensor, style: Tensor) -> Tensor:
        scale, shift = self.film(style)[:, :, None, None].chunk(2, 1)  # (B, C, 1, 1) each
        return h + self.second(F.silu(self.first(F.silu(h)) * (1 + scale) + shift))


class Painter(nn.Module):
    """Predict colour transforms: content (B, 48, gh, gw) and style (B, 64) -> coefficients (B, 28, gh, gw)."""

    def __init__(self, width: int = PAINTER_WIDTH, blocks: int = PAINTER_BLOCKS) -> None:
        super().__init__()
        self.enter = _conv(CONTENT_DIM, width)
        self.whole = nn.Linear(width, width)  # global context, added to every cell
        self.blocks = nn.ModuleList(FilmBlock(width) for _ in range(blocks))
        self.leave = nn.Conv2d(width, COEFFICIENTS, 1)
        nn.init.normal_(self.leave.weight, std=0.02)
        nn.init.constant_(self.leave.bias, 0.0)  # type: ignore[arg-type]

    def forward(self, content: Tensor, style: Tensor) -> Tensor:
        h = F.silu(self.enter(content))  # (B, C, gh, gw)
        h = h + self.whole(h.mean((2, 3)))[:, :, None, None]
        for block in self.blocks:
            h = block(h, style)
        # (B, 9, gh, gw), (B, 18, gh, gw), (B, 1, gh, gw)
        matrix, tone, detail = self.leave(F.silu(h)).float().split([9, 3 * KNOTS, 1], 1)
        tone_range = tone.new_tensor([BLACK_RANGE] + [TONE_RANGE] * (KNOTS - 1)).repeat(3).view(1, -1, 1, 1)
        parts = MATRIX_RANGE * torch.tanh(matrix), tone_range * torch.tanh(tone), DETAIL_RANGE * torch.tanh(detail)
        return torch.cat(parts, 1)


class Generator(nn.Module):
    """Encoder and painter: everything that is needed to augment.

    Example:
        >>> generator = Generator().eval()
        >>> with torch.inference_mode():
        ...     content, style = generator.encode(torch.rand(2, 3, 96, 160))
        ...     change = generator.change(content, own=style, new=style.flip(0))
        >>> content.shape, style.shape, change.shape
        (torch.Size([2, 48, 6, 10]), torch.Size([2, 64]), torch.Size([2, 28, 6, 10]))
    """

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.painter = Encoder(), Painter()

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Split images (B, 3, h, w) in 0..1 into content (B, 48, h/16, w/16) and style (B, 64); see `Encoder`."""
        return self.encoder(x)

    def change(self, content: Tensor, own: Tensor, new: Tensor) -> Tensor:
        """Predict the change from one style to another.

        Args:
            content: From `encode`.
            own: The image's style.
            new: The style it should get.

        Returns:
            Coefficients for `apply_change`; zero if the styles are equal.

        Shape:
            content: (B, 48, gh, gw); own, new: (B, 64); output: (B, 28, gh, gw).
        """
        painted_new, painted_own = self.painter(content.repeat(2, 1, 1, 1), torch.cat([new, own])).chunk(2)
        return smoothed_change(painted_own, painted_new)


def smoothed_change(painted_own: Tensor, painted_new: Tensor) -> Tensor:
    """Compute the change between two outputs of the painter, smoothed over the grid.

    Each cell is averaged with its eight neighbours: light changes over a scene, not from one cell to the next. The
    knots at black and next to it are averaged over the whole image: haze lifts the dark everywhere, and if it did so
    only here and there, lamps and stars at night would have halos.

    Shape:
        painted_own, painted_new, output: (B, 28, gh, gw)
    """
    change = painted_new - painted_own
    smooth = F.avg_pool2d(F.pad(change, (1, 1, 1, 1), mode="replicate"), 3, 1)
    tone = smooth[:, 9:-1].unflatten(1, (3, KNOTS))  # (B, 3, 6, gh, gw)
    dark = tone[:, :, :2].mean((3, 4), keepdim=True).expand_as(tone[:, :, :2])
    return torch.cat([smooth[:, :9], torch.cat([dark, tone[:, :, 2:]], 2).flatten(1, 2), smooth[:, -1:]], 1)


def blur(x: Tensor) -> Tensor:
    """Blur with a separable 5-tap binomial kernel: (B, C, h, w) -> (B, C, h, w)."""
    taps = x.new_tensor([1, 4, 6, 4, 1]) / 16
    channels = x.shape[1]
    horizontal = F.conv2d(F.pad(x, (2, 2, 0, 0), mode="replicate"), taps.expand(channels, 1, 1, 5), groups=channels)
    vertical = taps.view(5, 1).expand(channels, 1, 5, 1)
    return F.conv2d(F.pad(horizontal, (0, 0, 2, 2), mode="replicate"), vertical, groups=channels)


def apply_change(x: Tensor, change: Tensor) -> Tensor:
    """Apply a change to images, without clamping.

    Differentiable and simple, for training on small crops. `runtime.carry` has its full-size counterpart.

    Args:
        x: Images in 0..1.
        change: From `Generator.change`; upsampled bilinearly to the size of `x`.

    Shape:
        x, output: (B, 3, H, W); change: (B, 28, gh, gw).

    Example:
        >>> x = torch.rand(1, 3, 32, 32)
        >>> torch.equal(apply_change(x, torch.zeros(1, 28, 2, 2)), x)
        True
    """
    b, _, height, width = x.shape
    planes = F.interpolate(change, (height, width), mode="bilinear", align_corners=False)  # (B, 28, H, W)
    matrix = planes[:, :9].view(b, 3, 3, height, width)
    curves = planes[:, 9:-1].view(b, 3, KNOTS, height, width)
    knots = torch.arange(KNOTS, device=x.device).view(1, 1, KNOTS, 1, 1)
    # Weights of linear interpolation between knots, (B, 1, 6, H, W): each pixel lies between two of them.
    weights = (1 - (luma(x).clamp(0, 1).unsqueeze(2) * (KNOTS - 1) - knots).abs()).clamp(min=0)
    return x + (matrix * x.unsqueeze(1)).sum(2) + (curves * weights).sum(2) + planes[:, -1:] * (x - blur(x))


class Discriminator(nn.Module):
    """Is this a real photo? (B, 3, h, w) in 0..1 -> a map of logits (B, 1, h/16, w/16)."""

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
    """Do the Q patches come from the same image as the R others? (B, Q, 3, p, p), (B, R, 3, p, p) -> logits (B, Q)."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 32, 64, 96, 128)
        self.stages = nn.ModuleList(spectral_norm(nn.Conv2d(a, b, 4, 2, 1)) for a, b in pairwise(widths))
        self.compare = nn.Sequential(
            spectral_norm(nn.Linear(256, 128)), nn.LeakyReLU(0.2), spectral_norm(nn.Linear(128, 1))
        )

    def _features(self, patches: Tensor) -> Tensor:
        h = patches.flatten(0, 1) * 2 - 1  # (B n, 3, p, p)
        for stage in self.stages:
            h = F.leaky_relu(stage(h), 0.2)
        return h.float().mean((2, 3)).view(*patches.shape[:2], -1)  # (B, n, 128)

    def forward(self, queries: Tensor, references: Tensor) -> Tensor:
        own = self._features(queries)  # (B, Q, 128)
        reference = self._features(references).mean(1, keepdim=True).expand_as(own)  # (B, Q, 128)
        return self.compare(torch.cat([own, reference], -1)).squeeze(-1).float()
