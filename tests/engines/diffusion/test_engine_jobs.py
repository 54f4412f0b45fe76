"""Loading, stopping, whole jobs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image

from augmentai.engines.base import JobView, Made, Task
from augmentai.engines.diffusion import DiffusionEngine
from augmentai.engines.gan import GanEngine
from augmentai.pipeline.run import run_to_disk
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from tests.support import tiny_pipeline
from tests.support.diffusion_engine import difference, job_for, made, settings_for, tasks_for, with_small_memory


def test_loaded_once_for_all_jobs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from augmentai.engines.diffusion import load as loading

    loads = []
    real = loading._pipeline
    monkeypatch.setattr(loading, "_pipeline", lambda *about: loads.append(1) or real(*about))
    reported: list[tuple[str, float]] = []
    engine = DiffusionEngine(settings_for(folder))
    tasks = tasks_for([(32, 32)] * 6, Recipe(seed=3, strength=0.5))
    results: list[dict[tuple[str, int], Made]] = []
    threads = [threading.Thread(target=lambda: results.append(made(engine, tasks, reported))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loads == [1]
    assert all(difference(results[0][key].image, other[key].image) <= 1 for other in results for key in results[0])
    assert reported[0] == (f"loading {folder}", 0.0)
    assert ("denoising step 1 of 2", 0.5) in reported
    assert ("denoising step 2 of 2", 1.0) in reported


def test_a_stop_is_noticed_between_steps(tmp_path: Path) -> None:
    """Even in the middle of a batch of 200 steps."""
    model = tiny_pipeline.write(tmp_path / "plain", "DDIMScheduler")
    engine = DiffusionEngine(settings_for(model, diffusion_steps=200))
    tasks = tasks_for([(32, 32)] * 4, Recipe(seed=3, strength=1.0))
    stop = threading.Event()
    steps: list[float] = []

    def on_progress(words: str, share: float) -> None:
        if words:
            steps.append(share)
        if share > 0.02:
            stop.set()

    view = JobView((), tasks[0].recipe, 10**8, stop, on_progress=on_progress)
    started = time.monotonic()
    assert list(engine.make(iter(tasks), view)) == []
    assert max(steps) < 0.2
    assert time.monotonic() - started < 20
    assert engine.readiness().ready


def test_closing_the_generator_drops_pending_batches(tmp_path: Path) -> None:
    model = tiny_pipeline.write(tmp_path / "plain", "DDIMScheduler")
    steps: list[float] = []
    engine = DiffusionEngine(settings_for(model, diffusion_steps=30))
    tasks = tasks_for([(32, 32)] * 40, Recipe(seed=3, strength=1.0))
    taken: list[int] = []

    def tracked() -> Iterator[Task]:
        for task in tasks:
            taken.append(task.index)
            yield task

    view = JobView((), tasks[0].recipe, 10**8, on_progress=lambda words, share: steps.append(share))
    results = engine.make(tracked(), view)
    next(results)
    results.close()  # type: ignore[attr-defined]
    after = len(steps)
    assert len(taken) <= 16, "takes what it needs and no more"
    time.sleep(0.3)
    assert len(steps) == after, "no work goes on behind the caller's back"
    made(engine, tasks[:1])


def test_a_stopped_run_is_resumed(tmp_path: Path, engine: DiffusionEngine) -> None:
    """The rest runs in other batches, and comes out the same: in float32 to within one level of 255."""
    photos = [tmp_path / "photos"]
    for out in ("whole", "interrupted"):
        list(run_to_disk(job_for(tmp_path, [engine], engine="diffusion", variations=5), tmp_path / out, photos))
        if out == "whole":
            stopped_job = job_for(tmp_path, [engine], engine="diffusion", variations=5)
            for number, _ in enumerate(run_to_disk(stopped_job, tmp_path / "interrupted", photos)):
                if number == 6:
                    stopped_job.stop.set()
            early = {path.name: path.read_bytes() for path in (tmp_path / "interrupted").rglob("*.png")}
            assert 3 < len(early) < 18
    found = {path.name: path for path in (tmp_path / "interrupted").rglob("*.png")}
    expected = {path.name: path for path in (tmp_path / "whole").rglob("*.png")}
    assert found.keys() == expected.keys()
    assert len(found) == 18, "including the sources"
    for name, path in found.items():
        assert early.get(name, path.read_bytes()) == path.read_bytes(), "existing files are unchanged"
        with Image.open(path) as one, Image.open(expected[name]) as other:
            assert difference(one, other) <= 1


@pytest.mark.parametrize("name", ["diffusion", "auto"])
def test_through_the_job(tmp_path: Path, engine: DiffusionEngine, name: str) -> None:
    job = job_for(tmp_path, [engine, GanEngine(Settings())], engine=name, variations=3)
    outcomes = list(job.run())
    good = [outcome.variation for outcome in outcomes if outcome.variation is not None]
    assert len(good) == 9
    assert {variation.engine for variation in good} == {"diffusion"}
    assert {variation.file for variation in good} >= {"cats/0__v1.png", "cats/2__v3.png"}
    assert [outcome.source.path for outcome in outcomes if not outcome.ok] == ["cats/broken.png"]
    with Image.open(tmp_path / "photos" / "cats" / "2.png") as source:
        assert {variation.image.size for variation in good if "/2__" in variation.file} == {source.size}


def test_auto_falls_back_when_memory_is_too_small(tmp_path: Path, folder: Path) -> None:
    engine, _ = with_small_memory(folder, limit=0)
    job = job_for(tmp_path, [engine, GanEngine(Settings())], variations=2)
    outcomes = [outcome for outcome in job.run() if outcome.ok]
    assert len(outcomes) == 6
    assert {outcome.variation.engine for outcome in outcomes if outcome.variation} == {"gan"}
    assert all("too little memory" in outcome.fallbacks[0].reason for outcome in outcomes)


def test_auto_skips_diffusion_silently_without_cuda(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    job = job_for(tmp_path, [DiffusionEngine(Settings()), GanEngine(Settings())])
    outcomes = [outcome for outcome in job.run() if outcome.ok]
    assert len(outcomes) == 3
    assert not any(outcome.fallbacks for outcome in outcomes)
    assert job.report.skipped_engines["diffusion"].startswith("no CUDA GPU")
