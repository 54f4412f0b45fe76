"""From thumbnails to full-size pixels: what is applied, what is protected."""

from __future__ import annotations

import pytest
import torch

from augmentai.gan.network import COEFFICIENTS, apply_change
from augmentai.gan.render import apply_full_size, protect_backgrounds, thumbnail_size_wh


@pytest.mark.parametrize(
    ("size_wh", "detail"), [((64, 48), 0), ((97, 131), 0), ((300, 16), 0), ((208, 128), 1), ((331, 401), 0)]
)
def test_full_size_rendering_agrees_with_training(size_wh: tuple[int, int], detail: int) -> None:
    rng = torch.Generator().manual_seed(3)
    width, height = size_wh
    pixels = (torch.rand(3, height, width, generator=rng) * 255).byte()
    change = (torch.rand(COEFFICIENTS, 3, 5, generator=rng) - 0.5) * 0.3
    change[-1] *= detail  # detail depends on the thumbnail's size: they agree at equal sizes
    expected = (apply_change(pixels[None].float() / 255, change[None])[0].clamp(0, 1) * 255).round()
    assert float((apply_full_size(pixels, change, 1.0).float() - expected).abs().max()) <= 1


def test_strength_zero_is_the_source_itself() -> None:
    pixels = (torch.rand(3, 40, 50) * 255).byte()
    assert torch.equal(apply_full_size(pixels, torch.randn(COEFFICIENTS, 2, 2), 0.0), pixels)


def test_every_pixel_moves_further_with_strength() -> None:
    pixels = (torch.rand(3, 64, 64) * 255).byte()
    change = torch.randn(COEFFICIENTS, 4, 4) * 0.2
    before = torch.zeros(3, 64, 64)
    for strength in (0.1, 0.3, 0.6, 1.0):
        moved = (apply_full_size(pixels, change, strength).float() - pixels.float()).abs()
        assert bool((moved >= before).all())
        before = moved
    assert float(before.mean()) > 1


def _with_background(background: int, share: float) -> torch.Tensor:
    """Grey noise next to a background of one level: uint8 (3, 160, 160)."""
    rng = torch.Generator().manual_seed(5)
    pixels = (torch.rand(1, 160, 160, generator=rng) * 60 + 100).byte().expand(3, -1, -1).clone()
    pixels[:, :, : round(160 * share)] = background
    return pixels


@pytest.mark.parametrize("background", [0, 255])
def test_black_and_white_backgrounds_are_protected(background: int) -> None:
    """A slide's black, a product's white stay as they were, while the object in front changes as usual."""
    pixels = _with_background(background, 0.5)
    rng = torch.Generator().manual_seed(6)
    change = (torch.rand(COEFFICIENTS, 10, 10, generator=rng) - 0.5) * 0.6
    change[9:12], change[12:15] = 0.25, -0.25  # the red curve's dark half is lifted, its light half lowered
    protected = apply_full_size(pixels, protect_backgrounds(change, pixels), 1.0)
    unprotected = apply_full_size(pixels, change, 1.0)
    assert int((protected[:, :, :72].int() - background).abs().max()) <= 1
    assert float((unprotected[:, :, :72].float() - background).abs().mean()) > 10
    assert float((protected[:, :, 90:].float() - unprotected[:, :, 90:].float()).abs().mean()) < 1


def test_an_image_of_background_alone_changes_after_all() -> None:
    pixels = torch.full((3, 160, 160), 255, dtype=torch.uint8)
    pixels[:, 70:74] = 0  # a line of ink
    change = torch.zeros(COEFFICIENTS, 10, 10)
    change[0] = change[4] = change[8] = -0.3  # darker
    protected = apply_full_size(pixels, protect_backgrounds(change, pixels), 1.0)
    unprotected = apply_full_size(pixels, change, 1.0)
    moved, could_move = (float((made.float() - pixels.float()).abs().mean()) for made in (protected, unprotected))
    assert could_move > 60
    assert 0.15 * could_move < moved < 0.25 * could_move


def test_ink_and_paper_are_not_backgrounds() -> None:
    """An image of black and white alone changes fully: nothing else could distinguish a variation from a copy."""
    pixels = (torch.rand(1, 160, 160, generator=torch.Generator().manual_seed(7)) < 0.5).byte().expand(3, -1, -1) * 255
    change = torch.randn(COEFFICIENTS, 10, 10)
    assert torch.equal(protect_backgrounds(change, pixels), change)


def test_an_image_without_background_changes_fully() -> None:
    change = torch.randn(COEFFICIENTS, 4, 4)
    for pixels in (_with_background(0, 0.05), _with_background(128, 0.9)):
        assert torch.equal(protect_backgrounds(change, pixels), change)


@pytest.mark.parametrize("size_wh", [(8, 8), (16, 16), (6000, 4000), (20000, 8), (640, 427)])
def test_thumbnail_size_is_bounded(size_wh: tuple[int, int]) -> None:
    for side in thumbnail_size_wh(size_wh):
        assert side % 16 == 0
        assert 32 <= side <= 1024
