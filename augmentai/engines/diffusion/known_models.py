"""Models of the hub whose licence and size are known before anything is downloaded, as data.

Sizes are of the weights in 16 bits, from the numbers of their parameters; what a batch needs comes on top.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from augmentai.engines.diffusion.devices import by_openvino
from augmentai.engines.diffusion.families import FAMILIES
from augmentai.settings import Settings
from augmentai.system.cpu import has_bfloat16

DEFAULT_MODEL = "stabilityai/sd-turbo"


@dataclass(frozen=True)
class KnownModel:
    """One model.

    Args:
        name: Its id.
        family: See `families`.
        licence: As the hub names it.
        total_gb: All weights, to be downloaded and to be held at once.
        largest_gb: Of its networks, which is what a GPU must hold if they take turns.
        gated: Its licence has to be accepted on the hub first, and HF_TOKEN set.
    """

    name: str
    family: str
    licence: str
    total_gb: float
    largest_gb: float
    gated: bool = False


_STABILITY, _FLUX = "Stability AI Community License", "FLUX Non-Commercial License"

MODELS = (
    KnownModel(DEFAULT_MODEL, "sd-turbo", _STABILITY, 2.6, 1.7),
    KnownModel("stable-diffusion-v1-5/stable-diffusion-v1-5", "sd", "CreativeML OpenRAIL-M", 2.7, 1.7),
    KnownModel("stabilityai/sdxl-turbo", "sdxl-turbo", _STABILITY, 6.9, 5.1),
    KnownModel("stabilityai/stable-diffusion-xl-base-1.0", "sdxl", "CreativeML OpenRAIL++-M", 6.9, 5.1),
    KnownModel("stabilityai/stable-diffusion-3.5-medium", "sd3.5", _STABILITY, 15.6, 9.5, gated=True),
    KnownModel("Tongyi-MAI/Z-Image-Turbo", "z-image-turbo", "Apache 2.0", 20.5, 12.3),
    KnownModel("Tongyi-MAI/Z-Image", "z-image", "Apache 2.0", 20.5, 12.3),
    KnownModel("black-forest-labs/FLUX.2-klein-4B", "flux2-klein", "Apache 2.0", 16.0, 8.0),
    KnownModel("black-forest-labs/FLUX.2-klein-9B", "flux2-klein", _FLUX, 34.7, 18.2, gated=True),
    KnownModel("black-forest-labs/FLUX.1-schnell", "flux-schnell", "Apache 2.0", 33.7, 23.8, gated=True),
    KnownModel("black-forest-labs/FLUX.1-Kontext-dev", "flux-kontext", _FLUX, 33.7, 23.8, gated=True),
    KnownModel("Qwen/Qwen-Image", "qwen-image", "Apache 2.0", 57.7, 40.9),
    KnownModel("Qwen/Qwen-Image-Edit-2511", "qwen-image-edit-plus", "Apache 2.0", 57.7, 40.9),
)
# What is tried in this order where the default can no longer be had: a free licence, no gate, and a strength that keeps
# an image in its place; the last fits every GPU.
SUBSTITUTES = ("Tongyi-MAI/Z-Image-Turbo", "stable-diffusion-v1-5/stable-diffusion-v1-5")
WORKING_GB = 3.0  # what a few images need on top of the weights
_STRENGTH = 0.3  # of the usual recipe, which says how many of the steps are run
# Of SD-Turbo's shape at 512 x 512, one step, measured on two cores with AVX-512; in bfloat16 on such as compute in it.
_CPU_SECONDS = {("torch", False): 61.0, ("torch", True): 31.0, ("openvino", False): 48.0, ("openvino", True): 24.0}


def known(name: str) -> KnownModel | None:
    """What is known of a model.

    Example:
        >>> known("Qwen/Qwen-Image").licence, known("somebody/else")
        ('Apache 2.0', None)
    """
    return next((one for one in MODELS if one.name == name), None)


def is_editor(name: str) -> bool:
    """Whether a model edits by instructions; False if it is not known.

    Example:
        >>> is_editor("black-forest-labs/FLUX.2-klein-4B"), is_editor("Tongyi-MAI/Z-Image-Turbo")
        (True, False)
    """
    model = known(name)
    return model is not None and any(one.edits for one in FAMILIES if one.name == model.family)


def cpu_seconds(settings: Settings) -> float:
    """CPU time of one image where there is no GPU: a rough figure, from that of SD-Turbo's shape, by size and steps.

    Example:
        >>> cpu_seconds(Settings(diffusion_dtype="float32")), cpu_seconds(Settings(diffusion_dtype="bfloat16"))
        (61.0, 31.0)
    """
    model = known(settings.diffusion_model) or MODELS[0]
    family = next(one for one in FAMILIES if one.name == model.family)
    steps = settings.diffusion_steps or family.steps
    run = steps if family.edits else max(1, round(_STRENGTH * steps))
    wanted, backend = settings.diffusion_dtype, "openvino" if by_openvino(settings, "cpu") else "torch"
    base = _CPU_SECONDS[backend, wanted == "bfloat16" or (wanted == "auto" and has_bfloat16())]
    return round(base * run * model.total_gb / MODELS[0].total_gb, 1)


def memory_needed(total_gb: float, largest_gb: float, free_gb: float | None) -> str:
    """What a model needs of a GPU's memory, and how it will be run, in words.

    Args:
        total_gb: All weights.
        largest_gb: Of its networks.
        free_gb: Of the GPU; None if that is not known.

    Example:
        >>> memory_needed(20.5, 12.3, 16)
        'needs about 24 GB of GPU memory, or 15 GB if its networks take turns, as they will: 16 GB are free'
    """
    whole, parts = total_gb + WORKING_GB, largest_gb + WORKING_GB
    words = f"needs about {whole:.0f} GB of GPU memory"
    if free_gb is None or free_gb >= whole:
        return words
    if free_gb >= parts:
        return f"{words}, or {parts:.0f} GB if its networks take turns, as they will: {free_gb:.0f} GB are free"
    return f"{words}, and {free_gb:.0f} GB are free: layer by layer it will be very slow; choose a smaller model"


def substitutes(free_gb: float | None) -> tuple[list[KnownModel], list[str]]:
    """What may take the default's place on this GPU.

    Args:
        free_gb: Its free memory; None if that is not known, or if main memory is used.

    Returns:
        The models, in the order in which they are tried; and those that do not fit, in words.

    Example:
        >>> found, too_large = substitutes(free_gb=8)
        >>> [one.name for one in found], too_large
        (['stable-diffusion-v1-5/stable-diffusion-v1-5'], ['Tongyi-MAI/Z-Image-Turbo needs 15 GB of GPU memory'])
    """
    found, too_large = [], []
    for name in SUBSTITUTES:
        model = known(name)
        assert model is not None
        parts = model.largest_gb + WORKING_GB
        if free_gb is None or free_gb >= parts:
            found.append(model)
        else:
            too_large.append(f"{name} needs {parts:.0f} GB of GPU memory")
    return found, too_large


def markdown(models: Iterable[KnownModel] = MODELS) -> str:
    """The table of the documentation."""
    rows = [
        f"| `{one.name}` | `{one.family}` | {one.licence}{', gated' if one.gated else ''} | {one.total_gb:g} GB "
        f"| {one.total_gb + WORKING_GB:.0f} GB, or {one.largest_gb + WORKING_GB:.0f} GB |"
        for one in models
    ]
    head = "| model | family | licence | download | GPU memory: at once, or in turns |"
    return "\n".join((head, "| --- | --- | --- | --- | --- |", *rows))
