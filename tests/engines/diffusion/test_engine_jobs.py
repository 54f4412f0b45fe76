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
    said: list[tuple[str, float]] = []
    engine = DiffusionEngine(settings_for(folder))
    tasks = tasks_for([(32, 32)] * 6, Recipe(seed=3, strength=0.5))
    results: list[dict[tuple[str, int], Made]] = []
    threads = [threading.Thread(target=lambda: results.append(made(engine, tasks, said))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loads == [1]
    assert all(difference(results[0][key].image, other[key].image) <= 1 for other in results for key in results[0])
    assert said[0] == (f"loading {folder}", 0.0)
    assert ("step 1 of 2 of this batch", 0.5) in said
    assert ("step 2 of 2 of this batch", 1.0) in said


def test_stop_works_between_steps(tmp_path: Path) -> None:
    """The job's stop is seen in the middle of a batch of 200 steps."""
    model = tiny_pipeline.write(tmp_path / "plain", "DDIMScheduler")
    engine = DiffusionEngine(settings_for(model, diffusion_steps=200))
    tasks = tasks_for([(32, 32)] * 4, Recipe(seed=3, strength=1.0))
    stop = threading.Event()
    steps: list[float] = []

    def tell(words: str, share: float) -> None:
        if words:
            steps.append(share)
        if share > 0.02:
            stop.set()

    view = JobView((), tasks[0].recipe, 10**8, stop, on_progress=tell)
    started = time.monotonic()
    assert list(engine.make(iter(tasks), view)) == []
    assert max(steps) < 0.2
    assert time.monotonic() - started < 20
    assert engine.readiness().ready


def test_closing_the_generator_drops_what_runs(tmp_path: Path) -> None:
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
    assert len(taken) <= 16, "pulls what it needs and no more"
    time.sleep(0.3)
    assert len(steps) == after, "nothing works behind the caller's back"
    made(engine, tasks[:1])


def test_a_stopped_run_is_gone_on_with(tmp_path: Path, engine: DiffusionEngine) -> None:
    """The rest falls into other batches, and comes out as if it had not: but for one level of 255."""
    photos = [tmp_path / "photos"]
    for out in ("whole", "broken-off"):
        list(run_to_disk(job_for(tmp_path, [engine], engine="diffusion", variations=5), tmp_path / out, photos))
        if out == "whole":
            begun = job_for(tmp_path, [engine], engine="diffusion", variations=5)
            for number, _ in enumerate(run_to_disk(begun, tmp_path / "broken-off", photos)):
                if number == 6:
                    begun.stop.set()
            early = {path.name: path.read_bytes() for path in (tmp_path / "broken-off").rglob("*.png")}
            assert 3 < len(early) < 18
    found = {path.name: path for path in (tmp_path / "broken-off").rglob("*.png")}
    wanted = {path.name: path for path in (tmp_path / "whole").rglob("*.png")}
    assert found.keys() == wanted.keys()
    assert len(found) == 18, "the sources are among them"
    for name, path in found.items():
        assert early.get(name, path.read_bytes()) == path.read_bytes(), "what was there is left as it was"
        with Image.open(path) as one, Image.open(wanted[name]) as other:
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


def test_auto_goes_on_with_the_next_engine_when_memory_is_short(tmp_path: Path, folder: Path) -> None:
    engine, _ = with_small_memory(folder, limit=0)
    job = job_for(tmp_path, [engine, GanEngine(Settings())], variations=2)
    outcomes = [outcome for outcome in job.run() if outcome.ok]
    assert len(outcomes) == 6
    assert {outcome.variation.engine for outcome in outcomes if outcome.variation} == {"gan"}
    assert all("too little memory" in outcome.fallbacks[0].reason for outcome in outcomes)


def test_auto_passes_over_diffusion_in_silence_without_cuda(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    job = job_for(tmp_path, [DiffusionEngine(Settings()), GanEngine(Settings())])
    outcomes = [outcome for outcome in job.run() if outcome.ok]
    assert len(outcomes) == 3
    assert not any(outcome.fallbacks for outcome in outcomes)
    assert job.report.skipped_engines["diffusion"].startswith("no CUDA GPU")
