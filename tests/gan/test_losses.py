"""Losses: zero where nothing is wrong, larger where something is."""

from __future__ import annotations

import torch

from augmentai.gan import losses


def test_losses_grow_with_what_they_penalize() -> None:
    rng = torch.Generator().manual_seed(0)
    x = torch.rand(4, 3, 32, 32, generator=rng)
    assert float(losses.palette_distance(x, x, rng)) < 1e-6
    assert float(losses.palette_distance(x, x * 0.5, rng)) > 0.05
    assert float(losses.lost_detail(x, x)) < 1e-6
    assert float(losses.lost_detail(x, 1 - x)) > 0.5
    assert float(losses.out_of_range(x)) == 0
    assert float(losses.out_of_range(x + 1)) > 0
    styles = torch.eye(4, 64) * 8
    assert float(losses.contrastive(styles, styles)) < float(losses.contrastive(styles.flip(0), styles))
    assert float(losses.roughness(torch.ones(1, 28, 3, 3))) == 0
