"""From the settings to a loaded pipeline: a hub id, a folder or a single file."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from augmentai.engines.base import OnProgress, ignore_progress
from augmentai.engines.diffusion.availability import cached_index, model_revision, on_zerogpu
from augmentai.engines.diffusion.called_model import CalledModel
from augmentai.engines.diffusion.devices import by_openvino, device_problem, kind_of, why_no_openvino
from augmentai.engines.diffusion.download import download_model
from augmentai.engines.diffusion.families import FAMILIES, SINGLE_FILE_PIPELINES, Family, find_family
from augmentai.engines.diffusion.known_models import memory_needed
from augmentai.engines.diffusion.load_errors import explain, is_gone
from augmentai.engines.diffusion.model import Model
from augmentai.engines.diffusion.openvino_networks import OpenVinoNetworks
from augmentai.engines.diffusion.paint_request import ModelError, ModelGoneError, StoppedError
from augmentai.engines.diffusion.placement import free_bytes, networks_of, place_weights
from augmentai.engines.diffusion.weight_files import INDEX, list_files, read_index, select_files, variant_for
from augmentai.settings import Settings
from augmentai.system.cpu import has_bfloat16

_FLOAT16_CLASSES = {"StableDiffusionPipeline", "StableDiffusionImg2ImgPipeline"}
_DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}
# The gain is in the operations between the convolutions, which cuDNN does best itself: tuning every matrix product as
# well would take many times as long. CUDA graphs would tie the model to one thread.
_COMPILE_MODE = "default"
# The VAE's attention has one head of 512 channels, for which no fused kernel is fast. Plain matrix products are, but
# need memory with the fourth power of the side: up to this side, in latents, little compared with the convolutions.
_PLAIN_ATTENTION_CELLS = 96


def load(
    settings: Settings,
    device: str,
    on_progress: OnProgress = ignore_progress,
    stopped: Callable[[], bool] = lambda: False,
) -> Model:
    """Load the model of the settings; takes seconds to minutes.

    Args:
        settings: Which model, and how to run it.
        device: As torch names it.
        on_progress: Called with what is being done, in words.
        stopped: Polled during a download.

    Raises:
        ModelError: The model cannot be loaded; the message says what to do.
        ModelGoneError: The hub does not have it, or not for this token.
        StoppedError: `stopped()` was true during a download.
    """
    name = settings.diffusion_model
    zerogpu = on_zerogpu(settings)
    try:
        _check_device(device)
        pipe = _pipeline(settings, device, on_progress, stopped)
        trailing = pipe.scheduler.config.get("timestep_spacing") == "trailing"
        family = find_family(type(pipe).__name__, Path(name).name if Path(name).exists() else name, trailing)
        if family is None:
            raise ModelError(
                f"{name} is a {type(pipe).__name__}, which AugmentAI does not support; "
                f"use a model of one of these families: {', '.join(family.name for family in FAMILIES)}"
            )
        pipe.set_progress_bar_config(disable=True)
        backend, not_converted = _backend(settings, pipe, device, family)
        dtype = (getattr(pipe, "unet", None) or pipe.transformer).dtype
        _prepare(pipe, device, family)
        on_progress(f"moving {name} to {device}", 0.0)
        placement = place_weights(pipe, device, zerogpu)
    except (ModelError, StoppedError):
        raise
    except Exception as error:  # the hub, diffusers, transformers and safetensors raise some twenty kinds
        kind = ModelGoneError if is_gone(error) else ModelError
        raise kind(explain(error, settings)) from error
    not_compiled = _compile_problem(settings, placement, zerogpu, family)
    compiled = settings.diffusion_compile and not not_compiled
    if compiled:
        torch.backends.cudnn.benchmark = True  # shapes are few and fixed, so searching for the fastest kernels pays
        _compile(pipe)
    painter = CalledModel if family.whole_images else Model
    return painter(
        pipe,
        family,
        _model_label(settings),
        device,
        dtype,
        steps=settings.diffusion_steps or family.steps,
        guidance=family.guidance if settings.diffusion_guidance is None else settings.diffusion_guidance,
        batch=1 if family.whole_images or backend else settings.diffusion_batch,
        exact=family.few_steps and not family.whole_images and _takes_timesteps(pipe),
        compiled=compiled,
        not_compiled=not_compiled,
        placement=placement,
        backend=backend,
        not_converted=not_converted,
    )


def _check_device(device: str) -> None:
    """Raise ModelError if torch has no such device."""
    kind = kind_of(device)
    if kind == "cpu":
        return
    if reason := device_problem(kind):
        raise ModelError(f"{reason} (torch {torch.__version__}), and diffusion is set to run on {device}")
    if kind == "mps":
        return
    number, count = torch.device(device).index or 0, getattr(torch, kind).device_count()
    if number >= count:
        raise ModelError(
            f"there is no GPU {device}: torch finds {count}, counted from {kind}:0; correct AUGMENTAI_DIFFUSION_DEVICE"
        )


def dtype_for(wanted: str, device: str, pipeline: str) -> torch.dtype:
    """Choose the floating-point type to compute in.

    Args:
        wanted: "auto", "float32", "float16" or "bfloat16".
        device: As torch names it.
        pipeline: The diffusers class that the model was saved as.

    Example:
        >>> dtype_for("auto", "mps", "FluxPipeline"), dtype_for("float32", "cpu", "FluxPipeline")
        (torch.bfloat16, torch.float32)
    """
    if wanted in _DTYPES:
        return _DTYPES[wanted]
    if device == "cpu":  # float16 is slower than either
        return torch.bfloat16 if has_bfloat16() else torch.float32
    # Stable Diffusion was made for float16, which rounds eight times as finely as bfloat16, so that pixels depend less
    # on the batch size. The later families exceed its range. Before Ampere bfloat16 is emulated, which is slow.
    return torch.float16 if pipeline in _FLOAT16_CLASSES or not _has_bfloat16(device) else torch.bfloat16


def _has_bfloat16(device: str) -> bool:
    """Does it compute in bfloat16 itself? Apple's do since the first that torch supports."""
    if device.startswith("cuda"):
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return not device.startswith("xpu") or torch.xpu.is_bf16_supported()


