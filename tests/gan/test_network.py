"""The model and its pixels: shapes, identities, and what the engine relies on."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from augmentai.gan import weights_file as store
from augmentai.gan.network import COEFFICIENTS, CONTENT_DIM, STYLE_DIM, Generator, apply_change
from augmentai.gan.render import apply_full_size, protect_backgrounds, thumbnail_size_wh
from augmentai.settings import DEFAULT_WEIGHTS


@pytest.fixture(scope="module")
def weights() -> store.Weights:
    return store.load(DEFAULT_WEIGHTS)


def test_shipped_weights_are_small_and_hold_a_bank(weights: store.Weights) -> None:
    assert DEFAULT_WEIGHTS.stat().st_size < 10_000_000
    assert weights.bank.shape[0] >= 64
    assert weights.bank.shape[1] == STYLE_DIM
    apart = torch.cdist(weights.bank, weights.bank) + torch.eye(len(weights.bank)) * 1e9
    assert float(apart.min()) > 0.5, "two styles of the bank are the same look"
    assert weights.metadata["steps"].isdigit()


def test_shapes() -> None:
    generator = Generator()
    content, style = generator.encode(torch.rand(2, 3, 96, 160))
    assert content.shape == (2, CONTENT_DIM, 6, 10)
    assert style.shape == (2, STYLE_DIM)
    assert generator.change(content, style, style.flip(0)).shape == (2, COEFFICIENTS, 6, 10)


def test_own_style_changes_nothing(weights: store.Weights) -> None:
    content, style = weights.generator.encode(torch.rand(1, 3, 64, 64))
    assert float(weights.generator.change(content, style, style).abs().max()) < 1e-5


@pytest.mark.parametrize(
    ("size_wh", "detail"), [((64, 48), 0), ((97, 131), 0), ((300, 16), 0), ((208, 128), 1), ((331, 401), 0)]
)
def test_full_size_rendering_agrees_with_training(size_wh: tuple[int, int], detail: int) -> None:
    rng = torch.Generator().manual_seed(3)
    width, height = size_wh
    pixels = (torch.rand(3, height, width, generator=rng) * 255).byte()
    change = (torch.rand(COEFFICIENTS, 3, 5, generator=rng) - 0.5) * 0.3
    change[-1] *= detail  # what counts as detail hangs on the thumbnail's size: the two agree where it is the picture's
    expected = (apply_change(pixels[None].float() / 255, change[None])[0].clamp(0, 1) * 255).round()
    assert float((apply_full_size(pixels, change, 1.0).float() - expected).abs().max()) <= 1


def test_strength_nought_is_the_source_itself() -> None:
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


def _framed(ground: int, share: float) -> torch.Tensor:
    """Grey noise beside a ground of one level: uint8 (3, 160, 160)."""
    rng = torch.Generator().manual_seed(5)
    pixels = (torch.rand(1, 160, 160, generator=rng) * 60 + 100).byte().expand(3, -1, -1).clone()
    pixels[:, :, : round(160 * share)] = ground
    return pixels


@pytest.mark.parametrize("ground", [0, 255])
def test_black_and_white_grounds_are_spared(ground: int) -> None:
    """A slide's black, a product's white: as they were, while what lies before them changes as it would anyway."""
    pixels = _framed(ground, 0.5)
    rng = torch.Generator().manual_seed(6)
    change = (torch.rand(COEFFICIENTS, 10, 10, generator=rng) - 0.5) * 0.6
    change[9:12], change[12:15] = 0.25, -0.25  # the red curve's dark half is lifted, its light half lowered
    spared = apply_full_size(pixels, protect_backgrounds(change, pixels), 1.0)
    whole = apply_full_size(pixels, change, 1.0)
    assert int((spared[:, :, :72].int() - ground).abs().max()) <= 1
    assert float((whole[:, :, :72].float() - ground).abs().mean()) > 10
    assert float((spared[:, :, 90:].float() - whole[:, :, 90:].float()).abs().mean()) < 1


def test_where_there_is_nothing_but_ground_it_changes_after_all() -> None:
    pixels = torch.full((3, 160, 160), 255, dtype=torch.uint8)
    pixels[:, 70:74] = 0  # a line of ink
    change = torch.zeros(COEFFICIENTS, 10, 10)
    change[0] = change[4] = change[8] = -0.3  # the light is taken down
    spared = apply_full_size(pixels, protect_backgrounds(change, pixels), 1.0)
    whole = apply_full_size(pixels, change, 1.0)
    moved, could_move = (float((made.float() - pixels.float()).abs().mean()) for made in (spared, whole))
    assert could_move > 60
    assert 0.15 * could_move < moved < 0.25 * could_move


def test_ink_and_paper_are_no_grounds() -> None:
    """A picture of black and white alone is changed wholly: nothing else in it could tell a variation from a copy."""
    pixels = (torch.rand(1, 160, 160, generator=torch.Generator().manual_seed(7)) < 0.5).byte().expand(3, -1, -1) * 255
    change = torch.randn(COEFFICIENTS, 10, 10)
    assert torch.equal(protect_backgrounds(change, pixels), change)


def test_a_picture_without_a_ground_is_changed_wholly() -> None:
    change = torch.randn(COEFFICIENTS, 4, 4)
    for pixels in (_framed(0, 0.05), _framed(128, 0.9)):
        assert torch.equal(protect_backgrounds(change, pixels), change)


@pytest.mark.parametrize("size_wh", [(8, 8), (16, 16), (6000, 4000), (20000, 8), (640, 427)])
def test_thumbnails_are_of_bounded_size(size_wh: tuple[int, int]) -> None:
    for side in thumbnail_size_wh(size_wh):
        assert side % 16 == 0
        assert 32 <= side <= 1024


def test_store_round_trip_and_refusals(tmp_path, weights: store.Weights) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "own.safetensors"
    store.save(path, weights.generator, weights.bank, {"steps": "5"})
    again = store.load(path)
    x = torch.rand(1, 3, 64, 64)
    assert np.allclose(again.generator.encode(x)[1], weights.generator.encode(x)[1], atol=1e-3)
    path.write_bytes(b"not a weights file")
    with pytest.raises(store.WeightsError, match=r"own\.safetensors: not a readable safetensors file"):
        store.load(path)
    from safetensors.torch import save_file

    save_file({"x": torch.zeros(1)}, path, {"architecture": "other"})
    with pytest.raises(store.WeightsError, match="architecture other, expected augmentai-gan-2"):
        store.load(path)
