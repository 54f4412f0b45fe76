"""Batches of the diffusion engine: how they are filled, and that results do not depend on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from augmentai.engines.base import Made
from augmentai.engines.diffusion import DiffusionEngine
from augmentai.recipe import Recipe
from tests.support import tiny_pipeline
from tests.support.diffusion_engine import (
    NoiseRecorder,
    SmallMemory,
    assert_same_within_rounding,
    difference,
    made,
    settings_for,
    tasks_for,
)

SCHEDULERS: dict[str, dict[str, Any]] = {
    "EulerDiscreteScheduler": {},
    "EulerAncestralDiscreteScheduler": {},  # SDXL-Turbo's: draws noise at every step
    "DDPMScheduler": {},
    "DPMSolverMultistepScheduler": {"algorithm_type": "sde-dpmsolver++"},
}
SIZES = [(32, 32), (40, 30), (32, 32)]


@pytest.fixture(scope="module", params=SCHEDULERS)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_pipeline.write(tmp_path_factory.mktemp("model") / "turbo", request.param, **SCHEDULERS[request.param])


def painted_in_batches(model: Path, batch: int, dtype: str = "float32") -> dict[tuple[str, int], Made]:
    """Three variations of three sources; with a batch size of 4, the tasks come in reverse order."""
    tasks = tasks_for(SIZES, Recipe(seed=9, strength=0.8, variations=3))
    engine = DiffusionEngine(settings_for(model, diffusion_batch=batch, diffusion_dtype=dtype))
    return made(engine, tasks[::-1] if batch == 4 else tasks)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_noise_does_not_depend_on_the_batch(model: Path, dtype: str) -> None:
    """Exactly: the noise that is added, and how much of it each variation's generator has drawn in the end."""
    tasks = tasks_for(SIZES, Recipe(seed=9, strength=0.8, variations=3))
    recorders = []
    for batch in (1, 4, 16):
        engine = DiffusionEngine(settings_for(model, diffusion_batch=batch, diffusion_dtype=dtype))
        loaded = engine._loaded()
        loaded.pipe = NoiseRecorder(loaded.pipe)
        recorders.append(loaded.pipe)
        made(engine, tasks[::-1] if batch == 4 else tasks)
    alone, *batched = recorders
    assert alone.noise.keys() == alone.states.keys() == {task.seed for task in tasks}
    for recorder in batched:
        assert recorder.noise.keys() == alone.noise.keys()
        assert all(torch.equal(recorder.noise[seed], noise) for seed, noise in alone.noise.items())
        assert all(torch.equal(recorder.states[seed], state) for seed, state in alone.states.items())


def test_float32_pixels_do_not_depend_on_the_batch(model: Path) -> None:
    """To within one level of 255: matrix products of other sizes add up in another order."""
    alone = painted_in_batches(model, 1)
    for batch in (4, 16):
        batched = painted_in_batches(model, batch)
        assert max(difference(batched[key].image, alone[key].image) for key in alone) <= 1
    one, two = (alone["cats/0.png", index].image for index in (1, 2))
    assert difference(one, two) > 1


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_in_a_batch_is_as_close_to_float32(model: Path, dtype: str) -> None:
    reference, alone = painted_in_batches(model, 1), painted_in_batches(model, 1, dtype)
    for batch in (4, 16):
        assert_same_within_rounding(reference, alone, painted_in_batches(model, batch, dtype))


def test_batches_are_filled_across_sources(engine: DiffusionEngine) -> None:
    results = made(engine, tasks_for([(32, 32)] * 8, Recipe(seed=3, strength=0.3)))
    assert {result.details["batch"] for result in results.values()} == {4}


def test_compiled_models_get_full_batches_of_one_shape(folder: Path, engine: DiffusionEngine) -> None:
    """Compiling itself is worth its time only on a GPU; the images that fill a batch do not appear in the results."""
    filled = DiffusionEngine(settings_for(folder))
    model = filled._loaded()
    model.compiled = True
    model.pipe = SmallMemory(model.pipe, limit=2)
    tasks = tasks_for([(32, 32)] * 5, Recipe(seed=3, strength=0.3))
    results, plain = made(filled, tasks), made(engine, tasks)
    assert model.pipe.attempted == [4, 2, 2, 2]
    assert max(difference(results[key].image, plain[key].image) for key in plain) <= 1


def test_the_networks_compile_as_one_graph_each(
    folder: Path, engine: DiffusionEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Traced for real and run as traced; generating code from it takes a minute per size and is torch's own work."""
    compile_it = torch.nn.Module.compile
    traced: list[type] = []

    def traces_only(network: Any, mode: str, **options: Any) -> None:
        traced.append(type(network))
        compile_it(network, backend="eager", **options)

    monkeypatch.setattr(torch.nn.Module, "compile", traces_only)
    compiled = DiffusionEngine(settings_for(folder, diffusion_compile=True))
    tasks = tasks_for([(32, 32)] * 5 + [(40, 30)] * 3, Recipe(seed=3, strength=0.3))
    reported: list[tuple[str, float]] = []
    results, plain = made(compiled, tasks, reported), made(engine, tasks)
    assert [kind.__name__ for kind in traced] == ["UNet2DConditionModel", "Encoder", "Decoder"]
    assert max(difference(results[key].image, plain[key].image) for key in plain) <= 1
    assert all(result.details["compiled"] is True for result in results.values())
    assert sum("compiling" in words for words, _ in reported) == 2, "once for each size"
