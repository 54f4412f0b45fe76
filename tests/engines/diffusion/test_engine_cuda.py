"""What can be tested only on a CUDA GPU."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import diffusers
import numpy as np
import pytest
import torch

from augmentai.annotations import Labels, Shape
from augmentai.engines.diffusion import DiffusionEngine
from augmentai.engines.diffusion.model import Model
from augmentai.engines.diffusion.paint_request import PaintRequest
from augmentai.engines.repaint import find_region
from augmentai.recipe import Recipe
from tests.support import tiny_transformers
from tests.support.diffusion_engine import (
    assert_same_within_rounding,
    difference,
    made,
    noise_image,
    settings_for,
    tasks_for,
)

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU on this machine")


@pytest.mark.cuda
@needs_cuda
@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_cuda_batches_are_as_close_to_float32(folder: Path, engine: DiffusionEngine, dtype: str) -> None:
    """Also in float32, whose convolutions a GPU may compute in TF32."""
    tasks = tasks_for([(32, 32), (40, 30), (32, 32)], Recipe(seed=9, strength=0.5, variations=4))
    alone, batched = (
        made(
            DiffusionEngine(settings_for(folder, diffusion_device="cuda", diffusion_dtype=dtype, diffusion_batch=n)),
            tasks,
        )
        for n in (1, 16)
    )
    assert_same_within_rounding(reference=made(engine, tasks), alone=alone, batched=batched)


@pytest.mark.cuda
@needs_cuda
def test_cuda_agrees_with_the_cpu(folder: Path, engine: DiffusionEngine) -> None:
    tasks = tasks_for([(32, 32), (40, 30)], Recipe(seed=9, strength=0.5))
    on_gpu = made(DiffusionEngine(settings_for(folder, diffusion_device="cuda", diffusion_dtype="float32")), tasks)
    on_cpu = made(engine, tasks)
    assert max(difference(on_gpu[key].image, on_cpu[key].image) for key in on_cpu) <= 2


@pytest.mark.cuda
@needs_cuda
def test_cuda_memory_cap_halves_the_batch(folder: Path) -> None:
    engine = DiffusionEngine(settings_for(folder, diffusion_device="cuda", diffusion_batch=64))
    model: Model = engine._loaded()
    images = [np.asarray(noise_image(i, (256, 256))) for i in range(64)]
    requests = [PaintRequest(str(i), image, "a cat", "", 0.3, i + 1) for i, image in enumerate(images)]
    model.paint(requests[:1])  # cuDNN and cuBLAS have allocated their workspaces from here on
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    reserved = torch.cuda.memory_reserved()
    model.paint(requests[:1])
    for_one = torch.cuda.max_memory_reserved() - reserved
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 8 * for_one) / total)
    try:
        results = model.paint(requests)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert len(results) == 64
    assert model.batch < 64


@pytest.mark.cuda
@needs_cuda
@pytest.mark.parametrize("placement", ["parts", "layers"])
def test_cuda_offload(folder: Path, monkeypatch: pytest.MonkeyPatch, placement: str) -> None:
    monkeypatch.setattr("augmentai.engines.diffusion.placement.choose_placement", lambda *about: placement)
    engine = DiffusionEngine(settings_for(folder, diffusion_device="cuda"))
    results = made(engine, tasks_for([(32, 32), (40, 30)], Recipe(seed=9, strength=0.5)))
    assert {result.details["offload"] for result in results.values()} == {placement}


@pytest.mark.cuda
@needs_cuda
def test_cuda_compiled(folder: Path) -> None:
    engine = DiffusionEngine(settings_for(folder, diffusion_device="cuda", diffusion_compile=True))
    results = made(engine, tasks_for([(32, 32)] * 6, Recipe(seed=9, strength=0.5)))
    assert all(result.details["compiled"] for result in results.values())


@pytest.mark.cuda
@needs_cuda
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_cuda_paints_a_part(folder: Path, dtype: str) -> None:
    engine = DiffusionEngine(settings_for(folder, diffusion_device="cuda", diffusion_dtype=dtype))
    tasks = tasks_for([(40, 30), (32, 32)], Recipe(seed=9, repaint="background", variations=2))
    labels = Labels((Shape("cat", (8, 8, 24, 20)),))
    tasks = [replace(task, region=find_region(task.photo.rgb, labels, "background")) for task in tasks]
    for result in made(engine, tasks).values():
        region, source = result.task.region, np.asarray(result.task.photo.rgb)
        assert region is not None
        laid = np.asarray(region.lay_back(result.task.photo.rgb, result.image))
        assert (laid[8:20, 8:24] == source[8:20, 8:24]).all()
        assert (laid[:4] != source[:4]).any()


@pytest.mark.cuda
@needs_cuda
@pytest.mark.parametrize("placement", ["whole", "parts"])
@pytest.mark.parametrize("kind", ["klein", "z_image", "kontext", "qwen_image"])
def test_cuda_runs_the_families_that_take_whole_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, placement: str
) -> None:
    monkeypatch.setattr("augmentai.engines.diffusion.placement.choose_placement", lambda *about: placement)
    monkeypatch.setattr("augmentai.engines.diffusion.run.measured_shift", lambda before, after: 0.0)
    pipe = getattr(tiny_transformers, f"build_{kind}")(tmp_path / "parts")
    if kind == "z_image":
        pipe = diffusers.ZImageImg2ImgPipeline(**pipe.components)
    monkeypatch.setattr("augmentai.engines.diffusion.load._pipeline", lambda *about: pipe.to(dtype=torch.bfloat16))
    (tmp_path / "model_index.json").write_text("{}")
    engine = DiffusionEngine(settings_for(tmp_path, diffusion_device="cuda", diffusion_steps=4))
    tasks = tasks_for([(40, 30), (32, 32)], Recipe(seed=9, strength=0.5))
    first, again = made(engine, tasks), made(engine, tasks)
    assert all(difference(first[key].image, again[key].image) == 0 for key in first)
    assert {result.details.get("offload", "whole") for result in first.values()} == {placement}
    labels = Labels((Shape("cat", (8, 8, 24, 20)),))
    part = [replace(tasks[0], region=find_region(tasks[0].photo.rgb, labels, "background"))]
    assert made(engine, part)
