"""Optional parts of an installation ("extras" of pip): what each needs, and how to install what is missing."""

from __future__ import annotations

import importlib.util
from importlib import metadata
from typing import Literal

Extra = Literal[
    "web", "mcp", "diffusion", "openvino", "lift", "hub", "cutout", "s3", "gcs", "azure", "parquet", "cluster", "ray"
]

# What is imported when an extra is used. Their versions are in pyproject.toml.
MODULES: dict[Extra, tuple[str, ...]] = {
    "web": ("gradio",),
    "mcp": ("mcp", "jsonschema"),
    "diffusion": ("torch", "diffusers", "transformers", "accelerate", "huggingface_hub"),
    "openvino": ("openvino",),
    "lift": ("torch", "kornia"),
    "hub": ("huggingface_hub",),
    "cutout": ("rembg", "numba"),
    "s3": ("s3fs",),
    "gcs": ("gcsfs",),
    "azure": ("adlfs",),
    "parquet": ("pyarrow",),
    "cluster": ("datatrove", "loguru", "pyarrow"),
    "ray": ("ray",),
}

_ON_REQUEST = {"openvino", "cutout", "s3", "gcs", "azure", "parquet", "cluster", "ray"}  # not in requirements.txt


def missing(extra: Extra) -> str:
    """Why an extra cannot be used and the command that installs it. Imports nothing.

    Args:
        extra: "web" (the page and its API), "mcp" (the server for AI assistants), "diffusion" (diffusers on a GPU),
            "openvino" (diffusers on a CPU, faster),
            "lift" (Does it help?, and training of the local GAN),
            "hub" (push to the Hugging Face Hub), "cutout" (subject masks by saliency networks), "s3", "gcs" or "azure"
            (object stores) or "parquet" (Parquet files with images).

    Returns:
        One sentence that names the extra; "" if everything is installed.
    """
    absent = [name for name in MODULES[extra] if not _is_there(name)]
    return f"{', '.join(absent)} not installed (extra augmentai[{extra}]); run {_command(extra)}" if absent else ""


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):  # blocked, or a module that only pretends to be there
        return False


def _command(extra: Extra) -> str:
    """By the packages' own names: the name augmentai alone would mean another project's package on PyPI."""
    if wanted := _requirements(extra):
        return f"pip install {' '.join(wanted)}"
    what = f"'.[{extra}]'" if extra in _ON_REQUEST else "-r requirements.txt"
    return f"pip install {what} in the project's folder"


def _requirements(extra: Extra) -> list[str]:
    """The extra's requirements as shell words; none if AugmentAI runs from a checkout that is not installed."""
    try:
        lines = metadata.requires("augmentai") or []
    except metadata.PackageNotFoundError:
        return []
    split = [line.partition(";") for line in lines]
    return [f"'{wanted.strip()}'" for wanted, _, marker in split if f"extra == '{extra}'" in marker.replace('"', "'")]
