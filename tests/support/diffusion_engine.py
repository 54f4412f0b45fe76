"""Helpers for the tests of the diffusion engine."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
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
    """In float32, whatever the CPU computes in."""
    how = {"diffusion_device": "cpu", "diffusion_dtype": "float32", "diffusion_batch": 4}
    return Settings(**{"diffusion_model": str(folder), **how} | changes)


def noise_image(seed: int, size_wh: tuple[int, int] = (40, 30)) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(size_wh, Image.Resampling.BICUBIC)


def tasks_for(sizes: list[tuple[int, int]], recipe: Recipe, alpha: bool = False) -> list[Task]:
    tasks: list[Task] = []
    for number, size_wh in enumerate(sizes):
        image = noise_image(number, size_wh)
        source = Source.from_bytes(f"cats/{number}.png", image.tobytes(), "cats")
        photo = Photo(image, "PNG", "RGB", Image.new("L", size_wh, 128) if alpha else None)
        tasks += [
            Task(source, photo, index, variation_seed(recipe.seed, source.sha256, index), recipe)
            for index in range(1, recipe.variations + 1)
        ]
    return tasks


def made(
    engine: DiffusionEngine, tasks: list[Task], reported: list[tuple[str, float]] | None = None
) -> dict[tuple[str, int], Made]:
    """Run the engine and return its results by source and index; `reported` receives its progress."""
    view = JobView(
        (), tasks[0].recipe, 10**8, on_progress=lambda *what: reported.append(what) if reported is not None else None
    )
    results = list(engine.make(iter(tasks), view))
    assert all(isinstance(result, Made) for result in results), results
    assert len(results) == len(tasks)
    return {(result.task.source.path, result.task.index): result for result in results if isinstance(result, Made)}


def difference(a: Image.Image, b: Image.Image) -> int:
    return int(np.abs(np.asarray(a, np.int16) - np.asarray(b, np.int16)).max())


def mean_difference(a: Image.Image, b: Image.Image) -> float:
    return float(np.abs(np.asarray(a, np.float32) - np.asarray(b, np.float32)).mean())


Results = Mapping[tuple[str, int], Made]


def assert_same_within_rounding(reference: Results, alone: Results, batched: Results) -> None:
    """The contract of results in different batches, on any machine and in any dtype.

    Matrix products of other sizes add up in another order, so pixels may differ by rounding, but by no more than that:
    a result from a batch is at most twice as far from float32 as the result painted alone, plus one level of 255, and
    the difference between the two is far below that of two seeds.

    Args:
        reference: Painted one at a time in float32 on the CPU.
        alone: Painted one at a time in the dtype under test.
        batched: Painted in batches in the dtype under test.
    """
    error_alone = max(difference(alone[key].image, reference[key].image) for key in reference)
    error_batched = max(difference(batched[key].image, reference[key].image) for key in reference)
    assert error_batched <= 2 * error_alone + 1, (error_batched, error_alone)
    by_batch = max(mean_difference(batched[key].image, alone[key].image) for key in reference)
    by_seed = min(
        mean_difference(alone[path, index].image, alone[path, index + 1].image)
        for path, index in reference
        if (path, index + 1) in reference
    )
    assert by_batch < by_seed / 20, (by_batch, by_seed)


class SmallMemory:
    """A pipeline that runs out of memory above a batch size, as CUDA would: in the middle of the call."""

    def __init__(self, pipe: Any, limit: int) -> None:
        self._pipe, self.limit = pipe, limit
        self.attempted: list[int] = []
        self.safety_checker: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pipe, name)

    def __call__(self, image: Any, **request: Any) -> Any:
        self.attempted.append(len(image))
        if len(image) > self.limit:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return self._pipe(image=image, **request)


class NoiseRecorder:
    """A pipeline that records, by seed, the noise that is added to the latents and the generator's state afterwards."""

    def __init__(self, pipe: Any) -> None:
        self._pipe = pipe
        self.noise: dict[int, torch.Tensor] = {}
        self.states: dict[int, torch.Tensor] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pipe, name)

    def __call__(self, generator: list[torch.Generator], **request: Any) -> Any:
        scheduler = self._pipe.scheduler
        add_noise = scheduler.add_noise

        def recording(latents: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
            for one, row in zip(generator, noise, strict=True):
                self.noise[one.initial_seed()] = row.cpu().clone()
            return add_noise(latents, noise, timesteps)

        scheduler.add_noise = recording
        try:
            return self._pipe(generator=generator, **request)
        finally:
            del scheduler.add_noise
            self.states |= {one.initial_seed(): one.get_state() for one in generator}


def with_small_memory(folder: Path, limit: int, batch: int = 8) -> tuple[DiffusionEngine, SmallMemory]:
    engine = DiffusionEngine(settings_for(folder, diffusion_batch=batch))
    model = engine._loaded()
    model.pipe = SmallMemory(model.pipe, limit)
    return engine, model.pipe


def job_for(tmp_path: Path, engines: list[Any], **recipe: Any) -> Job:
    for number, size_wh in enumerate([(40, 30), (64, 64), (33, 21)]):
        path = tmp_path / "photos" / "cats" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        noise_image(number, size_wh).save(path)
    (tmp_path / "photos" / "cats" / "broken.png").write_bytes(b"\x89PNG nothing")
    settings = settings_for("unused")
    return Job(
        gather([tmp_path / "photos"], limits(settings)), Recipe(seed=7, strength=0.3, **recipe), settings, engines
    )


def stand_in_for_spaces(monkeypatch: pytest.MonkeyPatch, gpu: Callable[..., Any]) -> None:
    """Install a stand-in for `spaces` with `gpu` as its decorator, for an engine that is created later in this test."""
    name = "augmentai.engines.diffusion.zerogpu"
    monkeypatch.setitem(sys.modules, "spaces", SimpleNamespace(GPU=gpu))
    # The function is decorated at import, so the module is imported again, here and after this is undone.
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr("augmentai.engines.diffusion.zerogpu", None, raising=False)
    monkeypatch.delattr("augmentai.engines.diffusion.zerogpu")
