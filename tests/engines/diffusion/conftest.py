"""The tiny pipeline, and an engine that runs it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from augmentai.engines.diffusion import DiffusionEngine
from augmentai.pipeline.run_state import RunState
from tests.support import tiny_pipeline
from tests.support.diffusion_engine import settings_for

warnings.filterwarnings("ignore", category=FutureWarning, module="diffusers")


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Networks this small are slower on several threads, and much slower next to other programs."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def _painted_at_random(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network of random weights paints nothing of what its source shows, and is judged by other filters alone."""
    monkeypatch.setattr(RunState, "semantic", None)
    monkeypatch.setattr(RunState, "classes_of_images", None)
    monkeypatch.setattr(RunState, "classes_of_objects", None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny pipeline under a name that makes it an SD-Turbo."""
    return tiny_pipeline.write(tmp_path_factory.mktemp("model") / "sd-turbo-tiny")


@pytest.fixture(scope="module")
def engine(folder: Path) -> DiffusionEngine:
    """Loaded once for all tests that do not change the model."""
    return DiffusionEngine(settings_for(folder))
