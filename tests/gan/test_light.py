"""Simulated light: what it may do to an image, and what it must leave visible."""

from __future__ import annotations

import io

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from PIL import Image
from torch import Tensor

from augmentai import Recipe, Source, augment
from augmentai.gan.light import limit_exposure, random_light
from augmentai.gan.network import luma
from augmentai.images import decode
from augmentai.settings import EXAMPLES, Settings


def ramp(low: float = 0.0, high: float = 1.0) -> Tensor:
    """Greys from `low` to `high`, left to right: (1, 3, 32, 200)."""
    return torch.linspace(low, high, 200).expand(1, 3, 32, 200)


def quantile(x: Tensor, share: float) -> float:
    return float(torch.quantile(luma(x).flatten(), share))


def test_visible_images_are_not_changed() -> None:
    for lit in (ramp(), ramp(0.1, 0.9), ramp(0.3, 0.7)):
        assert torch.allclose(limit_exposure(lit, ramp()), lit, atol=1e-6)


def test_darkness_leaves_highlights_visible() -> None:
    assert quantile(limit_exposure(ramp() * 0.2, ramp()), 0.95) == pytest.approx(0.55, abs=0.01)


def test_fog_leaves_shadows_visible() -> None:
    assert quantile(limit_exposure(0.85 + 0.15 * ramp(), ramp()), 0.05) == pytest.approx(0.45, abs=0.01)


def test_a_night_may_stay_as_dark_as_it_is() -> None:
    night = ramp(0, 0.3)
    assert torch.allclose(limit_exposure(night, night), night, atol=1e-6)
    assert quantile(limit_exposure(night * 0.3, night), 0.95) == pytest.approx(quantile(night, 0.95), abs=0.01)


@given(st.integers(0, 2**31), st.booleans())
@settings(max_examples=60, deadline=None)
def test_any_light_gives_a_valid_image(seed: int, coloured: bool) -> None:
    rng = torch.Generator().manual_seed(seed)
    low, high = torch.rand(2, generator=rng).sort().values.tolist()
    source = ramp(low, high) * torch.rand(1, 3 if coloured else 1, 1, 1, generator=rng)
    lit = limit_exposure(random_light(source, rng, chance=1.0), source)
    assert bool(torch.isfinite(lit).all())
    assert 0 <= float(lit.min()) <= float(lit.max()) <= 1
    if not coloured:  # else a channel may clip
        assert quantile(lit, 0.95) >= min(quantile(source, 0.95), 0.45) - 0.01  # shadows have the last word


@pytest.mark.parametrize("name", ["coffee.png", "flower.jpg"])
def test_no_variation_is_too_dark(name: str) -> None:
    """A bright image at full strength, with many donors and lights."""
    buffer = io.BytesIO()
    with Image.open(EXAMPLES / name) as opened:
        opened.convert("RGB").resize((240, 160)).save(buffer, "PNG")
    lights = []
    for seed in (5, 6, 7):
        recipe = Recipe(engine="gan", variations=16, strength=1.0, seed=seed)
        for outcome in augment(Source.from_bytes("a.png", buffer.getvalue()), recipe, Settings()):
            assert outcome.variation is not None, outcome.reason
            made = decode(outcome.variation.data, "a.png", 10**6).rgb.convert("L")
            lights.append(np.quantile(np.asarray(made), 0.95) / 255)
    assert min(lights) > 0.48
