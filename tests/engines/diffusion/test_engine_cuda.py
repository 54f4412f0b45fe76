"""What can be tested only on a CUDA GPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from augmentai.engines.diffusion import DiffusionEngine
from augmentai.engines.diffusion.model import Model
from augmentai.engines.diffusion.paint_request import PaintRequest
from augmentai.recipe import Recipe
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
