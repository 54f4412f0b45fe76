"""The network as it runs, without torch, against the one that is trained: the same weights, the same numbers."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from PIL import Image

from augmentai.gan import light as training_light
from augmentai.gan import network as training
from augmentai.gan import weights_file
from augmentai.gan.runtime import arrays, hinges, light, network
from augmentai.gan.runtime.pixels import thumbnail
from augmentai.settings import DEFAULT_WEIGHTS, EXAMPLES

ATOL = 1e-5  # of content, style and coefficients, all of the order of one; a step of the change is 2.4e-4
PHOTOS = sorted(path for path in EXAMPLES.iterdir() if path.suffix in {".jpg", ".png"})


@pytest.fixture(scope="module")
def trained() -> training.Generator:
    return weights_file.load(DEFAULT_WEIGHTS).generator


@pytest.mark.parametrize("path", PHOTOS, ids=lambda path: path.stem)
def test_network_agrees_with_the_trained_one(path: object, trained: training.Generator) -> None:
    with Image.open(path) as opened:  # type: ignore[call-overload]
        seen = thumbnail(opened.convert("RGB"))
    runtime = network.load(DEFAULT_WEIGHTS)
    style = runtime.bank[:1]
    content, own = runtime.encode(seen)
    started = runtime.start(content)
    painted = runtime.paint(started, style)
    with torch.inference_mode():
        expected_content, expected_own = trained.encode(torch.from_numpy(seen))
        expected = trained.painter(expected_content, torch.from_numpy(style))
        expected_change = trained.change(expected_content, expected_own, torch.from_numpy(style))[0]
    assert np.allclose(content, expected_content, atol=10 * ATOL)  # normalized: flat channels are amplified
    assert np.allclose(own, expected_own, atol=ATOL)
    assert np.allclose(painted, expected, atol=ATOL)
    change = network.smoothed_change(runtime.paint(started, own), painted)
    assert np.allclose(change, expected_change, atol=ATOL)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_a_seed_draws_the_same_light(seed: int) -> None:
    rng = torch.Generator().manual_seed(seed)
    drawn = light.seeded_draws(seed)
    assert [float(torch.rand(1, 1, generator=rng)) for _ in range(20)] == [float(drawn(0, 1)) for _ in range(20)]


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_light_alone_agrees(seed: int) -> None:
    """In an image's own style nothing changes but the light."""
    rng = torch.Generator().manual_seed(seed)
    seen = torch.rand(1, 3, 32, 48, generator=rng) * torch.rand(1, generator=rng)
    x = F.avg_pool2d(seen, 2)
    lit = training_light.random_light(x, torch.Generator().manual_seed(seed), chance=1.0)
    expected = training_light.limit_exposure(lit, x)[0]
    runtime = network.load(DEFAULT_WEIGHTS)
    content, own = runtime.encode(seen.numpy())
    started, view = runtime.start(content), light.View.of(seen.numpy())
    found = light.relit(runtime, started, runtime.paint(started, own), view, own, light.Light.drawn(seed))
    assert np.allclose(light.limit_exposure(found, view.tails), expected, atol=1e-5)


@given(st.integers(0, 2**32 - 1), st.sampled_from([(32, 48), (96, 160), (64, 16)]))
@settings(max_examples=40, deadline=None)
def test_a_style_in_another_light_agrees(trained: training.Generator, seed: int, size_hw: tuple[int, int]) -> None:
    rng = torch.Generator().manual_seed(seed)
    seen = torch.rand(1, 3, *size_hw, generator=rng) * torch.rand(1, generator=rng)
    runtime = network.load(DEFAULT_WEIGHTS)
    style = runtime.bank[seed % len(runtime.bank)][None]
    content, own = runtime.encode(seen.numpy())
    started, view = runtime.start(content), light.View.of(seen.numpy())
    painted = runtime.paint(started, own)
    lit = light.relit(runtime, started, painted, view, style, light.Light.drawn(seed))
    change = light.relit_change(runtime, started, painted, view, style, seed)
    with torch.inference_mode():
        content_code, own_style = trained.encode(seen)
        x = F.avg_pool2d(seen, 2)
        borrowed = training.apply_change(x, trained.change(content_code, own_style, torch.from_numpy(style)))
        expected = training_light.random_light(borrowed.clamp(0, 1), torch.Generator().manual_seed(seed), chance=1.0)
        visible = training_light.limit_exposure(expected, x)
        expected_change = trained.change(content_code, own_style, trained.encode(visible)[1])
    assert np.allclose(view.x, x[0], atol=1e-6)
    assert np.allclose(lit, expected[0], atol=5 * ATOL)
    assert np.allclose(light.limit_exposure(lit, view.tails), visible[0], atol=10 * ATOL)
    assert np.allclose(change, expected_change[0], atol=10 * ATOL)


@pytest.mark.parametrize(("size_wh", "grid_wh"), [((32, 32), (2, 2)), ((96, 80), (12, 10)), ((16, 64), (1, 4))])
def test_changes_of_thumbnails_agree(size_wh: tuple[int, int], grid_wh: tuple[int, int]) -> None:
    rng = torch.Generator().manual_seed(3)
    x = torch.rand(1, 3, *size_wh[::-1], generator=rng)
    change = (torch.rand(1, 28, *grid_wh[::-1], generator=rng) - 0.5) * 0.5
    expected = training.apply_change(x, change)[0]
    assert np.allclose(hinges.apply_change(x[0].numpy(), change[0].numpy()), expected, atol=1e-5)


@pytest.mark.parametrize("share", [0.02, 0.05, 0.5, 0.95])
def test_quantiles_agree(share: float) -> None:
    values = torch.rand(997, generator=torch.Generator().manual_seed(1))
    assert arrays.quantiles(values.numpy(), (share,))[0] == pytest.approx(
        float(torch.quantile(values, share)), abs=1e-6
    )
