"""Networks computed by OpenVINO: the same images within a stated bound, and torch where that cannot be."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch

from augmentai.engines.diffusion import DiffusionEngine, openvino_networks
from augmentai.engines.diffusion.devices import by_openvino, why_no_openvino
from augmentai.engines.diffusion.openvino_networks import OpenVinoNetworks
from augmentai.recipe import Recipe
from tests.support import tiny_pipeline
from tests.support.diffusion_engine import Results, difference, made, mean_difference, settings_for, tasks_for

RECIPE = Recipe(prompt="a {label} in snow", seed=5, strength=0.6, variations=2)
SIZES = [(40, 30), (30, 40), (32, 32)]
# Levels of 255, at most and on average, that an image may be from float32 by torch.
BOUNDS = {"float32": (1, 0.05), "bfloat16": (6, 1.0)}


@pytest.fixture(scope="module")
def exact(folder: Path) -> Results:
    """In float32 by torch."""
    return made(DiffusionEngine(settings_for(folder)), tasks_for(SIZES, RECIPE))


def painted(folder: Path, **changes: Any) -> Results:
    return made(DiffusionEngine(settings_for(folder, **changes)), tasks_for(SIZES, RECIPE))


def assert_near(found: Results, exact: Results, dtype: str) -> None:
    most, mean = BOUNDS[dtype]
    for key, result in found.items():
        assert difference(result.image, exact[key].image) <= most
        assert mean_difference(result.image, exact[key].image) <= mean


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_images_are_within_the_bound_of_torch_in_float32(folder: Path, exact: Results, dtype: str) -> None:
    found = painted(folder, diffusion_backend="openvino", diffusion_dtype=dtype)
    assert_near(found, exact, dtype)
    for result in found.values():
        assert result.details["backend"].startswith("openvino 20")
        assert result.details["backend"].endswith(f"in {dtype}")  # nothing was left to torch
        assert result.details["dtype"] == dtype
        assert result.details["batch"] == 1
    assert sys.modules["openvino_telemetry"] is None


def test_bfloat16_by_torch_is_within_the_bound_as_well(folder: Path, exact: Results) -> None:
    assert_near(painted(folder, diffusion_dtype="bfloat16"), exact, "bfloat16")


@pytest.mark.parametrize("build", [tiny_pipeline.build_sdxl, tiny_pipeline.build_sd3, tiny_pipeline.build_flux])
def test_each_network_of_other_families_gives_what_torch_gives(build: Callable[[Path], Any], tmp_path: Path) -> None:
    """By OpenVINO or, where it cannot be, by torch."""
    pipe = diffusers.AutoPipelineForImage2Image.from_pipe(build(tmp_path))
    pipe.set_progress_bar_config(disable=True)

    def painted(side_px: int) -> torch.Tensor:
        return pipe(
            image=torch.linspace(0, 1, 3 * side_px**2).reshape(1, 3, side_px, side_px),
            prompt="a cat",
            strength=0.6,
            num_inference_steps=4,
            generator=torch.Generator("cpu").manual_seed(3),
            output_type="pt",
            **({} if hasattr(pipe, "unet") else {"height": side_px, "width": side_px}),
        ).images

    with torch.inference_mode():
        before = [painted(side_px) for side_px in (32, 64)]
        OpenVinoNetworks(pipe, torch.float32)
        for one, side_px in zip(before, (32, 64), strict=True):
            assert float((painted(side_px) - one).abs().max()) < 1 / 255


def test_what_cannot_be_converted_is_computed_by_torch(
    folder: Path, exact: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    convert = openvino_networks._compile

    def fails(network: Any, call: Any, hint: str) -> Any:
        if len(call.tensors) > 1:  # the network that denoises
            raise RuntimeError("no rule for\naten::strange")
        return convert(network, call, hint)

    monkeypatch.setattr(openvino_networks, "_compile", fails)
    found = painted(folder, diffusion_backend="openvino")
    assert_near(found, exact, "float32")
    backend = found["cats/0.png", 1].details["backend"]
    assert backend.endswith("; unet by torch: RuntimeError: no rule for aten::strange")


def test_what_differs_from_torch_is_not_relied_upon(
    folder: Path, exact: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = openvino_networks._Converted._run
    monkeypatch.setattr(openvino_networks._Converted, "_run", lambda self, tensors: 1.2 * run(self, tensors))
    found = painted(folder, diffusion_backend="openvino")
    assert_near(found, exact, "float32")
    assert (
        "decoder by torch: for some sizes, since it differs from torch by" in found["cats/0.png", 1].details["backend"]
    )


def test_without_the_extra_torch_computes_and_it_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.delitem(sys.modules, "openvino", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "openvino" else found(name))
    engine = DiffusionEngine(settings_for(folder, diffusion_backend="openvino"))
    (words,) = engine.unused_settings(RECIPE)
    assert words.startswith("torch computes: openvino not installed (extra augmentai[openvino]); run pip install ")
    [result] = made(engine, tasks_for([(32, 32)], Recipe(seed=3, strength=0.3))).values()
    assert result.details["backend"] == words


@pytest.mark.parametrize(
    ("device", "changes", "says"),
    [
        ("cuda", {}, "OpenVINO is for the CPU alone and the device is cuda"),
        ("cpu", {"diffusion_dtype": "float16"}, "OpenVINO is not used in float16"),
        ("cpu", {"diffusion_compile": True}, "AUGMENTAI_DIFFUSION_COMPILE is set"),
    ],
)
def test_why_it_is_not_used_is_said(folder: Path, device: str, changes: dict[str, Any], says: str) -> None:
    settings = settings_for(folder, diffusion_backend="openvino", **changes)
    assert not by_openvino(settings, device)
    assert says in why_no_openvino(settings, device)
    assert not why_no_openvino(settings_for(folder, **changes), device)
