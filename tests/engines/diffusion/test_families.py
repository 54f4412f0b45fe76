"""Families of models, and the arithmetic of steps and sizes."""

from __future__ import annotations

import pytest

from augmentai.engines.diffusion.families import find_family, plan_sampling, working_size


@pytest.mark.parametrize("rounds_up", [False, True])
@pytest.mark.parametrize("steps", [1, 2, 4, 28, 30, 50, 100])
@pytest.mark.parametrize("strength", [0.001, 0.01, 0.05, 0.24, 0.29, 0.3, 0.57, 0.999, 1.0])
def test_at_least_one_step_and_never_fewer_than_asked_for(strength: float, steps: int, rounds_up: bool) -> None:
    planned = plan_sampling(strength, steps, rounds_up)
    wanted = planned.steps * planned.strength
    # The two formulas of `get_timesteps` in diffusers 0.42.
    start = int(planned.steps - wanted) if rounds_up else planned.steps - min(int(wanted), planned.steps)
    assert planned.steps - start == planned.effective >= 1
    assert planned.effective >= int(steps * strength + 1e-6)
    assert abs(planned.effective / planned.steps - strength) <= 1 / planned.steps + 1e-9


def test_rounding_loses_no_step() -> None:
    assert 100 * 0.29 < 29
    assert plan_sampling(0.29, 100).effective == 29


@pytest.mark.parametrize(
    ("strength", "timesteps"),
    [
        (0.25, (249,)),  # SD-Turbo was trained at 249, 499, 749 and 999
        (0.3, (299,)),
        (0.4, (399, 199)),
        (0.5, (499, 249)),
        (1.0, (999, 749, 499, 249)),
        (0.0004, (0,)),
    ],
)
def test_few_step_models_start_at_the_requested_noise_level(strength: float, timesteps: tuple[int, ...]) -> None:
    assert plan_sampling(strength, 4, exact=True).timesteps == timesteps


@pytest.mark.parametrize(
    "size_wh", [(640, 480), (480, 640), (4000, 3000), (4032, 3024), (1920, 1080), (7, 7), (333, 517)]
)
@pytest.mark.parametrize(("area_px", "grid_px"), [(512**2, 32), (1024**2, 32), (768**2, 32)])
def test_working_size(size_wh: tuple[int, int], area_px: int, grid_px: int) -> None:
    width, height = working_size(size_wh, area_px, grid_px)
    assert width % grid_px == height % grid_px == 0
    assert 0.7 * area_px <= width * height <= 1.06 * area_px
    assert (width / height) / (size_wh[0] / size_wh[1]) == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("size_wh", [(5000, 8), (8, 5000), (1, 1)])
def test_working_size_of_extreme_sources(size_wh: tuple[int, int]) -> None:
    width, height = working_size(size_wh, 512**2, 32)
    assert min(width, height) >= 32
    assert width * height <= 1.06 * 512**2


@pytest.mark.parametrize(
    ("pipeline", "name", "trailing", "family"),
    [
        ("StableDiffusionImg2ImgPipeline", "stabilityai/sd-turbo", True, "sd-turbo"),
        ("StableDiffusionImg2ImgPipeline", "my-copy", True, "sd-turbo"),
        ("StableDiffusionImg2ImgPipeline", "stable-diffusion-v1-5/stable-diffusion-v1-5", False, "sd"),
        ("StableDiffusionXLImg2ImgPipeline", "stabilityai/sdxl-turbo", True, "sdxl-turbo"),
        ("StableDiffusionXLImg2ImgPipeline", "stabilityai/stable-diffusion-xl-base-1.0", False, "sdxl"),
        ("StableDiffusion3Img2ImgPipeline", "stabilityai/stable-diffusion-3.5-large-turbo", False, "sd3.5-turbo"),
        ("StableDiffusion3Img2ImgPipeline", "stabilityai/stable-diffusion-3.5-medium", False, "sd3.5"),
        ("FluxImg2ImgPipeline", "black-forest-labs/FLUX.1-schnell", False, "flux-schnell"),
        ("FluxImg2ImgPipeline", "black-forest-labs/FLUX.1-dev", False, "flux"),
        ("Kandinsky3Img2ImgPipeline", "kandinsky-community/kandinsky-3", False, None),
    ],
)
def test_families(pipeline: str, name: str, trailing: bool, family: str | None) -> None:
    found = find_family(pipeline, name, trailing)
    assert (found.name if found else None) == family
