"""The weights file of the GAN: float16 safetensors with the generator, the style bank and training metadata.

`runtime.network` reads it without torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from augmentai.gan.layout import ARCHITECTURE, STYLE_DIM
from augmentai.gan.network import Generator
from augmentai.gan.runtime.network import WeightsError

__all__ = ["ARCHITECTURE", "Weights", "WeightsError", "load", "save"]


@dataclass(frozen=True)
class Weights:
    """The contents of a weights file.

    Args:
        generator: Ready to use, in evaluation mode.
        bank: The style bank.
        metadata: How they were made: steps, data, plan.
        cache_key: Differs between any two files, and between devices.

    Shape:
        bank: float32 (N, 64)
    """

    generator: Generator
    bank: Tensor
    metadata: dict[str, str]
    cache_key: str = ""


def save(path: Path, generator: Generator, bank: Tensor, metadata: dict[str, str]) -> None:
    """Write `generator` and `bank` to `path` in float16, without pickle; folders are created."""
    tensors = {f"generator.{k}": v.detach().half().contiguous() for k, v in generator.state_dict().items()}
    tensors["bank"] = bank.half().contiguous()
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path, {"architecture": ARCHITECTURE, **metadata})


def load(path: Path, device: str = "cpu") -> Weights:
    """Read a file that `save` wrote.

    Args:
        path: The weights file.
        device: Where the generator and the bank are put, such as "cpu" or "cuda".

    Raises:
        WeightsError: The file cannot be used; the message names it and says what was expected.

    Example:
        >>> from augmentai.settings import DEFAULT_WEIGHTS
        >>> load(DEFAULT_WEIGHTS).bank.shape[1]
        64
    """
    try:
        with safe_open(path, "pt", device="cpu") as file:
            metadata = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path}: not a readable safetensors file ({error})") from error
    if metadata.get("architecture") != ARCHITECTURE:
        found = metadata.get("architecture", "none stated")
        raise WeightsError(f"{path}: architecture {found}, expected {ARCHITECTURE}; retrain with this version")
    bank = tensors.pop("bank", torch.empty(0, STYLE_DIM))
    generator = Generator()
    try:
        generator.load_state_dict({k.removeprefix("generator."): v for k, v in tensors.items()})
    except RuntimeError as error:
        raise WeightsError(f"{path}: its tensors do not match {ARCHITECTURE} ({error})") from error
    generator.to(device).eval().requires_grad_(False)
    return Weights(generator, bank.to(device), metadata, f"{path}:{path.stat().st_mtime_ns}:{device}")
