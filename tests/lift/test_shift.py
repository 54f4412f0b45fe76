"""The shifted test set."""

from __future__ import annotations

import torch

from augmentai.lift.shift import KINDS, shifted


def test_every_image_is_shifted() -> None:
    images = torch.randint(40, 200, (2 * len(KINDS), 3, 64, 64), dtype=torch.uint8)
    hard = shifted(images, 7)
    assert torch.equal(hard, shifted(images, 7))
    assert not torch.equal(hard, shifted(images, 8))
    assert bool(((hard.float() - images.float()).abs().mean((1, 2, 3)) > 1).all())
