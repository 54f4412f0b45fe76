"""Painting a part of an image: the same as diffusers' own inpaint pipelines do, for every family."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch

from augmentai.engines.diffusion.families import FAMILIES
from augmentai.engines.diffusion.kept_part import kept_part
from augmentai.engines.diffusion.model import Model
from augmentai.engines.diffusion.paint_request import PaintRequest
from augmentai.engines.diffusion.placement import networks_of
from tests.support import tiny_pipeline

FAMILY_OF = {family.name: family for family in FAMILIES}
SIDE_PX = 32


def euler(folder: Path) -> Any:
    return tiny_pipeline.build(folder)


def ddim(folder: Path) -> Any:
    return tiny_pipeline.build(folder, "DDIMScheduler", clip_sample=False)


def requests_of(count: int = 2) -> list[PaintRequest]:
    rng = np.random.default_rng(4)
    mask = np.zeros((SIDE_PX, SIDE_PX), bool)
    mask[8:24, 16:] = True  # on whole latents: diffusers takes the nearest pixel of each
    pixels = rng.integers(0, 256, (count, SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
    return [PaintRequest(str(i), pixels[i], "a cat", "", 0.6, 5 + i, mask) for i in range(count)]


def model_of(build: Callable[[Path], Any], family: str, folder: Path) -> Model:
    pipe = diffusers.AutoPipelineForImage2Image.from_pipe(build(folder))
    pipe.set_progress_bar_config(disable=True)
    for network in networks_of(pipe):
        network.eval()
    return Model(pipe, FAMILY_OF[family], family, "cpu", torch.float32, steps=10, guidance=2.0, batch=4)


@pytest.mark.parametrize(
    ("family", "build"),
    [
        ("sd", euler),
        ("sd", ddim),
        ("sdxl", tiny_pipeline.build_sdxl),
        ("sd3.5", tiny_pipeline.build_sd3),
        ("flux", tiny_pipeline.build_flux),
    ],
    ids=["sd", "sd with another scheduler", "sdxl", "sd3.5", "flux"],
)
def test_it_paints_what_the_inpaint_pipeline_paints(family: str, build: Callable[[Path], Any], tmp_path: Path) -> None:
    model, requests = model_of(build, family, tmp_path), requests_of()
    planned = model.sampling_plan(requests[0].strength)
    with torch.inference_mode():
        encoded = model.encode([(request.source, request.pixels) for request in requests])
        painted, _ = model._denoise(encoded, requests, lambda: False, lambda done, total: None)
        inpaint = diffusers.AutoPipelineForInpainting.from_pipe(model.pipe)
        inpaint.set_progress_bar_config(disable=True)
        more: dict[str, Any] = {} if family == "sdxl" else {"masked_image_latents": encoded}
        image = encoded
        if family == "flux":  # which encodes whatever it is given
            image = torch.from_numpy(np.stack([one.pixels for one in requests])).permute(0, 3, 1, 2) / 127.5 - 1
            inpaint._encode_vae_image = lambda image, generator: encoded
            more = {}
        mask = torch.from_numpy(np.stack([request.mask for request in requests])[:, None].astype(np.float32))
        expected = inpaint(
            prompt=[request.prompt for request in requests],
            image=image,
            mask_image=mask,
            strength=planned.strength,
            num_inference_steps=planned.steps,
            guidance_scale=model.guidance,
            generator=[torch.Generator("cpu").manual_seed(request.seed) for request in requests],
            output_type="latent",
            return_dict=False,
            height=SIDE_PX,
            width=SIDE_PX,
            **more,
        )[0]
        if family == "flux":
            expected = inpaint._unpack_latents(expected, SIDE_PX, SIDE_PX, inpaint.vae_scale_factor)
    assert painted.shape == expected.shape
    assert (painted - expected).abs().max() < 1e-4
    outside = kept_part(model.pipe, encoded, requests).painted == 0  # type: ignore[union-attr]
    outside = outside.expand_as(painted)
    assert (painted[outside] == encoded[outside]).all()
    assert (painted[~outside] - encoded[~outside]).abs().mean() > 0.1


def test_without_a_mask_nothing_is_kept(tmp_path: Path) -> None:
    model = model_of(euler, "sd", tmp_path)
    requests = [replace(request, mask=None) for request in requests_of()]
    assert kept_part(model.pipe, torch.zeros(2, 4, 16, 16), requests) is None


def test_a_cell_with_any_painted_pixel_is_painted(tmp_path: Path) -> None:
    mask = np.zeros((SIDE_PX, SIDE_PX), bool)
    mask[3, 30] = True
    request = replace(requests_of(1)[0], mask=mask)
    kept = kept_part(model_of(euler, "sd", tmp_path).pipe, torch.zeros(1, 4, 16, 16), [request])
    assert kept is not None
    assert kept.painted.sum() == kept.painted[0, 0, 1, 15] == 1
