"""The network and ONNX Runtime compute what the published EfficientNet-Lite0 computed.

`reference.safetensors` is the output of the package efficientnet-lite-pytorch 0.1.0 with the published weights, in
float32: features of two example photos, and of one of them every fourth cell of stride 8, every second of stride 16
and all of stride 32.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file

from augmentai.backbone.lite import Lite
from augmentai.backbone.load import WEIGHTS, load_backbone
from augmentai.backbone.network import EfficientNetLite0, load_network
from augmentai.backbone.squares import square
from augmentai.settings import EXAMPLES

REFERENCE = load_file(Path(__file__).parent / "reference.safetensors")
PHOTOS = ("chelsea.png", "coffee.png")


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.stack([square(Image.open(EXAMPLES / name)) for name in PHOTOS])


@pytest.fixture(scope="module")
def network() -> EfficientNetLite0:
    return load_network(WEIGHTS)


def as_tensor(images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2).float()


def relative_error(found: np.ndarray, expected: np.ndarray) -> float:
    """Root mean square of the difference over that of what is expected."""
    return float(np.sqrt(((found - expected) ** 2).mean() / (expected**2).mean()))


def test_features_are_those_of_the_original(images: np.ndarray) -> None:
    expected = np.stack([REFERENCE[name] for name in PHOTOS])
    assert relative_error(load_backbone().features(images), expected) < 0.01


def test_maps_are_those_of_the_original(images: np.ndarray, network: EfficientNetLite0) -> None:
    with torch.inference_mode():
        maps = network.maps(as_tensor(images[:1]))
    for block, stride, every in ((4, 8, 4), (10, 16, 2), (15, 32, 1)):
        expected = REFERENCE[f"chelsea.png stride {stride}"]
        assert relative_error(maps[block][0, :, ::every, ::every].numpy(), expected) < 0.01


@pytest.mark.parametrize("side_px", [160, 96])
def test_onnx_runtime_agrees_with_torch(network: EfficientNetLite0, side_px: int) -> None:
    images = np.random.default_rng(1).integers(0, 256, (3, side_px, side_px, 3), np.uint8)
    backbone = Lite(WEIGHTS)
    with torch.inference_mode():
        features, cells = network(as_tensor(images)), network.cells(as_tensor(images)).permute(0, 2, 3, 1)
    assert np.abs(backbone.features(images) - features.numpy()).max() < 1e-4
    assert np.abs(backbone.cells(images) - cells.numpy()).max() < 1e-3  # cells reach a few hundred


def test_it_can_be_trained(network: EfficientNetLite0, images: np.ndarray) -> None:
    network = load_network(WEIGHTS).train()
    before = network.head.weight.detach().clone()
    optimizer = torch.optim.SGD(network.parameters(), 0.1)
    network(as_tensor(images)).square().mean().backward()
    optimizer.step()
    assert not torch.equal(network.head.weight, before)
