"""Is there a CUDA GPU, and are the libraries and the model there? Answered without importing torch or diffusers."""

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


def gpu_is_lent(settings: Settings) -> bool:
    """Is this a Hugging Face Space on ZeroGPU, where there is a GPU only inside of a decorated function?"""
    return settings.zero_gpu and ("spaces" in sys.modules or importlib.util.find_spec("spaces") is not None)


def no_cuda_because() -> str:
    """Why there is no CUDA GPU to work on, in words; empty where there seems to be one.

    torch knows best, but takes a second to import: it is asked only where it was imported already.
    """
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "cuda"):
        return "" if torch.cuda.is_available() else f"no CUDA GPU{_cpu_build()}"
    return _no_driver_because()


@cache
def _no_driver_because() -> str:
    if sys.platform == "win32":
        library = "nvcuda.dll"
    elif any(Path(file).exists() for file in _DEVICE_FILES):
        library = "libcuda.so.1"
    else:
        return "no CUDA GPU on this machine (there is no NVIDIA device file)"
    try:
        ctypes.CDLL(library)
    except OSError:
        return f"no CUDA GPU can be used: NVIDIA's driver library {library} is not there"
    return f"no CUDA GPU can be used{build}" if (build := _cpu_build()) else ""


def _cpu_build() -> str:
    try:
        version = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return ""
    return f": torch {version} was built without CUDA" if "+cpu" in version else ""


def no_model_because(settings: Settings) -> str:
    """Why the model cannot be had, as far as can be told without the network, in words; empty where it may be.

    A setting that could not have any effect counts too: whoever pinned a revision must not get something else.
    """
    name = settings.diffusion_model
    path = Path(name).expanduser()
    if path.exists() and settings.diffusion_revision:
        return f"AUGMENTAI_DIFFUSION_REVISION is for models of the hub, and {name} lies on this machine; unset it"
    if settings.diffusion_config and not path.is_file():
        return f"AUGMENTAI_DIFFUSION_CONFIG is for a single .safetensors file, which {name} is not; unset it"
    if path.is_dir():
        if (path / INDEX).is_file():
            return ""
        return f"the folder {name} holds no {INDEX}; AUGMENTAI_DIFFUSION_MODEL must be a diffusers folder"
    if path.is_file():
        if path.suffix == ".safetensors":
            return ""
        return f"{name} is no .safetensors file; other kinds can hide programs and are not loaded"
    if path.suffix == ".safetensors" or not _HUB_ID.fullmatch(name):
        return (
            f"the model {name} is not there; set AUGMENTAI_DIFFUSION_MODEL to a hub id, a folder or a .safetensors file"
        )
    return _not_in_cache_because(name, revision_of(settings))


def revision_of(settings: Settings) -> str | None:
    """The revision of a hub model to load: the one that is set, else a pinned commit, else the newest."""
    return settings.diffusion_revision or PINNED_REVISIONS.get(settings.diffusion_model)


def _not_in_cache_because(name: str, revision: str | None) -> str:
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE and cached_file(name, revision) is None:
        return f"the model {name} was never downloaded and HF_HUB_OFFLINE forbids it; unset it or set a local folder"
    return ""


def cached_file(name: str, revision: str | None) -> Path | None:
    """Where the index of a hub model lies in the local cache, below a folder named by its commit; None if nowhere."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(name, INDEX, revision=revision)
    return Path(found) if isinstance(found, str) else None
