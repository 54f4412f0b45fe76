"""From a setting to a loaded pipeline: hub id, folder or single file; what can go wrong is said in words to act on."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from augmentai.engines.base import OnProgress, ignore_progress
from augmentai.engines.diffusion.availability import cached_file, gpu_is_lent, revision_of
from augmentai.engines.diffusion.download import fetch
from augmentai.engines.diffusion.families import SINGLE_FILE_PIPELINES, family_of
from augmentai.engines.diffusion.model import Model
from augmentai.engines.diffusion.paint_request import ModelError, StoppedError
from augmentai.engines.diffusion.weight_files import INDEX, chosen, held, read_index, variant_of
from augmentai.settings import Settings

_FINE_IN_HALF = {"StableDiffusionPipeline", "StableDiffusionImg2ImgPipeline"}
_WORKING_BYTES = 3 * 2**30  # what a few pictures need beside the weights; more pictures find their own limit
_DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}
# The gain is in what stands between the convolutions, which cuDNN does best itself: tuning every product as well would
# take many times as long. CUDA graphs would tie the model to one thread.
_COMPILE_MODE = "default"
# The VAE attends with one head of 512 channels, for which no fused kernel is fast. As plain products it is, but takes
# memory with the fourth power of the side: up to this side, in latents, it is little beside what the convolutions take.
_PLAIN_ATTENTION_CELLS = 96


def load(
    settings: Settings, device: str, tell: OnProgress = ignore_progress, stopped: Callable[[], bool] = lambda: False
) -> Model:
    """The model of the settings on `device` ("cpu", "cuda" or "cuda:N"). Takes seconds to minutes.

    tell: told in words what is being done. Raises ModelError, which says what to do, and StoppedError.
    """
    name = settings.diffusion_model
    lent = gpu_is_lent(settings)
    try:
        _check(device)
        pipe = _pipeline(settings, device, tell, stopped)
        trailing = pipe.scheduler.config.get("timestep_spacing") == "trailing"
        family = family_of(type(pipe).__name__, Path(name).name if Path(name).exists() else name, trailing)
        if family is None:
            raise ModelError(
                f"{name} is a {type(pipe).__name__}, which AugmentAI does not run; "
                "use a model of the SD 1.5/2.1, SDXL, SD3.5 or FLUX.1 families"
            )
        pipe.set_progress_bar_config(disable=True)
        dtype = (getattr(pipe, "unet", None) or pipe.transformer).dtype
        _prepare(pipe, device)
        tell(f"moving {name} to {device}", 0.0)
        placement = _place(pipe, device, lent)
    except (ModelError, StoppedError):
        raise
    except Exception as error:  # the hub, diffusers, transformers and safetensors raise some twenty kinds
        raise ModelError(explain(error, settings)) from error
    not_compiled = ""
    if settings.diffusion_compile and lent:
        not_compiled = "no: ZeroGPU forbids it"
    elif settings.diffusion_compile and placement != "whole":
        not_compiled = "no: the weights do not fit on the GPU as a whole"
    compiled = settings.diffusion_compile and not not_compiled
    if compiled:
        torch.backends.cudnn.benchmark = True  # shapes are few and fixed, so the fastest algorithms may be looked for
        _compile(pipe)
    return Model(
        pipe,
        family,
        _label(settings),
        device,
        dtype,
        steps=settings.diffusion_steps or family.steps,
        guidance=family.guidance if settings.diffusion_guidance is None else settings.diffusion_guidance,
        batch=settings.diffusion_batch,
        exact=family.few_steps and _takes_timesteps(pipe),
        compiled=compiled,
        not_compiled=not_compiled,
        placement=placement,
    )


def _check(device: str) -> None:
    """Raises ModelError where torch knows of no such device."""
    if not device.startswith("cuda"):
        return
    if not torch.cuda.is_available():
        raise ModelError(
            f"no CUDA GPU: torch {torch.__version__} finds none, and diffusion was asked to run on {device}"
        )
    number, count = torch.device(device).index or 0, torch.cuda.device_count()
    if number >= count:
        raise ModelError(
            f"there is no GPU {device}: torch finds {count}, counted from cuda:0; correct AUGMENTAI_DIFFUSION_DEVICE"
        )


def dtype_for(wanted: str, device: str, pipeline: str) -> torch.dtype:
    """What to compute in, by the setting and the class that the pipeline was saved as."""
    if wanted in _DTYPES:
        return _DTYPES[wanted]
    if device == "cpu":
        return torch.float32
    # Stable Diffusion was made for float16, which rounds eight times as finely as bfloat16: what hangs on the size of
    # the batch alone is then below one level of 255. The families after it leave its range. Before Ampere bfloat16 is
    # emulated, which is slow.
    if pipeline in _FINE_IN_HALF or not torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.float16
    return torch.bfloat16


def _pipeline(settings: Settings, device: str, tell: OnProgress, stopped: Callable[[], bool]) -> Any:
    tell(f"loading {settings.diffusion_model}", 0.0)
    import diffusers  # takes seconds

    name, wanted = settings.diffusion_model, settings.diffusion_dtype
    path = Path(name).expanduser()
    token = settings.hf_token.get_secret_value() or None
    if path.is_file():
        kind = _single_file_class(path)
        config = {"config": settings.diffusion_config} if settings.diffusion_config else {}
        dtype = dtype_for(wanted, device, kind)
        return getattr(diffusers, kind).from_single_file(str(path), dtype=dtype, token=token, **config)
    half = wanted in {"float16", "bfloat16"} or (wanted == "auto" and device != "cpu")
    if path.is_dir():
        folder, files = path, chosen(held(path), read_index(path / INDEX).components, half)
    else:
        folder, files = fetch(name, revision_of(settings), token, half, tell, stopped)
        tell(f"loading {name}", 0.0)
    return diffusers.AutoPipelineForImage2Image.from_pretrained(
        str(folder),
        dtype=dtype_for(wanted, device, read_index(folder / INDEX).saved_as),
        variant=variant_of(files),
        use_safetensors=True,
        local_files_only=True,
    )


def _single_file_class(path: Path) -> str:
    """The diffusers class for a checkpoint in one file, told by the names and shapes in its header alone."""
    from diffusers.loaders.single_file_utils import infer_diffusers_model_type
    from safetensors import safe_open

    with safe_open(str(path), "pt") as file:
        header = {key: SimpleNamespace(shape=tuple(file.get_slice(key).get_shape())) for key in file.keys()}  # noqa: SIM118
    kind = infer_diffusers_model_type(header)
    if kind not in SINGLE_FILE_PIPELINES:
        raise ModelError(f"{path} holds a model of the kind {kind}; expected one of {', '.join(SINGLE_FILE_PIPELINES)}")
    return SINGLE_FILE_PIPELINES[kind]


def _takes_timesteps(pipe: Any) -> bool:
    """Do pipeline and scheduler both take noise levels one by one, with no rule of their own to space them?"""
    calls = (pipe.__call__, pipe.scheduler.set_timesteps)
    rules = ("use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas")
    taken = all("timesteps" in inspect.signature(call).parameters for call in calls)
    return taken and not any(pipe.scheduler.config.get(rule) for rule in rules)


def _prepare(pipe: Any, device: str) -> None:
    for part in _networks(pipe):
        part.eval()  # T5 drops out otherwise, and no run could be repeated
    network = getattr(pipe, "unet", None)
    if network is not None:  # transformers are matrix products; only convolutions gain from the order of channels
        network.to(memory_format=torch.channels_last)
    pipe.vae.to(memory_format=torch.channels_last)
    if pipe.vae.dtype == torch.float16 and _leaves_half(pipe):
        pipe.vae.float()  # it would overflow; bfloat16 has the range
    cells = getattr(getattr(network, "config", None), "sample_size", None)
    if device.startswith("cuda") and isinstance(cells, int) and cells <= _PLAIN_ATTENTION_CELLS:
        from diffusers.models.attention_processor import AttnProcessor

        pipe.vae.set_attn_processor(AttnProcessor())


def _leaves_half(pipe: Any) -> bool:
    """Does the VAE leave the range of float16? SDXL's does where its configuration says so.

    That of the others says so too, but only because nothing was said and that is the default: their pipelines do not
    look at it, and a GPU without bfloat16 would be several times slower in 32 bits.
    """
    return type(pipe).__name__.startswith("StableDiffusionXL") and getattr(pipe.vae.config, "force_upcast", False)


def _place(pipe: Any, device: str, lent: bool) -> str:
    """Move the weights to the device, or leave them in main memory and move them in as they are used."""
    if lent or not device.startswith("cuda"):  # a GPU that is lent later cannot be asked how much is free
        pipe.to(device)
        return "whole"
    free, _ = torch.cuda.mem_get_info(device)
    placement = placement_for([_bytes(part) for part in _networks(pipe)], free)
    if placement == "whole":
        try:
            pipe.to(device)
        except torch.OutOfMemoryError:
            placement = "parts"
    if placement != "whole":
        pipe.to("cpu")
        torch.cuda.empty_cache()
    if placement == "parts":
        pipe.enable_model_cpu_offload(device=device)
    elif placement == "layers":
        pipe.enable_sequential_cpu_offload(device=device)
    return placement


def placement_for(part_bytes: list[int], free_bytes: int) -> str:
    """ "whole" where all networks fit on the GPU, "parts" where each alone does, else "layers", which is slow."""
    if sum(part_bytes) + _WORKING_BYTES <= free_bytes:
        return "whole"
    return "parts" if max(part_bytes) + _WORKING_BYTES <= free_bytes else "layers"


def _networks(pipe: Any) -> list[torch.nn.Module]:
    return [part for part in pipe.components.values() if isinstance(part, torch.nn.Module)]


def _bytes(network: torch.nn.Module) -> int:
    return sum(t.numel() * t.element_size() for t in itertools.chain(network.parameters(), network.buffers()))


def _compile(pipe: Any) -> None:
    network = "unet" if getattr(pipe, "unet", None) is not None else "transformer"
    getattr(pipe, network).compile(mode=_COMPILE_MODE, fullgraph=True, dynamic=False)
    pipe.vae.encoder.compile(mode=_COMPILE_MODE, fullgraph=True, dynamic=False)
    pipe.vae.decoder.compile(mode=_COMPILE_MODE, fullgraph=True, dynamic=False)


def _label(settings: Settings) -> str:
    """The name for the manifest: a hub id with the commit that was loaded, or the name of a folder or file."""
    name = settings.diffusion_model
    path = Path(name).expanduser()
    if path.exists():
        return path.resolve().name
    cached = cached_file(name, revision_of(settings))
    commit = cached.parent.name[:12] if cached is not None else revision_of(settings)
    return f"{name}@{commit}" if commit else name


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def explain(error: BaseException, settings: Settings) -> str:
    """A failed load in words that a user can act on."""
    name = settings.diffusion_model
    kinds = {base.__name__ for one in _chain(error) for base in type(one).__mro__}
    words = " ".join(str(one) for one in _chain(error))
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return f"there is too little memory to load {name}; close other programs or choose a smaller model"
    if "GatedRepoError" in kinds:
        return f"{name} is gated: accept its licence at https://huggingface.co/{name} and set HF_TOKEN"
    if "RevisionNotFoundError" in kinds:
        return f"{name} has no revision {revision_of(settings)}; correct AUGMENTAI_DIFFUSION_REVISION"
    if "RepositoryNotFoundError" in kinds:
        return f"huggingface.co has no model {name}, or HF_TOKEN may not read it; correct AUGMENTAI_DIFFUSION_MODEL"
    if "OfflineModeIsEnabled" in kinds:
        return f"{name} was never downloaded whole and HF_HUB_OFFLINE forbids it; unset it or set a local folder"
    answers = {getattr(getattr(one, "response", None), "status_code", None) for one in _chain(error)}
    if answers & {401, 403}:
        return f"huggingface.co will not give {name} to this HF_TOKEN; renew it, or unset it for a free model"
    if kinds & {"LocalEntryNotFoundError", "HfHubHTTPError", "ConnectionError", "TimeoutException", "TransportError"}:
        where = "its configuration " if Path(name).is_file() else ""
        fix = "set AUGMENTAI_DIFFUSION_CONFIG to a folder that holds it" if where else "set a local folder"
        return f"{name}: {where}could not be fetched from huggingface.co; check the network, or {fix}"
    if "safetensors" in words and ("necessary" in words or "no file named" in words):
        return f"{name} has no safetensors weights; other formats can hide programs and are not loaded"
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return f"{name} could not be loaded ({type(error).__name__}: {first[:200]})"
