"""Which files a pipeline is loaded from, by the names in its folder or repository. Nothing is fetched or loaded."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

INDEX = "model_index.json"
_WEIGHTS = {".safetensors", ".bin", ".ckpt", ".h5", ".msgpack", ".onnx", ".onnx_data", ".pb", ".pt", ".pth", ".xml"}


@dataclass(frozen=True)
class Index:
    """What a pipeline's index says. saved_as: its class in diffusers. components: its parts, without those left out."""

    saved_as: str
    components: frozenset[str]


def read_index(file: Path) -> Index:
    """Raises OSError, and ValueError or TypeError where it is no JSON object."""
    said = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(said, Mapping):
        raise TypeError(f"{file.name} holds {type(said).__name__}, expected an object")
    parts = (part for part, kind in said.items() if isinstance(kind, list) and any(kind))
    return Index(str(said.get("_class_name", "")), frozenset(parts))


def held(folder: Path) -> list[str]:
    """The files of a pipeline's components, by their paths in its folder."""
    return [path.relative_to(folder).as_posix() for path in folder.glob("*/*") if path.is_file()]


def chosen(files: Collection[str], components: Collection[str], half: bool) -> list[str]:
    """Those a pipeline is loaded from: safetensors, and what is no weight at all.

    half: weights of 16 bits are taken for each component that has them; else those of 32. Where there is but one kind
    it is that.
    """
    taken: list[str] = []
    for component in sorted(components):
        inside = [file for file in files if file.startswith(f"{component}/") and file.count("/") == 1]
        weights = [file for file in inside if file.endswith(".safetensors")]
        halves = [file for file in weights if _is_half(file)]
        plain = [file for file in weights if "." not in Path(file).stem]  # no variant: neither fp16 nor non_ema
        weights = (halves or plain) if half else (plain or halves)
        taken += weights
        # Weights in several files have an index: m.safetensors.index.json, m.safetensors.index.fp16.json.
        indices = [file for file in inside if ".index." in file]
        taken += [file for file in indices if ".safetensors." in file and _is_half(file) == (weights == halves)]
        # diffusers stumbles over names without a dot, such as LICENSE.
        taken += [file for file in inside if Path(file).suffix not in {*_WEIGHTS, ""} and file not in indices]
    return sorted(taken)


def variant_of(files: Collection[str]) -> str | None:
    """What diffusers is to be told to load of chosen files: "fp16", or None for weights of 32 bits alone."""
    return "fp16" if any(_is_half(file) for file in files if file.endswith(".safetensors")) else None


def _is_half(file: str) -> bool:
    return ".fp16" in file
