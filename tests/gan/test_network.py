"""The network: shapes, and that a style of its own changes nothing."""

from __future__ import annotations

import torch

from augmentai.gan import weights_file
from augmentai.gan.network import COEFFICIENTS, CONTENT_DIM, STYLE_DIM, Generator
from augmentai.settings import DEFAULT_WEIGHTS


def test_shapes() -> None:
    generator = Generator()
    content, style = generator.encode(torch.rand(2, 3, 96, 160))
    assert content.shape == (2, CONTENT_DIM, 6, 10)
    assert style.shape == (2, STYLE_DIM)
    assert generator.change(content, style, style.flip(0)).shape == (2, COEFFICIENTS, 6, 10)


def test_the_own_style_changes_nothing() -> None:
    weights = weights_file.load(DEFAULT_WEIGHTS)
    content, style = weights.generator.encode(torch.rand(1, 3, 64, 64))
    assert float(weights.generator.change(content, style, style).abs().max()) < 1e-5
