"""Hugging Face ZeroGPU, with a stand-in for its library."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from augmentai.engines.base import EngineUnavailableError, JobView
from augmentai.engines.diffusion import DiffusionEngine
from augmentai.recipe import Recipe
from tests.support.diffusion_engine import SmallMemory, made, settings_for, stand_in_for_spaces, tasks_for


def test_one_decorated_function_runs_on_the_gpu(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a stand-in for `spaces` that pickles what goes in and comes out, as its forked process does."""
    calls: list[int] = []

    def gpu(duration: Callable[..., int]) -> Callable[..., Any]:
        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            def on_gpu(*arguments: Any) -> Any:
                calls.append(duration(*arguments))
                return pickle.loads(pickle.dumps(function(*pickle.loads(pickle.dumps(arguments)))))

            return on_gpu

        return decorate

    stand_in_for_spaces(monkeypatch, gpu)
    engine = DiffusionEngine(settings_for(folder, zero_gpu=True))
    assert "augmentai.engines.diffusion.zerogpu" in sys.modules
    assert engine.readiness().ready
    assert len(made(engine, tasks_for([(32, 32)] * 5, Recipe(seed=3, strength=0.3)))) == 5
    assert calls == [32, 23]
    model = engine._loaded()
    model.pipe = SmallMemory(model.pipe, 0)
    tasks = tasks_for([(32, 32)], Recipe(seed=3, strength=0.3))
    with pytest.raises(EngineUnavailableError, match="too little memory"):
        list(engine.make(iter(tasks), JobView((), tasks[0].recipe, 10**8)))
