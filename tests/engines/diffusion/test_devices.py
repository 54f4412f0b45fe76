"""Which kind of GPU there is, found out with and without torch."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import pytest
import torch

from augmentai.engines.diffusion import devices
from augmentai.engines.diffusion.devices import device_problem, find_device
from augmentai.engines.diffusion.load import _check_device, dtype_for
from augmentai.engines.diffusion.paint_request import ModelError
from augmentai.settings import Settings


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> object:
    """Makes torch find one kind of GPU."""

    def make(kind: str) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: kind == "cuda")
        monkeypatch.setattr(torch.xpu, "is_available", lambda: kind == "xpu")
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: kind == "mps")

    return make


@pytest.mark.parametrize("kind", ["cuda", "xpu", "mps"])
def test_auto_takes_the_gpu_that_is_there(only: object, kind: str) -> None:
    only(kind)  # type: ignore[operator]
    assert find_device("auto") == kind
    assert not device_problem(f"{kind}:0")
    assert find_device("cpu") == "cpu"


def test_auto_without_a_gpu_says_what_is_missing(only: object) -> None:
    only("none")  # type: ignore[operator]
    assert find_device("auto") == "cuda"
    for kind, words in (("cuda", "no CUDA GPU"), ("xpu", "no Intel GPU"), ("mps", "no Apple GPU"), ("cpu", "")):
        assert device_problem(kind).startswith(words)
        assert bool(device_problem(kind)) == bool(words)


def test_without_torch_files_and_the_machine_are_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delitem(sys.modules, "torch")
    monkeypatch.setattr(devices, "_torch_version", lambda: "2.13.0+xpu")
    monkeypatch.setattr(sys, "platform", "win32")
    assert device_problem("xpu") == ""
    monkeypatch.setattr(devices, "_torch_version", lambda: "2.13.0+cpu")
    assert "not built for it" in device_problem("xpu")
    assert "not a Mac with Apple silicon" in device_problem("mps")
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    assert device_problem("mps") == ""


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "cuda:1", "xpu", "xpu:0", "mps"])
def test_devices_that_the_settings_take(device: str) -> None:
    assert Settings(diffusion_device=device).diffusion_device == device


@pytest.mark.parametrize("device", ["mps:0", "gpu", "xpu:a"])
def test_devices_that_the_settings_refuse(device: str) -> None:
    with pytest.raises(ValueError, match="diffusion_device"):
        Settings(diffusion_device=device)


def test_a_missing_gpu_of_any_kind_is_named(only: object, monkeypatch: pytest.MonkeyPatch) -> None:
    only("xpu")  # type: ignore[operator]
    monkeypatch.setattr(torch.xpu, "device_count", lambda: 1)
    _check_device("xpu:0")
    with pytest.raises(ModelError, match="no GPU xpu:1: torch finds 1, counted from xpu:0"):
        _check_device("xpu:1")
    with pytest.raises(ModelError, match=r"no Apple GPU.*diffusion is set to run on mps"):
        _check_device("mps")


def test_dtypes_of_other_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.xpu, "is_bf16_supported", lambda: False)
    assert dtype_for("auto", "mps", "Flux2KleinPipeline") == torch.bfloat16
    assert dtype_for("auto", "mps", "StableDiffusionPipeline") == torch.float16
    assert dtype_for("auto", "xpu", "Flux2KleinPipeline") == torch.float16
