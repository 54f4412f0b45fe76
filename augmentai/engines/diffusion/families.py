"""What each family of models wants, as data, and the arithmetic of steps and sizes. Pure Python."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

TRAIN_STEPS = 1000  # noise levels that every family here was trained on
_LONGEST_ASPECT = 16  # beyond it a strip is squeezed: no model draws anything sensible in a strip of few pixels


@dataclass(frozen=True)
class Family:
    """One kind of model.

    pipeline: the diffusers class it runs in. words: the model's name holds one of them; empty is the rest of the class.
    steps, guidance: the defaults of its model card. few_steps: distilled to run in a handful of steps without guidance.
    rounds_up: its pipeline rounds steps x strength up, the others round it down. negative: reads a negative prompt.
    """

    name: str
    pipeline: str
    words: tuple[str, ...]
    steps: int
    guidance: float
    few_steps: bool = False
    rounds_up: bool = False
    negative: bool = True


_SD = "StableDiffusionImg2ImgPipeline"
_SDXL = "StableDiffusionXLImg2ImgPipeline"
_SD3 = "StableDiffusion3Img2ImgPipeline"
_FLUX = "FluxImg2ImgPipeline"

# Steps and guidance from the model cards on huggingface.co; the first row that fits counts.
FAMILIES = (
    Family("sd-turbo", _SD, ("turbo",), 4, 0.0, few_steps=True),
    Family("sd", _SD, (), 30, 7.5),
    Family("sdxl-turbo", _SDXL, ("turbo",), 4, 0.0, few_steps=True),
    Family("sdxl", _SDXL, (), 30, 5.0),
    Family("sd3.5-turbo", _SD3, ("turbo",), 4, 0.0, few_steps=True, rounds_up=True),
    Family("sd3.5", _SD3, (), 28, 4.5, rounds_up=True),
    Family("flux-schnell", _FLUX, ("schnell",), 4, 0.0, few_steps=True, rounds_up=True, negative=False),
    Family("flux", _FLUX, (), 28, 3.5, rounds_up=True, negative=False),
)
# The commit a hub model is loaded at where no revision is set: so that a run can be repeated for good.
PINNED_REVISIONS = {"stabilityai/sd-turbo": "b261bac6fd2cf515557d5d0707481eafa0485ec2"}
# What `diffusers.loaders.single_file_utils.infer_diffusers_model_type` calls a file, and the class that runs it.
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


def family_of(pipeline: str, model_name: str, trailing: bool) -> Family | None:
    """The family of a loaded pipeline, or None where it is of a class that this engine does not know.

    pipeline: its class's name. model_name: hub id, folder or file. trailing: its scheduler spaces time steps from the
    end, which among SD and SDXL only the few-step models do: a copy of SD-Turbo under another name is known by it.
    """
    same_class = [family for family in FAMILIES if family.pipeline == pipeline]
    name = model_name.lower()
    for family in same_class:
        by_scheduler = trailing and family.few_steps and pipeline in {_SD, _SDXL}
        if not family.words or by_scheduler or any(word in name for word in family.words):
            return family
    return None


@dataclass(frozen=True)
class Plan:
    """What is asked of the pipeline for one strength.

    steps, strength: its `num_inference_steps` and `strength`. timesteps: the noise levels themselves, 0 to 999,
    highest first, which replace `steps`. effective: the steps that are really run, at least 1.
    """

    steps: int
    strength: float
    timesteps: tuple[int, ...] | None
    effective: int


@lru_cache
def plan(strength: float, steps: int, rounds_up: bool = False, exact: bool = False) -> Plan:
    """Steps for a strength above 0 and up to 1; never fewer than one, which would give the source back.

    Pipelines run about steps x strength of their steps, so few steps and a low strength make none. Here the steps
    become as many as make one, which keeps the noise at the level that was asked for. exact: the noise levels are
    named one by one, so that four steps do not know four strengths only.
    """
    if not 0 < strength <= 1:
        raise ValueError(f"strength is {strength}; expected more than 0 and at most 1")
    if exact:
        effective = max(1, int(steps * strength + 0.5))
        levels = [strength * TRAIN_STEPS * (effective - i) / effective for i in range(effective)]
        timesteps = tuple(max(0, int(level + 0.5) - 1) for level in levels)
        return Plan(effective, 1.0, tuple(sorted(set(timesteps), reverse=True)), len(set(timesteps)))
    steps = min(TRAIN_STEPS, max(steps, math.ceil(1 / strength - 1e-9)))
    # Off the edge by a quarter of a step: 100 x 0.29 is 28.999999999999996 in floating point.
    if rounds_up:
        effective = max(1, math.ceil(steps * strength - 1e-6))
        return Plan(steps, (effective - 0.25) / steps, None, effective)
    effective = max(1, int(steps * strength + 1e-6))
    return Plan(steps, min(1.0, (effective + 0.25) / steps), None, effective)


@lru_cache(maxsize=4096)
def run_size(size_wh: tuple[int, int], area_px: int, grid_px: int) -> tuple[int, int]:
    """Width and height to run a source at: about `area_px` pixels, sides in multiples of `grid_px`, aspect kept.

    Of the sizes near the area the one is taken whose aspect is nearest, so that squeezing stays within a percent or two
    for usual photographs; small sources grow, since a model draws badly below the size it was trained at.
    """
    width, height = size_wh
    aspect = min(max(width / height, 1 / _LONGEST_ASPECT), _LONGEST_ASPECT)
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
