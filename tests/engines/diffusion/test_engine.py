"""What comes out of the diffusion engine, on the CPU: the same code as on CUDA, with a real but tiny pipeline."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from augmentai.engines.base import Made, Task
from augmentai.engines.diffusion import DiffusionEngine
from augmentai.engines.diffusion.paint_request import Painted, Shot
from augmentai.images import Photo
from augmentai.recipe import Recipe
from augmentai.types import Source
from tests.support import tiny_pipeline
from tests.support.diffusion_engine import SmallMemory, difference, made, settings_for, tasks_for


def test_every_size_comes_back_exactly(engine: DiffusionEngine) -> None:
    sizes = [(40, 30), (8, 8), (301, 7), (7, 301), (123, 457)]
    results = made(engine, tasks_for(sizes, Recipe(seed=5, strength=0.3)))
    for result in results.values():
        assert result.image.size == result.task.photo.size_wh
        assert result.image.mode == "RGB"
        assert difference(result.image, result.task.photo.rgb) > 0


def test_a_large_photograph_stays_sharp(engine: DiffusionEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a model that paints what it was given: weights that do so cannot be had here, only random ones."""

    def painted(self: DiffusionEngine, tell: Any, shots: list[Shot], *about: Any) -> Callable[[], list[Painted]]:
        return lambda: [Painted(shot.pixels, "", len(shots), 1, 0.0) for shot in shots]

    monkeypatch.setattr(DiffusionEngine, "_begin", painted)
    with Image.open(Path(__file__).parents[3] / "examples" / "chelsea.png") as opened:
        photo = Photo(opened.convert("L").convert("RGB"), "PNG", "RGB")
    recipe = Recipe(seed=3, strength=0.3)
    task = Task(Source.from_bytes("cat.png", photo.rgb.tobytes()), photo, 1, 1, recipe)
    [result] = made(engine, [task]).values()
    assert result.details["size_run"] == "24x16"
    assert result.details["fine_detail"] == "of the source"
    assert difference(result.image, photo.rgb) <= 3


def test_details_say_what_was_really_run(engine: DiffusionEngine) -> None:
    recipe = Recipe(prompt="a {label} in snow", negative_prompt="text", seed=5, strength=0.3, variations=3)
    result = made(engine, tasks_for([(40, 30)], recipe))["cats/0.png", 1]
    assert result.prompt == "a cats in snow"
    assert result.model == "sd-turbo-tiny"
    assert result.repainted
    assert result.seconds > 0
    assert result.details == {
        "family": "sd-turbo",
        "fine_detail": "of the source",
        "steps": 1,
        "effective_steps": 1,
        "timesteps": [299],
        "guidance": 0.0,
        "scheduler": "EulerDiscreteScheduler",
        "batch": 3,
        "dtype": "float32",
        "device": "cpu",
        "size_run": "32x24",
        "negative_prompt": "not read: guidance is off",
    }


@pytest.mark.parametrize("strength", [0.01, 0.1, 0.3, 0.5, 1.0])
def test_steps_that_were_run_are_those_that_were_planned(folder: Path, strength: float) -> None:
    for extra in ({}, {"diffusion_steps": 3}):
        engine = DiffusionEngine(settings_for(folder, **extra))
        result = made(engine, tasks_for([(32, 32)], Recipe(seed=1, strength=strength)))["cats/0.png", 1]
        planned = engine._model.plan(strength)  # type: ignore[union-attr]
        assert result.details["effective_steps"] == planned.effective >= 1


def test_strength_zero_is_the_source_itself(engine: DiffusionEngine) -> None:
    result = made(engine, tasks_for([(40, 30)], Recipe(seed=5, strength=0)))["cats/0.png", 1]
    assert difference(result.image, result.task.photo.rgb) == 0
    assert result.details["effective_steps"] == 0


def test_more_strength_changes_more(engine: DiffusionEngine) -> None:
    def changed(strength: float) -> float:
        result = made(engine, tasks_for([(32, 32)], Recipe(seed=5, strength=strength)))["cats/0.png", 1]
        plain = made(engine, tasks_for([(32, 32)], Recipe(seed=5, strength=0.001)))["cats/0.png", 1]
        return float(np.abs(np.asarray(result.image, float) - np.asarray(plain.image, float)).mean())

    assert 0 < changed(0.2) < changed(0.24) < changed(1.0)  # 0.2 and 0.24 are the same step to a plain pipeline


