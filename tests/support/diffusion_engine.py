"""What the tests of the diffusion engine share."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from augmentai.dataset.readers.gather import gather
from augmentai.engines.base import JobView, Made, Task
from augmentai.engines.diffusion import DiffusionEngine
from augmentai.images import Photo
from augmentai.pipeline.job import Job, limits
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.types import Source, variation_seed


def settings_for(folder: Path | str, **changes: Any) -> Settings:
    return Settings(**{"diffusion_model": str(folder), "diffusion_device": "cpu", "diffusion_batch": 4} | changes)


def picture(seed: int, size_wh: tuple[int, int] = (40, 30)) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(size_wh, Image.Resampling.BICUBIC)


def tasks_for(sizes: list[tuple[int, int]], recipe: Recipe, alpha: bool = False) -> list[Task]:
    tasks: list[Task] = []
    for number, size_wh in enumerate(sizes):
        image = picture(number, size_wh)
        source = Source.from_bytes(f"cats/{number}.png", image.tobytes(), "cats")
        photo = Photo(image, "PNG", "RGB", Image.new("L", size_wh, 128) if alpha else None)
        tasks += [
            Task(source, photo, index, variation_seed(recipe.seed, source.sha256, index), recipe)
            for index in range(1, recipe.variations + 1)
        ]
    return tasks


def made(
    engine: DiffusionEngine, tasks: list[Task], said: list[tuple[str, float]] | None = None
) -> dict[tuple[str, int], Made]:
    """said: gets what the engine tells of itself."""
    view = JobView(
        (), tasks[0].recipe, 10**8, on_progress=lambda *what: said.append(what) if said is not None else None
    )
    results = list(engine.make(iter(tasks), view))
    assert all(isinstance(result, Made) for result in results), results
    assert len(results) == len(tasks)
    return {(result.task.source.path, result.task.index): result for result in results if isinstance(result, Made)}


def difference(a: Image.Image, b: Image.Image) -> int:
    return int(np.abs(np.asarray(a, np.int16) - np.asarray(b, np.int16)).max())


class SmallMemory:
    """A pipeline that runs out of memory above a number of pictures, as CUDA would: in the middle of the call."""

    def __init__(self, pipe: Any, limit: int) -> None:
        self._pipe, self.limit = pipe, limit
        self.tried: list[int] = []
        self.safety_checker: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pipe, name)

    def __call__(self, image: Any, **request: Any) -> Any:
        self.tried.append(len(image))
        if len(image) > self.limit:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return self._pipe(image=image, **request)


def with_small_memory(folder: Path, limit: int, batch: int = 8) -> tuple[DiffusionEngine, SmallMemory]:
    engine = DiffusionEngine(settings_for(folder, diffusion_batch=batch))
    model = engine._loaded()
    model.pipe = SmallMemory(model.pipe, limit)
    return engine, model.pipe


def job_for(tmp_path: Path, engines: list[Any], **recipe: Any) -> Job:
    for number, size_wh in enumerate([(40, 30), (64, 64), (33, 21)]):
        path = tmp_path / "photos" / "cats" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture(number, size_wh).save(path)
    (tmp_path / "photos" / "cats" / "broken.png").write_bytes(b"\x89PNG nothing")
    settings = settings_for("unused")
    return Job(
        gather([tmp_path / "photos"], limits(settings)), Recipe(seed=7, strength=0.3, **recipe), settings, engines
    )


def stand_in_for_spaces(monkeypatch: pytest.MonkeyPatch, gpu: Callable[..., Any]) -> None:
    """`spaces`, whose decorator is `gpu`, for an engine that is made afterwards in this test."""
    name = "augmentai.engines.diffusion.zerogpu"
    monkeypatch.setitem(sys.modules, "spaces", SimpleNamespace(GPU=gpu))
    # Decorated when it is imported: so it is imported anew, here and, when this is undone, wherever else.
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr("augmentai.engines.diffusion.zerogpu", None, raising=False)
    monkeypatch.delattr("augmentai.engines.diffusion.zerogpu")
