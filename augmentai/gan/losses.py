"""What the generator is taught besides fooling the discriminators. Each returns one number, lower is better."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from augmentai.gan.network import KNOTS, luma


def tell_apart(read: Tensor, styles: Tensor, temperature: float = 0.1) -> Tensor:
    """InfoNCE (van den Oord et al. 2018): the style read back from swap i must pick donor i out of the batch.

    read, styles: (B, 64) of unit RMS. This is what keeps styles apart; without it they collapse to a few looks.
    """
    likeness = read @ styles.T / read.shape[1]  # (B, B): cosine
    return F.cross_entropy(likeness / temperature, torch.arange(len(read), device=read.device))


def palette_distance(made: Tensor, donor: Tensor, rng: torch.Generator, directions: int = 24) -> Tensor:
    """Sliced Wasserstein-1 distance between the two pictures' colours (Rabin et al. 2011): (B, 3, H, W) both."""
    axes = F.normalize(torch.randn(3, directions, generator=rng).to(made), dim=0)

    def sorted_colours(x: Tensor) -> Tensor:
        colours = F.avg_pool2d(x, 4).flatten(2).transpose(1, 2)  # (B, N, 3)
        return (colours @ axes).sort(1).values

    return (sorted_colours(made) - sorted_colours(donor)).abs().mean()


def lost_detail(source: Tensor, made: Tensor, keep: float = 0.35) -> Tensor:
    """How far the brightness steps of the source were flattened below `keep`, or turned over. (B, 3, H, W) both.

    Zero where every step keeps its direction and at least `keep` of its height.
    """
    before, after = luma(source), luma(made)
    total = before.new_zeros(())
    for axis in (2, 3):
        step, kept = before.diff(dim=axis), after.diff(dim=axis)
        total = total + F.relu(keep * step.square() - step * kept).sum() / (step.square().sum() + 1e-3)
    return total


def out_of_range(made: Tensor) -> Tensor:
    """Mean square of what lies below 0 or above 1, and would be clipped."""
    return (F.relu(made - 1).square() + F.relu(-made).square()).mean()


def roughness(change: Tensor) -> Tensor:
    """Steps between neighbouring cells and bends in the tone curves: blobs, halos and banding. (B, 28, gh, gw)."""
    across = change.diff(dim=3).square().mean() + change.diff(dim=2).square().mean()
    curves = change[:, 9:-1].unflatten(1, (3, KNOTS))
    bends = curves.diff(n=2, dim=2).square().mean()
    return across + bends