def test_transparency_is_painted_over_white(engine: DiffusionEngine) -> None:
    tasks = tasks_for([(40, 30)], Recipe(seed=5, strength=0.3), alpha=True)
    assert tasks[0].photo.flattened().getpixel((0, 0)) != tasks[0].photo.rgb.getpixel((0, 0))
    assert made(engine, tasks)["cats/0.png", 1].image.mode == "RGB"


@pytest.mark.parametrize(
    ("scheduler", "options", "dtype"),
    [
        ("EulerDiscreteScheduler", {}, "float32"),
        ("EulerDiscreteScheduler", {}, "float16"),
        ("EulerAncestralDiscreteScheduler", {}, "float32"),  # SDXL-Turbo's: draws noise at every step
        ("DDPMScheduler", {}, "float32"),
        ("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}, "float32"),
    ],
)
def test_same_pixels_whatever_the_batch(
    tmp_path: Path, scheduler: str, options: dict[str, Any], dtype: str, record_property: Callable[[str, object], None]
) -> None:
    """One step of 8 bits is allowed: matrix products of other sizes add up in another order."""
    model = tiny_pipeline.write(tmp_path / "turbo", scheduler, **options)
    tasks = tasks_for([(32, 32), (40, 30), (32, 32)], Recipe(seed=9, strength=0.8, variations=3))
    results = []
    for batch in (1, 4, 16):
        engine = DiffusionEngine(settings_for(model, diffusion_batch=batch, diffusion_dtype=dtype))
        results.append(made(engine, tasks[::-1] if batch == 4 else tasks))
    largest = max(difference(results[0][key].image, other[key].image) for other in results[1:] for key in results[0])
    record_property("largest_difference", largest)
    assert largest <= 1
    one, two = (results[0]["cats/0.png", index].image for index in (1, 2))
    assert difference(one, two) > 1


def test_batches_are_filled_across_sources(engine: DiffusionEngine) -> None:
    results = made(engine, tasks_for([(32, 32)] * 8, Recipe(seed=3, strength=0.3)))
    assert {result.details["batch"] for result in results.values()} == {4}


def test_compiled_models_get_full_batches_of_one_shape(folder: Path, engine: DiffusionEngine) -> None:
    """Compiling itself needs a GPU to be worth its time; what is filled up is left out of the results."""
    filled = DiffusionEngine(settings_for(folder))
    model = filled._loaded()
    model.compiled = True
    model.pipe = SmallMemory(model.pipe, limit=2)
    tasks = tasks_for([(32, 32)] * 5, Recipe(seed=3, strength=0.3))
    results, plain = made(filled, tasks), made(engine, tasks)
    assert model.pipe.tried == [4, 2, 2, 2]
    assert max(difference(results[key].image, plain[key].image) for key in plain) <= 1


def test_the_networks_compile_as_one_graph_each(
    folder: Path, engine: DiffusionEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Traced for real, and run as traced: turning it into code takes a minute for each size and is the library's."""
    compile_it = torch.nn.Module.compile
    traced: list[type] = []

    def traces_only(network: Any, mode: str, **options: Any) -> None:
        traced.append(type(network))
        compile_it(network, backend="eager", **options)

    monkeypatch.setattr(torch.nn.Module, "compile", traces_only)
    compiled = DiffusionEngine(settings_for(folder, diffusion_compile=True))
    tasks = tasks_for([(32, 32)] * 5 + [(40, 30)] * 3, Recipe(seed=3, strength=0.3))
    said: list[tuple[str, float]] = []
    results, plain = made(compiled, tasks, said), made(engine, tasks)
    assert [kind.__name__ for kind in traced] == ["UNet2DConditionModel", "Encoder", "Decoder"]
    assert max(difference(results[key].image, plain[key].image) for key in plain) <= 1
    assert all(result.details["compiled"] is True for result in results.values())
    assert sum("compiling" in words for words, _ in said) == 2, "once for each size"


def test_guidance_reads_the_negative_prompt(tmp_path: Path) -> None:
    model = tiny_pipeline.write(tmp_path / "plain", "DDIMScheduler")
    engine = DiffusionEngine(settings_for(model, diffusion_steps=4))

    def image(negative: str) -> Made:
        recipe = Recipe(prompt="a cat", negative_prompt=negative, seed=3, strength=0.9)
        return made(engine, tasks_for([(32, 32)], recipe))["cats/0.png", 1]

    assert image("a dog").details["negative_prompt"] == "a dog"
    assert image("").details["guidance"] == 7.5
    assert difference(image("a dog").image, image("").image) > 0
