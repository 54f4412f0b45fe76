"""Errors on the GPU or in the model, and what they do to the job."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from augmentai.engines.base import EngineUnavailableError, JobView, Made, Refused
from augmentai.engines.diffusion import DiffusionEngine
from augmentai.recipe import Recipe
from tests.support import tiny_pipeline
from tests.support.diffusion_engine import difference, made, settings_for, tasks_for, with_small_memory


def test_out_of_memory_halves_the_batch_and_continues(folder: Path, engine: DiffusionEngine) -> None:
    tasks = tasks_for([(32, 32)] * 20, Recipe(seed=3, strength=0.3))
    small, pipe = with_small_memory(folder, limit=3)
    results = made(small, tasks)
    assert pipe.attempted[:3] == [8, 4, 2]
    assert set(pipe.attempted[3:]) == {2}, "a batch size that failed is not tried again"
    whole = made(engine, tasks)
    assert max(difference(results[key].image, whole[key].image) for key in whole) <= 1
    assert small.readiness().ready


def test_out_of_memory_at_batch_size_1_makes_the_engine_unavailable(folder: Path) -> None:
    tasks = tasks_for([(32, 32)] * 20, Recipe(seed=3, strength=0.3))
    engine, _ = with_small_memory(folder, limit=0, batch=2)
    with pytest.raises(EngineUnavailableError, match="too little memory") as caught:
        list(engine.make(iter(tasks), JobView((), tasks[0].recipe, 10**8)))
    taken = list(caught.value.unfinished)
    assert taken == tasks[: len(taken)]
    assert len(taken) >= 2
    readiness = engine.readiness()
    assert not readiness.ready
    assert readiness.for_good
    assert "too little memory" in readiness.reason


def test_no_task_is_lost_when_the_engine_fails_midway(folder: Path) -> None:
    tasks = tasks_for([(32, 32), (40, 30)] * 10, Recipe(seed=3, strength=0.3))
    engine, pipe = with_small_memory(folder, limit=8, batch=2)
    results = []
    rest = iter(tasks)

    def consume() -> None:
        for result in engine.make(rest, JobView((), tasks[0].recipe, 10**8)):
            results.append(result)
            pipe.limit = 0

    with pytest.raises(EngineUnavailableError) as caught:
        consume()
    answered = [result.task for result in results]
    every = [*answered, *caught.value.unfinished, *rest]
    assert sorted(map(id, every)) == sorted(map(id, tasks))
    assert answered


def test_a_broken_driver_makes_the_engine_unavailable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, pipe = with_small_memory(folder, limit=8)

    def broken(*about: Any, **request: Any) -> None:
        raise RuntimeError("CUDA error: unspecified launch failure\nmore lines")

    monkeypatch.setattr(pipe.unet, "forward", broken)
    tasks = tasks_for([(32, 32)], Recipe(seed=3))
    with pytest.raises(EngineUnavailableError, match="unspecified launch failure") as caught:
        list(engine.make(iter(tasks), JobView((), Recipe(), 10**8)))
    assert "\n" not in caught.value.reason
    assert not engine.readiness().ready


def test_an_image_that_is_not_finite_is_refused_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """float16 overflows in some models: a black image with a valid label would poison the dataset."""
    engine = DiffusionEngine(settings_for(folder))
    vae = engine._loaded().pipe.vae
    decode = vae.decode

    def overflowing(latents: Any, **options: Any) -> Any:
        latents[1] = float("nan")
        return decode(latents, **options)

    monkeypatch.setattr(vae, "decode", overflowing)
    tasks = tasks_for([(32, 32)] * 3, Recipe(seed=3, strength=0.3))
    results = list(engine.make(iter(tasks), JobView((), tasks[0].recipe, 10**8)))
    assert [type(result) for result in results] == [Made, Refused, Made]
    assert isinstance(results[1], Refused)
    assert "overflowed in float32" in results[1].reason


def test_an_image_flagged_by_the_safety_checker_is_refused(folder: Path) -> None:
    engine, pipe = with_small_memory(folder, limit=8)
    pipe.safety_checker = object()
    pipe.run_safety_checker = lambda image, device, dtype: (image, [True, False])
    tasks = tasks_for([(32, 32)] * 2, Recipe(seed=3, strength=0.3))
    results = list(engine.make(iter(tasks), JobView((), tasks[0].recipe, 10**8)))
    assert [type(result) for result in results] == [Refused, Made]


def test_a_failed_load_makes_the_engine_unavailable(tmp_path: Path) -> None:
    folder = tiny_pipeline.write(tmp_path / "model")
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_suffix(".bin"))
    engine = DiffusionEngine(settings_for(folder))
    assert engine.readiness().ready
    tasks = tasks_for([(32, 32)], Recipe(seed=3))
    with pytest.raises(EngineUnavailableError, match="no safetensors weights") as caught:
        list(engine.make(iter(tasks), JobView((), tasks[0].recipe, 10**8)))
    assert list(caught.value.unfinished) == tasks
    assert not engine.readiness().ready


def test_without_tasks_nothing_is_loaded(folder: Path) -> None:
    engine = DiffusionEngine(settings_for(folder))
    assert list(engine.make(iter([]), JobView((), Recipe(), 10**8))) == []
    assert engine._model is None


def test_a_failed_load_is_retried_later(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = DiffusionEngine(settings_for(folder))
    engine._failure = ("the network was down", time.monotonic())
    assert not engine.readiness().ready
    monkeypatch.setattr("augmentai.engines.diffusion.engine._RETRY_AFTER_SECONDS", 0)
    assert engine.readiness().ready
    made(engine, tasks_for([(32, 32)], Recipe(seed=3, strength=0.3)))


def test_a_hub_model_in_offline_mode_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    engine = DiffusionEngine(settings_for("nobody/no-such-model-here"))
    tasks = tasks_for([(32, 32)], Recipe(seed=3))
    with pytest.raises(EngineUnavailableError, match="nobody/no-such-model-here") as caught:
        list(engine.make(iter(tasks), JobView((), tasks[0].recipe, 10**8)))
    assert "HF_HUB_OFFLINE" in caught.value.reason
