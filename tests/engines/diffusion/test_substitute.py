"""A default that the hub no longer has, and what takes its place; over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from augmentai.engines.base import EngineUnavailableError, JobView
from augmentai.engines.diffusion import DiffusionEngine, substitute
from augmentai.engines.diffusion.known_models import DEFAULT_MODEL, SUBSTITUTES
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from tests.support.diffusion_engine import made, tasks_for
from tests.support.model_hub import ModelHub, model_hub, use_hub


@pytest.fixture
def hub(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelHub]:
    """It has the last substitute alone."""
    with model_hub() as hub:
        hub.load_folder(folder)
        hub.name = SUBSTITUTES[-1]
        use_hub(hub, monkeypatch, tmp_path / "cache")
        yield hub


def engine_of(**changes: str) -> DiffusionEngine:
    return DiffusionEngine(Settings(**{"diffusion_device": "cpu", "hf_token": ""} | changes))


def reason_of(engine: DiffusionEngine) -> str:
    tasks = tasks_for([(32, 32)], Recipe(seed=3, strength=0.3))
    with pytest.raises(EngineUnavailableError) as caught:
        list(engine.make(iter(tasks), JobView((), tasks[0].recipe, 10**8)))
    return caught.value.reason


def test_the_next_one_that_is_there_takes_its_place(hub: ModelHub) -> None:
    reported: list[tuple[str, float]] = []
    (result,) = made(engine_of(), tasks_for([(32, 32)], Recipe(seed=3, strength=0.3)), reported).values()
    assert result.model.startswith(f"{SUBSTITUTES[-1]}@")
    assert result.details["in_place_of"] == DEFAULT_MODEL
    said = [words for words, _ in reported if "is used in its place" in words]
    assert len(said) == len(SUBSTITUTES)
    assert all(words.startswith(f"{DEFAULT_MODEL} can no longer be had (huggingface.co has no model") for words in said)
    assert "(CreativeML OpenRAIL-M)" in said[-1]


def test_one_that_does_not_fit_is_not_tried(hub: ModelHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(substitute, "free_bytes", lambda device: 4 * 10**9)
    reason = reason_of(engine_of())
    assert f"huggingface.co has no model {DEFAULT_MODEL}" in reason
    assert all(f"{name} needs" in reason for name in SUBSTITUTES)
    assert not any(name in request for name in SUBSTITUTES for request in hub.requests)


def test_nothing_takes_the_place_of_what_somebody_named(hub: ModelHub) -> None:
    assert "huggingface.co has no model maker/other" in reason_of(engine_of(diffusion_model="maker/other"))
    assert "has no model" in reason_of(engine_of(diffusion_revision="v9"))


def test_a_hub_that_fails_is_no_reason(hub: ModelHub) -> None:
    hub.status = 503
    assert "could not be downloaded from huggingface.co" in reason_of(engine_of())
    assert not any(name in request for name in SUBSTITUTES for request in hub.requests)