def _pipeline(settings: Settings, device: str, on_progress: OnProgress, stopped: Callable[[], bool]) -> Any:
    on_progress(f"loading {settings.diffusion_model}", 0.0)
    import diffusers  # takes seconds

    name, wanted = settings.diffusion_model, "float32" if by_openvino(settings, device) else settings.diffusion_dtype
    path = Path(name).expanduser()
    token = settings.hf_token.get_secret_value() or None
    if path.is_file():
        class_name = _single_file_class(path)
        config = {"config": settings.diffusion_config} if settings.diffusion_config else {}
        dtype = dtype_for(wanted, device, class_name)
        return getattr(diffusers, class_name).from_single_file(str(path), dtype=dtype, token=token, **config)
    half = dtype_for(wanted, device, "") != torch.float32
    if path.is_dir():
        folder, files = path, select_files(list_files(path), read_index(path / INDEX).components, half)
    else:
        free = free_bytes(device)
        about = partial(memory_needed, free_gb=None if free is None else free / 1e9)
        folder, files = download_model(name, model_revision(settings), token, half, on_progress, stopped, about)
        on_progress(f"loading {name}", 0.0)
    return diffusers.AutoPipelineForImage2Image.from_pretrained(
        str(folder),
        dtype=dtype_for(wanted, device, read_index(folder / INDEX).class_name),
        variant=variant_for(files),
        use_safetensors=True,
        local_files_only=True,
    )


def _backend(settings: Settings, pipe: Any, device: str, family: Family) -> tuple[OpenVinoNetworks | None, str]:
    """Let OpenVINO compute the networks of a pipeline in float32, if that is wanted; else say why torch does."""
    if not by_openvino(settings, device):
        return None, why_no_openvino(settings, device)
    dtype = dtype_for(settings.diffusion_dtype, device, type(pipe).__name__)
    if family.whole_images:  # their autoencoders keep what they computed for the next call
        pipe.to(dtype=dtype)
        return None, f"torch computes, since OpenVINO is not used for {family.name}"
    return OpenVinoNetworks(pipe, dtype), ""


