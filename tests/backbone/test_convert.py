"""Conversion: only the published file, and batch norms fold exactly."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from augmentai.backbone import convert
from augmentai.backbone.load import WEIGHTS
from augmentai.backbone.network import Conv


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.pth").write_bytes(b"something else")
    with pytest.raises(convert.ConversionError, match=r"other\.pth.*expected 5793"):
        convert.convert(tmp_path / "other.pth")


def test_the_weights_say_what_they_were_made_of() -> None:
    with safe_open(WEIGHTS, "np") as file:
        metadata = file.metadata()
    assert metadata["original_sha256"] == convert.ORIGINAL_SHA256
    card = WEIGHTS.with_name("backbone.md").read_text()
    assert convert.ORIGINAL_SHA256 in card


def test_folding_is_exact() -> None:
    torch.manual_seed(0)
    plain = torch.nn.Conv2d(4, 6, 3, padding=1, bias=False)
    norm = torch.nn.BatchNorm2d(6, eps=1e-3)
    torch.nn.init.normal_(norm.weight)
    norm.running_mean, norm.running_var = torch.randn(6), torch.rand(6) + 0.1
    state = {f"conv.{name}": tensor for name, tensor in plain.state_dict().items()}
    state |= {f"norm.{name}": tensor for name, tensor in norm.state_dict().items()}
    weight, bias = convert.folded({name: tensor.double().numpy() for name, tensor in state.items()}, "conv", "norm")
    ours = Conv(4, 6, 3).eval()
    ours.load_state_dict({"weight": torch.from_numpy(weight).float(), "bias": torch.from_numpy(bias).float()})
    x = torch.randn(2, 4, 8, 8)
    torch.testing.assert_close(ours(x), norm.eval()(plain(x)), atol=1e-5, rtol=1e-5)
