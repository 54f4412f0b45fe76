"""Whether there is a CUDA GPU and a model, found out without importing torch or diffusers."""

from __future__ import annotations

import ctypes
import importlib.metadata
import importlib.util
import re
import sys
from functools import cache
from pathlib import Path

from augmentai.engines.diffusion.families import PINNED_REVISIONS
from augmentai.engines.diffusion.weight_files import INDEX
from augmentai.settings import Settings

# NVIDIA's driver on Linux, the GPU bridge of WSL 2, and Jetson boards.
_DEVICE_FILES = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg", "/dev/nvmap")
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


def on_zerogpu(settings: Settings) -> bool:
    """Is this a Hugging Face Space on ZeroGPU, where a GPU is available only inside a decorated function?"""
    return settings.zero_gpu and ("spaces" in sys.modules or importlib.util.find_spec("spaces") is not None)


def cuda_problem() -> str:
    """Say why no CUDA GPU can be used; "" if there seems to be one.

    torch knows best but takes a second to import, so it is asked only if it is imported already.
    """
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "cuda"):
        return "" if torch.cuda.is_available() else f"no CUDA GPU{_cpu_build()}"
    return _driver_problem()


@cache
def _driver_problem() -> str:
    if sys.platform == "win32":
        library = "nvcuda.dll"
    elif any(Path(file).exists() for file in _DEVICE_FILES):
        library = "libcuda.so.1"
    else:
        return "no CUDA GPU on this machine (no NVIDIA device file found)"
    try:
        ctypes.CDLL(library)
    except OSError:
        return f"no usable CUDA GPU: NVIDIA's driver library {library} is missing"
    return f"no usable CUDA GPU{build}" if (build := _cpu_build()) else ""


def _cpu_build() -> str:
    try:
        version = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return ""
    return f": torch {version} was built without CUDA" if "+cpu" in version else ""


def model_problem(settings: Settings) -> str:
    """Say why the model cannot be loaded, as far as can be known without the network; "" if it may be.

    A setting that would have no effect is a problem too: a user who pinned a revision must not get another one.
    """
    name = settings.diffusion_model
    path = Path(name).expanduser()
    if path.exists() and settings.diffusion_revision:
        return f"AUGMENTAI_DIFFUSION_REVISION applies to models of the hub, but {name} is a local path; unset it"
    if settings.diffusion_config and not path.is_file():
        return f"AUGMENTAI_DIFFUSION_CONFIG applies to a single .safetensors file, which {name} is not; unset it"
    if path.is_dir():
        if (path / INDEX).is_file():
            return ""
        return f"the folder {name} has no {INDEX}; AUGMENTAI_DIFFUSION_MODEL must be a diffusers folder"
    if path.is_file():
        if path.suffix == ".safetensors":
            return ""
        return f"{name} is not a .safetensors file; other formats can contain programs and are not loaded"
    if path.suffix == ".safetensors" or not _HUB_ID.fullmatch(name):
        return f"model {name} not found; set AUGMENTAI_DIFFUSION_MODEL to a hub id, a folder or a .safetensors file"
    return _cache_problem(name, model_revision(settings))


def model_revision(settings: Settings) -> str | None:
    """The revision of a hub model to load: the one set, else a pinned commit, else None for the newest."""
    return settings.diffusion_revision or PINNED_REVISIONS.get(settings.diffusion_model)


def _cache_problem(name: str, revision: str | None) -> str:
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE and cached_index(name, revision) is None:
        return (
            f"model {name} has not been downloaded and HF_HUB_OFFLINE forbids it; unset it or set "
            "AUGMENTAI_DIFFUSION_MODEL to a local folder"
        )
    return ""


def cached_index(name: str, revision: str | None) -> Path | None:
    """The index of a hub model in the local cache, in a folder named after its commit; None if it is not cached."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(name, INDEX, revision=revision)
    return Path(found) if isinstance(found, str) else None
