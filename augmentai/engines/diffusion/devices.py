"""Kinds of processors that diffusion runs on, and whether there is one, found out without importing torch."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from pathlib import Path

from augmentai.engines.diffusion.availability import cuda_problem
from augmentai.settings import Settings
from augmentai.system.extras import missing

GPUS = ("cuda", "xpu", "mps")  # in the order in which they are looked for


def kind_of(device: str) -> str:
    """The kind of a device.

    Example:
        >>> kind_of("cuda:1"), kind_of("cpu")
        ('cuda', 'cpu')
    """
    return device.partition(":")[0]


def find_device(wanted: str) -> str:
    """The device of the setting: the first kind of GPU that is there for "auto", and "cuda" if there is none."""
    if wanted != "auto":
        return wanted
    return next((kind for kind in GPUS if not device_problem(kind)), "cuda")


def device_problem(device: str) -> str:
    """Say why a device cannot be used; "" if it seems it can. torch is asked only if it is imported already."""
    kind = kind_of(device)
    if kind == "cuda":
        return cuda_problem()
    torch = sys.modules.get("torch")
    if kind == "xpu":
        if torch is not None and hasattr(torch, "xpu"):
            return "" if torch.xpu.is_available() else "no Intel GPU: torch finds none"
        if not Path("/dev/dri").exists() and sys.platform != "win32":
            return "no Intel GPU on this machine (no /dev/dri)"
        return "" if "+xpu" in _torch_version() else "no usable Intel GPU: torch was not built for it (+xpu)"
    if kind == "mps":
        if torch is not None and hasattr(torch, "backends"):
            return "" if torch.backends.mps.is_available() else "no Apple GPU: torch finds none"
        is_there = sys.platform == "darwin" and platform.machine() == "arm64"
        return "" if is_there else "no Apple GPU: this is not a Mac with Apple silicon"
    return ""


def by_openvino(settings: Settings, device: str) -> bool:
    """Whether OpenVINO computes the networks."""
    return settings.diffusion_backend == "openvino" and not why_no_openvino(settings, device)


def why_no_openvino(settings: Settings, device: str) -> str:
    """Why OpenVINO is not used although it is asked for, in words; "" if it is used, or not asked for."""
    if settings.diffusion_backend != "openvino":
        return ""
    if device != "cpu":
        return f"torch computes, since OpenVINO is for the CPU alone and the device is {device}"
    if settings.diffusion_dtype == "float16":
        return "torch computes, since OpenVINO is not used in float16; set AUGMENTAI_DIFFUSION_DTYPE=auto"
    if settings.diffusion_compile:
        return "torch computes, since AUGMENTAI_DIFFUSION_COMPILE is set, which is for torch"
    if absent := missing("openvino"):
        return f"torch computes: {absent}"
    return ""


def _torch_version() -> str:
    try:
        return importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return ""
