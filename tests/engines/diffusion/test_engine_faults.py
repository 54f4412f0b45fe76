"""What goes wrong on the GPU or in the model, and what becomes of the job."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from augmentai.engines.base import EngineUnavailableError, JobView, Made, Refused
from augmentai.engines.diffusion import DiffusionEngine
from augmentai.engines.diffusion.load import explain, placement_for
from augmentai.engines.diffusion.paint_request import ModelError
from augmentai.recipe import Recipe
from tests.support import tiny_pipeline
from tests.support.diffusion_engine import difference, made, settings_for, tasks_for, with_small_memory


def test_out_of_memory_halves_the_batch_and_goes_on(folder: Path, engine: DiffusionEngine) -> None:
    tasks = tasks_for([(32, 32)] * 20, Recipe(seed=3, strength=0.3))
    small, pipe = with_small_memory(folder, limit=3)
    results = made(small, tasks)
    assert pipe.tried[:3] == [8, 4, 2]
    assert set(pipe.tried[3:]) == {2}, "what is too large is not tried again"
    whole = made(engine, tasks)
    assert max(difference(results[key].image, whole[key].image) for key in whole) <= 1
    assert small.readiness().ready


def test_out_of_memory_at_one_picture_is_the_engine_out(folder: Path) -> None:
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


def test_nothing_is_lost_when_it_fails_midway(folder: Path) -> None:
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


def test_a_broken_driver_is_the_engine_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, pipe = with_small_memory(folder, limit=8)

    def broken(*about: Any, **request: Any) -> None:
        raise RuntimeError("CUDA error: unspecified launch failure\nmore lines")

    monkeypatch.setattr(pipe.unet, "forward", broken)
    tasks = tasks_for([(32, 32)], Recipe(seed=3))
    with pytest.raises(EngineUnavailableError, match="unspecified launch failure") as caught:
        list(engine.make(iter(tasks), JobView((), Recipe(), 10**8)))
    assert "\n" not in caught.value.reason
    assert not engine.readiness().ready


def test_a_picture_without_numbers_is_refused_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """float16 overflows in some models: a black picture under a true label would poison the dataset."""
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


def test_what_the_safety_checker_holds_back_is_refused(folder: Path) -> None:
    engine, pipe = with_small_memory(folder, limit=8)
    pipe.safety_checker = object()
    pipe.run_safety_checker = lambda image, device, dtype: (image, [True, False])
    tasks = tasks_for([(32, 32)] * 2, Recipe(seed=3, strength=0.3))
    results = list(engine.make(iter(tasks), JobView((), tasks[0].recipe, 10**8)))
    assert [type(result) for result in results] == [Refused, Made]


def test_a_model_that_cannot_be_loaded_is_the_engine_out(tmp_path: Path) -> None:
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


def test_nothing_is_loaded_for_nothing(folder: Path) -> None:
    engine = DiffusionEngine(settings_for(folder))
    assert list(engine.make(iter([]), JobView((), Recipe(), 10**8))) == []
    assert engine._model is None


def test_a_failed_load_may_be_tried_again_later(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = DiffusionEngine(settings_for(folder))
    engine._failure = ("the network was away", time.monotonic())
    assert not engine.readiness().ready
    monkeypatch.setattr("augmentai.engines.diffusion.engine._FAILED_FOR_SECONDS", 0)
    assert engine.readiness().ready
    made(engine, tasks_for([(32, 32)], Recipe(seed=3, strength=0.3)))


def test_a_hub_model_without_a_network_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    engine = DiffusionEngine(settings_for("nobody/no-such-model-here"))
    tasks = tasks_for([(32, 32)], Recipe(seed=3))
    with pytest.raises(EngineUnavailableError, match="nobody/no-such-model-here") as caught:
        list(engine.make(iter(tasks), JobView((), tasks[0].recipe, 10**8)))
    assert "HF_HUB_OFFLINE" in caught.value.reason


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("GatedRepoError", "set HF_TOKEN"),
        ("RepositoryNotFoundError", "AUGMENTAI_DIFFUSION_MODEL"),
        ("RevisionNotFoundError", "AUGMENTAI_DIFFUSION_REVISION"),
        ("LocalEntryNotFoundError", "check the network"),
    ],
)
def test_what_the_hub_says_becomes_words_to_act_on(kind: str, words: str) -> None:
    from huggingface_hub import errors

    hub_error = getattr(errors, kind)
    inner = hub_error.__new__(hub_error)
    outer = OSError("cannot load")
    outer.__cause__ = inner
    assert words in explain(outer, settings_for("some/model"))


def test_models_of_unknown_kinds_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr("augmentai.engines.diffusion.load.family_of", lambda *about: None)
    with pytest.raises(ModelError, match="does not run"):
        DiffusionEngine(settings_for(folder))._loaded()


def test_memory_decides_where_the_networks_lie() -> None:
    gigabyte = 2**30
    assert placement_for([2 * gigabyte, gigabyte], 8 * gigabyte) == "whole"
    assert placement_for([4 * gigabyte, 3 * gigabyte], 8 * gigabyte) == "parts"
    assert placement_for([24 * gigabyte, gigabyte], 8 * gigabyte) == "layers"
