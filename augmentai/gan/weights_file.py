"""The GAN's file: fp16 safetensors that holds the generator, a bank of styles, and how both came to be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from augmentai.gan.network import STYLE_DIM, Generator

ARCHITECTURE = "augmentai-gan-2"


class WeightsError(ValueError):
    """The weights file is missing, broken, or of another architecture."""


@dataclass(frozen=True)
class Weights:
    """A generator ready to use, its style bank (N, 64), and the metadata written with them (steps, data, ...).

    cache_key: differs between any two files, and between devices.
    """

    generator: Generator
    bank: Tensor
    metadata: dict[str, str]
    cache_key: str = ""


def save(path: Path, generator: Generator, bank: Tensor, metadata: dict[str, str]) -> None:
    """Write `generator` and `bank` to `path` in fp16, without pickle."""
    tensors = {f"generator.{k}": v.detach().half().contiguous() for k, v in generator.state_dict().items()}
    tensors["bank"] = bank.half().contiguous()
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path, {"architecture": ARCHITECTURE, **metadata})


def load(path: Path, device: str = "cpu") -> Weights:
    """Read a file that `save` wrote. Raises WeightsError, whose words name the file and what was expected."""
    try:
        with safe_open(path, "pt", device="cpu") as file:
            metadata = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path}: not a readable safetensors file ({error})") from error
    if metadata.get("architecture") != ARCHITECTURE:
        found = metadata.get("architecture", "none stated")
        raise WeightsError(f"{path}: architecture {found}, expected {ARCHITECTURE}; train it again with this version")
    bank = tensors.pop("bank", torch.empty(0, STYLE_DIM))
    generator = Generator()
    try:
        generator.load_state_dict({k.removeprefix("generator."): v for k, v in tensors.items()})
    except RuntimeError as error:
        raise WeightsError(f"{path}: its tensors do not fit {ARCHITECTURE} ({error})") from error
    generator.to(device).eval().requires_grad_(False)
    return Weights(generator, bank.to(device), metadata, f"{path}:{path.stat().st_mtime_ns}:{device}")
