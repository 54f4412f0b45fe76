"""Batches of the diffusion engine: how they are filled, and that results do not depend on them."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True)
class Painted:
    """What one engine made of the tasks, and the noise that it drew for them."""

    results: dict[tuple[str, int], Made]
    recorder: NoiseRecorder


class Painter:
    """Paints three variations of three sources with one model: once in each size of batch and precision."""

    def __init__(self, model: Path) -> None:
        self._model = model
        self.tasks = tasks_for(SIZES, Recipe(seed=9, strength=0.8, variations=3))
        self._painted: dict[tuple[int, str], Painted] = {}

    def painted(self, batch: int, dtype: str = "float32") -> Painted:
        """With a batch size of 4, the tasks come in reverse order."""
        if (batch, dtype) not in self._painted:
            engine = DiffusionEngine(settings_for(self._model, diffusion_batch=batch, diffusion_dtype=dtype))
            loaded = engine._loaded()
            loaded.pipe = recorder = NoiseRecorder(loaded.pipe)
            results = made(engine, self.tasks[::-1] if batch == 4 else self.tasks)
            self._painted[batch, dtype] = Painted(results, recorder)
        return self._painted[batch, dtype]


@pytest.fixture(scope="module", params=SCHEDULERS)
def painter(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Painter:
    folder = tmp_path_factory.mktemp("model") / "turbo"
    return Painter(tiny_pipeline.write(folder, request.param, **SCHEDULERS[request.param]))


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_noise_does_not_depend_on_the_batch(painter: Painter, dtype: str) -> None:
    """Exactly: the noise that is added, and how much of it each variation's generator has drawn in the end."""
    alone, *batched = (painter.painted(batch, dtype).recorder for batch in (1, 4, 16))
    assert alone.noise.keys() == alone.states.keys() == {task.seed for task in painter.tasks}
    for recorder in batched:
        assert recorder.noise.keys() == alone.noise.keys()
        assert all(torch.equal(recorder.noise[seed], noise) for seed, noise in alone.noise.items())
        assert all(torch.equal(recorder.states[seed], state) for seed, state in alone.states.items())


def test_float32_pixels_do_not_depend_on_the_batch(painter: Painter) -> None:
    """To within one level of 255: matrix products of other sizes add up in another order."""
    alone = painter.painted(1).results
    for batch in (4, 16):
        batched = painter.painted(batch).results
        assert max(difference(batched[key].image, alone[key].image) for key in alone) <= 1
    one, two = (alone["cats/0.png", index].image for index in (1, 2))
    assert difference(one, two) > 1


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_in_a_batch_is_as_close_to_float32(painter: Painter, dtype: str) -> None:
    reference, alone = painter.painted(1).results, painter.painted(1, dtype).results
    for batch in (4, 16):
        assert_same_within_rounding(reference, alone, painter.painted(batch, dtype).results)


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
