"""Losses of the generator beyond the adversarial one. Each returns a scalar; lower is better."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from augmentai.gan.network import KNOTS, luma


def contrastive(read: Tensor, styles: Tensor, temperature: float = 0.1) -> Tensor:
    """InfoNCE (van den Oord et al. 2018): the style encoded from output i must identify donor i within the batch.

    This keeps styles apart; without it they collapse to a few.

    Shape:
        read, styles: (B, 64), unit RMS; output: ()
    """
    similarity = read @ styles.T / read.shape[1]  # (B, B): cosine
    return F.cross_entropy(similarity / temperature, torch.arange(len(read), device=read.device))


def palette_distance(made: Tensor, donor: Tensor, rng: torch.Generator, directions: int = 24) -> Tensor:
    """Sliced Wasserstein-1 distance between the colours of two images (Rabin et al. 2011).

    Args:
        made: The output.
        donor: The image whose style it was given.
        rng: Draws the directions.
        directions: Random axes in colour space to project on.

    Shape:
        made, donor: (B, 3, H, W) in 0..1; output: ()
    """
    axes = F.normalize(torch.randn(3, directions, generator=rng).to(made), dim=0)

    def sorted_colours(x: Tensor) -> Tensor:
        colours = F.avg_pool2d(x, 4).flatten(2).transpose(1, 2)  # (B, N, 3)
        return (colours @ axes).sort(1).values

    return (sorted_colours(made) - sorted_colours(donor)).abs().mean()


def lost_detail(source: Tensor, made: Tensor, keep: float = 0.35) -> Tensor:
    """How far brightness steps of the source were flattened below the share `keep`, or inverted.

    Zero if every step keeps its direction and at least `keep` of its height.

    Shape:
        source, made: (B, 3, H, W) in 0..1; output: ()
    """
    before, after = luma(source), luma(made)
    total = before.new_zeros(())
    for axis in (2, 3):
        step, kept = before.diff(dim=axis), after.diff(dim=axis)
        total = total + F.relu(keep * step.square() - step * kept).sum() / (step.square().sum() + 1e-3)
    return total


def out_of_range(made: Tensor) -> Tensor:
    """Mean square of the values below 0 or above 1, which would be clipped: any shape -> ()."""
    return (F.relu(made - 1).square() + F.relu(-made).square()).mean()


def roughness(change: Tensor) -> Tensor:
    """Steps between neighbouring cells and bends in the tone curves, which show as blobs, halos and banding.

    Shape:
        change: (B, 28, gh, gw); output: ()
    """
    across = change.diff(dim=3).square().mean() + change.diff(dim=2).square().mean()
    curves = change[:, 9:-1].unflatten(1, (3, KNOTS))
    bends = curves.diff(n=2, dim=2).square().mean()
    return across + bends