def _single_file_class(path: Path) -> str:
    """The diffusers class for a model in one file, by the names and shapes in its header alone."""
    from diffusers.loaders.single_file_utils import infer_diffusers_model_type
    from safetensors import safe_open

    with safe_open(str(path), "pt") as file:
        header = {key: SimpleNamespace(shape=tuple(file.get_slice(key).get_shape())) for key in file.keys()}  # noqa: SIM118
    kind = infer_diffusers_model_type(header)
    if kind not in SINGLE_FILE_PIPELINES:
        raise ModelError(f"{path} contains a model of type {kind}; expected one of {', '.join(SINGLE_FILE_PIPELINES)}")
    return SINGLE_FILE_PIPELINES[kind]


def _takes_timesteps(pipe: Any) -> bool:
    """Do pipeline and scheduler both accept a list of noise levels, without spacing rules of their own?"""
    calls = (pipe.__call__, pipe.scheduler.set_timesteps)
    rules = ("use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas")
    accepted = all("timesteps" in inspect.signature(call).parameters for call in calls)
    return accepted and not any(pipe.scheduler.config.get(rule) for rule in rules)


def _prepare(pipe: Any, device: str, family: Family) -> None:
    for network in networks_of(pipe):
        network.eval()  # T5 uses dropout otherwise, and no run could be repeated
    if family.whole_images:
        return
    unet = getattr(pipe, "unet", None)
    if unet is not None:  # transformers are matrix products; only convolutions gain from channels last
        unet.to(memory_format=torch.channels_last)
    pipe.vae.to(memory_format=torch.channels_last)
    if pipe.vae.dtype == torch.float16 and _overflows_in_float16(pipe):
        pipe.vae.float()
    cells = getattr(getattr(unet, "config", None), "sample_size", None)
    if device.startswith("cuda") and isinstance(cells, int) and cells <= _PLAIN_ATTENTION_CELLS:
        from diffusers.models.attention_processor import AttnProcessor

        pipe.vae.set_attn_processor(AttnProcessor())


def _overflows_in_float16(pipe: Any) -> bool:
    """Does the VAE leave the range of float16? SDXL's does if its configuration says so.

    The configurations of other families say so too, but only because it is the default when nothing was stated: their
    pipelines ignore it, and a GPU without bfloat16 would be several times slower in float32.
    """
    return type(pipe).__name__.startswith("StableDiffusionXL") and getattr(pipe.vae.config, "force_upcast", False)


def _compile_problem(settings: Settings, placement: str, zerogpu: bool, family: Family) -> str:
    """Why the networks cannot be compiled, for the manifest; "" if they can be, or it is not wanted."""
    if settings.diffusion_compile and family.whole_images:
        return f"no: not supported for {family.name}"
    if settings.diffusion_compile and zerogpu:
        return "no: not supported on ZeroGPU"
    if settings.diffusion_compile and placement != "whole":
        return "no: the weights do not fit on the GPU"
    return ""


def _compile(pipe: Any) -> None:
    denoiser = "unet" if getattr(pipe, "unet", None) is not None else "transformer"
    for network in (getattr(pipe, denoiser), pipe.vae.encoder, pipe.vae.decoder):
        network.compile(mode=_COMPILE_MODE, fullgraph=True, dynamic=False)


def _model_label(settings: Settings) -> str:
    """The name for the manifest: a hub id with the commit that was loaded, or the name of a folder or file."""
    name = settings.diffusion_model
    path = Path(name).expanduser()
    if path.exists():
        return path.resolve().name
    cached = cached_index(name, model_revision(settings))
    commit = cached.parent.name[:12] if cached is not None else model_revision(settings)
    return f"{name}@{commit}" if commit else name
