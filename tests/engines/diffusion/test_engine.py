"""Results of the diffusion engine on the CPU: the same code as on CUDA, with a real but tiny pipeline."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from augmentai.annotations import Labels, Shape
from augmentai.engines.base import Made, Task
from augmentai.engines.diffusion import DiffusionEngine
from augmentai.engines.diffusion.paint_request import PaintRequest, PaintResult
from augmentai.engines.diffusion.run import Wait, _reduced_mask
from augmentai.engines.repaint import find_region
from augmentai.images import Photo
from augmentai.recipe import Recipe
from augmentai.types import Source
from tests.support import tiny_pipeline
from tests.support.diffusion_engine import difference, made, settings_for, tasks_for


def test_output_has_the_size_of_the_source(engine: DiffusionEngine) -> None:
    sizes = [(40, 30), (8, 8), (301, 7), (7, 301), (123, 457)]
    results = made(engine, tasks_for(sizes, Recipe(seed=5, strength=0.3)))
    for result in results.values():
        assert result.image.size == result.task.photo.size_wh
        assert result.image.mode == "RGB"
        assert difference(result.image, result.task.photo.rgb) > 0


def test_a_large_photograph_stays_sharp(engine: DiffusionEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a model that returns its input: real weights are not available here, only random ones."""

    def unchanged(engine: DiffusionEngine, on_progress: Any, requests: list[PaintRequest], *about: Any) -> Wait:
        return lambda: [PaintResult(request.pixels, "", len(requests), 1, 0.0) for request in requests]

    monkeypatch.setattr(DiffusionEngine, "_start", unchanged)
    with Image.open(Path(__file__).parents[3] / "examples" / "chelsea.png") as opened:
        photo = Photo(opened.convert("L").convert("RGB"), "PNG", "RGB")
    recipe = Recipe(seed=3, strength=0.3)
    task = Task(Source.from_bytes("cat.png", photo.rgb.tobytes()), photo, 1, 1, recipe)
    [result] = made(engine, [task]).values()
    assert result.details["size_run"] == "24x16"
    assert result.details["fine_detail"] == "of the source"
    assert difference(result.image, photo.rgb) <= 3


def test_details_record_what_was_run(engine: DiffusionEngine) -> None:
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
        "negative_prompt": "ignored: guidance is off",
    }


@pytest.mark.parametrize("strength", [0.01, 0.1, 0.3, 0.5, 1.0])
def test_the_planned_steps_are_run(folder: Path, strength: float) -> None:
    for extra in ({}, {"diffusion_steps": 3}):
        engine = DiffusionEngine(settings_for(folder, **extra))
        result = made(engine, tasks_for([(32, 32)], Recipe(seed=1, strength=strength)))["cats/0.png", 1]
        planned = engine._model.sampling_plan(strength)  # type: ignore[union-attr]
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

    assert 0 < changed(0.2) < changed(0.24) < changed(1.0)  # 0.2 and 0.24 are the same step in a plain pipeline


def test_transparency_is_flattened_onto_white(engine: DiffusionEngine) -> None:
    tasks = tasks_for([(40, 30)], Recipe(seed=5, strength=0.3), alpha=True)
    assert tasks[0].photo.flattened().getpixel((0, 0)) != tasks[0].photo.rgb.getpixel((0, 0))
    assert made(engine, tasks)["cats/0.png", 1].image.mode == "RGB"


def test_guidance_reads_the_negative_prompt(tmp_path: Path) -> None:
    model = tiny_pipeline.write(tmp_path / "plain", "DDIMScheduler")
    engine = DiffusionEngine(settings_for(model, diffusion_steps=4))

    def image(negative: str) -> Made:
        recipe = Recipe(prompt="a cat", negative_prompt=negative, seed=3, strength=0.9)
        return made(engine, tasks_for([(32, 32)], recipe))["cats/0.png", 1]

    assert image("a dog").details["negative_prompt"] == "a dog"
    assert image("").details["guidance"] == 7.5
    assert difference(image("a dog").image, image("").image) > 0


def test_a_part_is_painted_and_the_rest_of_the_request_stays(engine: DiffusionEngine) -> None:
    recipe = Recipe(seed=5, repaint="background")
    task = tasks_for([(64, 48)], recipe)[0]
    region = find_region(task.photo.rgb, Labels((Shape("cat", (0, 0, 32, 48)),)), "background")
    whole, part = (made(engine, [one])["cats/0.png", 1] for one in (task, replace(task, region=region)))
    assert part.strength_used == 0.85  # nothing that is labelled can drift
    assert whole.strength_used == 0.3
    left = (0, 0, 28, 48)
    assert difference(part.image.crop(left), task.photo.rgb.crop(left)) < difference(part.image, task.photo.rgb)
    assert DiffusionEngine.repaints_in_part


def test_of_a_reduced_mask_nothing_is_lost(engine: DiffusionEngine) -> None:
    painted = np.zeros((300, 400), bool)
    painted[17, 200] = True
    assert _reduced_mask(painted, (40, 30)).sum() == 1
