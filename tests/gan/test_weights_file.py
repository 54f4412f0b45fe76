"""The weights file: what ships, what is written and read again, what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from augmentai.gan import weights_file
from augmentai.gan.network import STYLE_DIM
from augmentai.settings import DEFAULT_WEIGHTS


@pytest.fixture(scope="module")
def weights() -> weights_file.Weights:
    return weights_file.load(DEFAULT_WEIGHTS)


def test_shipped_weights_are_small_and_contain_a_style_bank(weights: weights_file.Weights) -> None:
    assert DEFAULT_WEIGHTS.stat().st_size < 10_000_000
    assert weights.bank.shape[0] >= 64
    assert weights.bank.shape[1] == STYLE_DIM
    apart = torch.cdist(weights.bank, weights.bank) + torch.eye(len(weights.bank)) * 1e9
    assert float(apart.min()) > 0.5, "two styles of the bank are nearly the same"
    assert weights.metadata["steps"].isdigit()


def test_round_trip_and_refused_files(tmp_path: Path, weights: weights_file.Weights) -> None:
    path = tmp_path / "own.safetensors"
    weights_file.save(path, weights.generator, weights.bank, {"steps": "5"})
    again = weights_file.load(path)
    x = torch.rand(1, 3, 64, 64)
    assert np.allclose(again.generator.encode(x)[1], weights.generator.encode(x)[1], atol=1e-3)
    path.write_bytes(b"not a weights file")
    with pytest.raises(weights_file.WeightsError, match=r"own\.safetensors: not a readable safetensors file"):
        weights_file.load(path)
    from safetensors.torch import save_file

    save_file({"x": torch.zeros(1)}, path, {"architecture": "other"})
    with pytest.raises(weights_file.WeightsError, match="architecture other, expected augmentai-gan-2"):
        weights_file.load(path)
