"""The bank of styles that ships with the weights: looks for a photo that has no others to borrow from."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from augmentai.gan.data import Photos
from augmentai.gan.light import random_light
from augmentai.gan.network import Generator, apply_change, luma
from augmentai.gan.render import THUMBNAIL_AREA_PX

_SITTERS = 8  # photographs on which a style's colour cast is measured


@torch.no_grad()
def style_bank(generator: Generator, photos: Photos, device: str, size: int = 96, looks: int = 600) -> Tensor:
    """`size` styles of the photographs, each far from the ones before it (farthest-point choice): (size, 64).

    The first is the one nearest the mean. Two kinds are left out before: lone outliers, whose looks few photographs
    share (the quarter with the farthest neighbours), and the tenth with the strongest colour cast: a red wall as a
    donor paints the sky red.
    """
    chosen = np.linspace(0, len(photos) - 1, min(looks, len(photos))).astype(int)
    rng = torch.Generator().manual_seed(0)
    styles = []
    for index in chosen:
        picture = photos.whole(int(index), THUMBNAIL_AREA_PX)
        styles.append(generator.encode(random_light(picture, rng).to(device))[1][0])
    every = torch.stack(styles)
    apart = torch.cdist(every, every)
    nearby = apart.topk(min(6, len(every)), largest=False).values[:, -1]
    every = every[nearby <= nearby.quantile(0.75)]
    casts = colour_casts(generator, every, photos, device)
    every = every[casts <= casts.quantile(0.9)]
    picked = [int((every - every.mean(0)).norm(dim=1).argmin())]
    nearest = (every - every[picked[0]]).norm(dim=1)
    while len(picked) < min(size, len(every)):
        picked.append(int(nearest.argmax()))
        nearest = torch.minimum(nearest, (every - every[picked[-1]]).norm(dim=1))
    return every[picked]


@torch.no_grad()
def colour_casts(generator: Generator, styles: Tensor, photos: Photos, device: str) -> Tensor:
    """How far each style shifts the mean colour, apart from its brightness, over a few photographs: (N, 64) -> (N,).

    In units of full scale; 0 keeps the balance of colours, 0.1 is a strong tint.
    """
    total = torch.zeros(len(styles), device=device)
    for index in np.linspace(0, len(photos) - 1, _SITTERS + 2).astype(int)[1:-1]:
        x = F.interpolate(photos.whole(int(index), THUMBNAIL_AREA_PX), (96, 96)).to(device)
        content, own = generator.encode(x)
        balance = _balance(x)
        for start in range(0, len(styles), 32):
            new = styles[start : start + 32]
            many = len(new)
            change = generator.change(content.expand(many, -1, -1, -1), own.expand(many, -1), new)
            made = apply_change(x.expand(many, -1, -1, -1), change).clamp(0, 1)
            total[start : start + many] += (_balance(made) - balance).norm(dim=1)
    return total / _SITTERS


def _balance(x: Tensor) -> Tensor:
    return (x - luma(x)).mean((2, 3))  # (B, 3)
