"""The style bank that ships with the weights: styles for photos that have no others to borrow from."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from augmentai.gan.data import Photos
from augmentai.gan.light import random_light
from augmentai.gan.network import Generator, apply_change, luma
from augmentai.gan.runtime.pixels import THUMBNAIL_AREA_PX

_PROBES = 8  # photos on which the colour cast of a style is measured


@torch.no_grad()
def style_bank(generator: Generator, photos: Photos, device: str, size: int = 96, candidates: int = 600) -> Tensor:
    """Choose styles of the photos that are far from each other (farthest-point sampling).

    The first is the one nearest the mean. Two kinds are excluded beforehand: outliers, whose style few photos share
    (the quarter with the farthest neighbours), and the tenth with the strongest colour cast: with a red wall as its
    donor, a sky turns red.

    Args:
        generator: The trained network.
        photos: The training photos.
        device: Where to compute.
        size: Styles to choose; fewer if there are fewer photos.
        candidates: Photos to choose from, spread evenly over the set.

    Shape:
        output: (size, 64)
    """
    chosen = np.linspace(0, len(photos) - 1, min(candidates, len(photos))).astype(int)
    rng = torch.Generator().manual_seed(0)
    encoded = []
    for index in chosen:
        image = photos.whole(int(index), THUMBNAIL_AREA_PX)
        encoded.append(generator.encode(random_light(image, rng).to(device))[1][0])
    styles = torch.stack(encoded)
    distances = torch.cdist(styles, styles)
    neighbour = distances.topk(min(6, len(styles)), largest=False).values[:, -1]
    styles = styles[neighbour <= neighbour.quantile(0.75)]
    casts = color_casts(generator, styles, photos, device)
    styles = styles[casts <= casts.quantile(0.9)]
    picked = [int((styles - styles.mean(0)).norm(dim=1).argmin())]
    nearest = (styles - styles[picked[0]]).norm(dim=1)
    while len(picked) < min(size, len(styles)):
        picked.append(int(nearest.argmax()))
        nearest = torch.minimum(nearest, (styles - styles[picked[-1]]).norm(dim=1))
    return styles[picked]


@torch.no_grad()
def color_casts(generator: Generator, styles: Tensor, photos: Photos, device: str) -> Tensor:
    """Measure how far each style shifts the mean colour, apart from brightness, over a few photos.

    Returns:
        The shift in units of full scale: 0 keeps the colour balance, 0.1 is a strong tint.

    Shape:
        styles: (N, 64); output: (N,)
    """
    total = torch.zeros(len(styles), device=device)
    for index in np.linspace(0, len(photos) - 1, _PROBES + 2).astype(int)[1:-1]:
        x = F.interpolate(photos.whole(int(index), THUMBNAIL_AREA_PX), (96, 96)).to(device)
        content, own = generator.encode(x)
        balance = _balance(x)
        for start in range(0, len(styles), 32):
            new = styles[start : start + 32]
            count = len(new)
            change = generator.change(content.expand(count, -1, -1, -1), own.expand(count, -1), new)
            made = apply_change(x.expand(count, -1, -1, -1), change).clamp(0, 1)
            total[start : start + count] += (_balance(made) - balance).norm(dim=1)
    return total / _PROBES


def _balance(x: Tensor) -> Tensor:
    """Mean colour without brightness: (B, 3, H, W) -> (B, 3)."""
    return (x - luma(x)).mean((2, 3))
