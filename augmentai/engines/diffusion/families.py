"""The settings of each family of models, as data, and the arithmetic of steps and sizes. Pure Python."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

TRAIN_STEPS = 1000  # noise levels that every family here was trained on
_MAX_ASPECT = 16  # longer strips are squeezed: no model draws anything sensible a few pixels high


@dataclass(frozen=True)
class Family:
    """One family of models.

    Args:
        name: For the manifest.
        pipeline: The diffusers class that runs it.
        name_parts: A model belongs to the family if its name contains one of them; empty for any name.
        steps, guidance: The defaults of its model card.
        few_steps: Distilled to run in a handful of steps without guidance.
        rounds_up: Its pipeline rounds steps x strength up; the others round down.
        negative_prompt: Its pipeline accepts a negative prompt.
        whole_images: Its pipeline is handed whole images, one at a time: see `called_model`.
        edits: It edits an image by an instruction, so that there is no strength, and it may move what it was to leave.
        in_part: The diffusers class of the same networks that paints a part; "" if there is none.
        guidance_name: What its pipeline calls the guidance scale.
    """

    name: str
    pipeline: str
    name_parts: tuple[str, ...]
    steps: int
    guidance: float
    few_steps: bool = False
    rounds_up: bool = False
    negative_prompt: bool = True
    whole_images: bool = False
    edits: bool = False
    in_part: str = ""
    guidance_name: str = "guidance_scale"


_SD = "StableDiffusionImg2ImgPipeline"
_SDXL = "StableDiffusionXLImg2ImgPipeline"
_SD3 = "StableDiffusion3Img2ImgPipeline"
_FLUX = "FluxImg2ImgPipeline"
_KLEIN = "Flux2KleinPipeline"
_KLEIN_IN_PART = "Flux2KleinInpaintPipeline"
_Z_IMAGE = "ZImageImg2ImgPipeline"
_Z_IMAGE_IN_PART = "ZImageInpaintPipeline"

_TRUE_CFG = "true_cfg_scale"


def _whole(
    name: str, pipeline: str, name_parts: tuple[str, ...], steps: int, guidance: float, in_part: str = "", **more: Any
) -> Family:
    """A family whose pipeline is handed whole images."""
    return Family(
        name, pipeline, name_parts, steps, guidance, rounds_up=True, whole_images=True, in_part=in_part, **more
    )


_editor = partial(_whole, edits=True)

# Steps and guidance from the model cards on huggingface.co; the first row that matches is used.
FAMILIES = (
    Family("sd-turbo", _SD, ("turbo",), 4, 0.0, few_steps=True),
    Family("sd", _SD, (), 30, 7.5),
    Family("sdxl-turbo", _SDXL, ("turbo",), 4, 0.0, few_steps=True),
    Family("sdxl", _SDXL, (), 30, 5.0),
    Family("sd3.5-turbo", _SD3, ("turbo",), 4, 0.0, few_steps=True, rounds_up=True),
    Family("sd3.5", _SD3, (), 28, 4.5, rounds_up=True),
    Family("flux-schnell", _FLUX, ("schnell",), 4, 0.0, few_steps=True, rounds_up=True, negative_prompt=False),
    Family("flux", _FLUX, (), 28, 3.5, rounds_up=True, negative_prompt=False),
    _whole("z-image-turbo", _Z_IMAGE, ("turbo",), 9, 0.0, _Z_IMAGE_IN_PART, few_steps=True),
    _whole("z-image", _Z_IMAGE, (), 50, 4.0, _Z_IMAGE_IN_PART),
    _whole("qwen-image", "QwenImageImg2ImgPipeline", (), 50, 4.0, "QwenImageInpaintPipeline", guidance_name=_TRUE_CFG),
    _editor("flux2-klein-base", _KLEIN, ("base",), 50, 4.0, _KLEIN_IN_PART, negative_prompt=False),
    _editor("flux2-klein", _KLEIN, (), 4, 1.0, _KLEIN_IN_PART, few_steps=True, negative_prompt=False),
    _editor("flux-kontext", "FluxKontextPipeline", (), 28, 2.5, "FluxKontextInpaintPipeline", negative_prompt=False),
    _editor(
        "qwen-image-edit", "QwenImageEditPipeline", (), 50, 4.0, "QwenImageEditInpaintPipeline", guidance_name=_TRUE_CFG
    ),
    _editor("qwen-image-edit-plus", "QwenImageEditPlusPipeline", (), 40, 4.0, guidance_name=_TRUE_CFG),
)
# The commit at which a hub model is loaded if no revision is set, so that a run stays reproducible.
PINNED_REVISIONS = {"stabilityai/sd-turbo": "b261bac6fd2cf515557d5d0707481eafa0485ec2"}
# Results of `diffusers.loaders.single_file_utils.infer_diffusers_model_type`, and the class that runs such a file.
SINGLE_FILE_PIPELINES = {
    "v1": _SD,
    "v2": _SD,
    "xl_base": _SDXL,
    "sd3": _SD3,
    "sd35_large": _SD3,
    "sd35_medium": _SD3,
    "flux-dev": _FLUX,
    "flux-schnell": _FLUX,
}


def find_family(pipeline: str, model_name: str, trailing: bool) -> Family | None:
    """Find the family of a loaded pipeline.

    Args:
        pipeline: The name of its class.
        model_name: Hub id, folder or file.
        trailing: Its scheduler spaces time steps from the end, which among SD and SDXL only the few-step models do: a
            copy of SD-Turbo under another name is recognized by it.

    Returns:
        The family, or None if this engine does not know the class.

    Example:
        >>> find_family("StableDiffusionImg2ImgPipeline", "stabilityai/sd-turbo", trailing=True).name
        'sd-turbo'
    """
    same_class = [family for family in FAMILIES if family.pipeline == pipeline]
    name = model_name.lower()
    for family in same_class:
        by_scheduler = trailing and family.few_steps and pipeline in {_SD, _SDXL}
        if not family.name_parts or by_scheduler or any(part in name for part in family.name_parts):
            return family
    return None


@dataclass(frozen=True)
class SamplingPlan:
    """The steps of a pipeline for one strength.

    Args:
        steps, strength: Its `num_inference_steps` and `strength`.
        timesteps: The noise levels themselves, 0 to 999, highest first, which replace `steps`; or None.
        effective: The steps that are really run, at least 1.
    """

    steps: int
    strength: float
    timesteps: tuple[int, ...] | None
    effective: int


@lru_cache
def plan_sampling(strength: float, steps: int, rounds_up: bool = False, exact: bool = False) -> SamplingPlan:
    """Plan the denoising steps for a strength.

    Pipelines run about steps x strength of their steps, so that few steps and a low strength give none at all, which
    would return the source. Here the number of steps is raised until one is run, which keeps the noise at the requested
    level.

    Args:
        strength: More than 0, at most 1.
        steps: Steps at strength 1.
        rounds_up: See `Family`.
        exact: Choose the noise levels one by one, so that four steps are not limited to four strengths.

    Raises:
        ValueError: The strength is out of range.

    Example:
        >>> plan_sampling(0.3, steps=30).effective
        9
        >>> plan_sampling(0.3, steps=4, exact=True).timesteps
        (299,)
    """
    if not 0 < strength <= 1:
        raise ValueError(f"strength is {strength}; expected more than 0, at most 1")
    if exact:
        effective = max(1, int(steps * strength + 0.5))
        levels = [strength * TRAIN_STEPS * (effective - i) / effective for i in range(effective)]
        timesteps = tuple(max(0, int(level + 0.5) - 1) for level in levels)
        return SamplingPlan(effective, 1.0, tuple(sorted(set(timesteps), reverse=True)), len(set(timesteps)))
    steps = min(TRAIN_STEPS, max(steps, math.ceil(1 / strength - 1e-9)))
    # A quarter of a step away from the edge: 100 x 0.29 is 28.999999999999996 in floating point.
    if rounds_up:
        effective = max(1, math.ceil(steps * strength - 1e-6))
        return SamplingPlan(steps, (effective - 0.25) / steps, None, effective)
    effective = max(1, int(steps * strength + 1e-6))
    return SamplingPlan(steps, min(1.0, (effective + 0.25) / steps), None, effective)


@lru_cache(maxsize=4096)
def working_size(size_wh: tuple[int, int], area_px: int, grid_px: int) -> tuple[int, int]:
    """Choose the size at which a source is painted.

    Of the sizes near the area, the one with the nearest aspect ratio is used, so that images are squeezed by no more
    than a percent or two for usual photos; small sources are enlarged, since a model draws badly below the size it was
    trained at.

    Args:
        size_wh: Width and height of the source, in pixels.
        area_px: The area that the model was trained at.
        grid_px: Sides are multiples of this.

    Returns:
        Width and height.

    Example:
        >>> working_size((4000, 3000), area_px=512 * 512, grid_px=32)
        (608, 448)
    """
    width, height = size_wh
    aspect = min(max(width / height, 1 / _MAX_ASPECT), _MAX_ASPECT)
    ideal_h = math.sqrt(area_px / aspect)
    best, best_cost = (grid_px, grid_px), math.inf
    for rows in range(max(1, int(0.85 * ideal_h / grid_px)), int(1.15 * ideal_h / grid_px) + 2):
        exact_columns = rows * aspect
        for columns in {max(1, math.floor(exact_columns)), max(1, math.ceil(exact_columns))}:
            area = columns * rows * grid_px**2
            if area > 1.06 * area_px:
                continue
            cost = abs(math.log(columns / exact_columns)) + 0.1 * abs(math.log(area / area_px))
            if cost < best_cost:
                best, best_cost = (columns * grid_px, rows * grid_px), cost
    return best
