"""Which files a pipeline is loaded from, by their names in a folder or repository. Nothing is downloaded or loaded."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

INDEX = "model_index.json"
_WEIGHTS = {".safetensors", ".bin", ".ckpt", ".h5", ".msgpack", ".onnx", ".onnx_data", ".pb", ".pt", ".pth", ".xml"}


@dataclass(frozen=True)
class Index:
    """The contents of a pipeline's model_index.json.

    Args:
        class_name: The diffusers class that the pipeline was saved as.
        components: Its components, without those that are null.
    """

    class_name: str
    components: frozenset[str]


def read_index(file: Path) -> Index:
    """Read a pipeline's index.

    Raises:
        OSError: It cannot be read.
        ValueError, TypeError: It is not a JSON object.
    """
    parsed = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(parsed, Mapping):
        raise TypeError(f"{file.name} contains {type(parsed).__name__}, expected an object")
    components = (name for name, kind in parsed.items() if isinstance(kind, list) and any(kind))
    return Index(str(parsed.get("_class_name", "")), frozenset(components))


def list_files(folder: Path) -> list[str]:
    """List the files of a pipeline's components, by their paths in its folder."""
    return [path.relative_to(folder).as_posix() for path in folder.glob("*/*") if path.is_file()]


def select_files(files: Collection[str], components: Collection[str], half: bool) -> list[str]:
    """Select the files that a pipeline is loaded from: weights as safetensors, and everything that is not weights.

    Args:
        files: Paths in the folder or repository.
        components: Of the pipeline's index.
        half: Prefer 16-bit weights for each component that has them, else prefer 32-bit weights. If there is only
            one kind, that one is used.

    Returns:
        Sorted paths.

    Example:
        >>> files = ["unet/config.json", "unet/m.safetensors", "unet/m.fp16.safetensors", "unet/m.bin"]
        >>> select_files(files, {"unet"}, half=True)
        ['unet/config.json', 'unet/m.fp16.safetensors']
    """
    selected: list[str] = []
    for component in sorted(components):
        inside = [file for file in files if file.startswith(f"{component}/") and file.count("/") == 1]
        weights = [file for file in inside if file.endswith(".safetensors")]
        halves = [file for file in weights if _is_half(file)]
        plain = [file for file in weights if "." not in Path(file).stem]  # no variant: neither fp16 nor non_ema
        weights = (halves or plain) if half else (plain or halves)
        selected += weights
        # Weights in several files have an index: m.safetensors.index.json, m.safetensors.index.fp16.json.
        indices = [file for file in inside if ".index." in file]
        selected += [file for file in indices if ".safetensors." in file and _is_half(file) == (weights == halves)]
        # diffusers fails on names without an extension, such as LICENSE.
        selected += [file for file in inside if Path(file).suffix not in {*_WEIGHTS, ""} and file not in indices]
    return sorted(selected)


def variant_for(files: Collection[str]) -> str | None:
    """The `variant` that makes diffusers load the selected files: "fp16", or None for 32-bit weights alone."""
    return "fp16" if any(_is_half(file) for file in files if file.endswith(".safetensors")) else None


def _is_half(file: str) -> bool:
    return ".fp16" in file
