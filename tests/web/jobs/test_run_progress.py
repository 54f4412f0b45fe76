"""A slow job says what it is doing: on the page, through the API, on the command line."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
from gradio_client import Client, handle_file
from PIL import Image
from rich.console import Console

from augmentai.cli.console import ALL_DONE
from augmentai.cli.run import run_job as run_on_command_line
from augmentai.dataset.readers.gather import gather
from augmentai.engines.diffusion import DiffusionEngine
from augmentai.pipeline.job import Job, limits
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.web.jobs.run import JobRequest, read_uploads, run_job
from augmentai.web.views import progress
from tests.support import tiny_pipeline
from tests.support.app_server import serving

pytest.importorskip("torch")
pytest.importorskip("diffusers")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)  # networks this small are slower on several
    model = tiny_pipeline.write(tmp_path_factory.mktemp("model") / "plain", "DDIMScheduler")
    yield Settings(diffusion_model=str(model), diffusion_device="cpu", diffusion_batch=4, diffusion_steps=24)
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    """So small a model is loaded, and a step of it done, between two heartbeats."""
    monkeypatch.setattr("augmentai.web.jobs.heartbeat.HEARTBEAT_SECONDS", 0.02)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    Image.linear_gradient("L").resize((32, 32)).convert("RGB").save(tmp_path / "a.png")
    return tmp_path / "a.png"


RECIPE = Recipe(engine="diffusion", variations=4, strength=1.0, filters=False)


def test_on_the_page(settings: Settings, photo: Path, tmp_path: Path) -> None:
    job, engine = JobRequest(read_uploads([str(photo)], settings), RECIPE, keep_full=False), DiffusionEngine(settings)
    lines = []
    for snapshot in run_job(job, settings, [engine], tmp_path / "out", Event()):
        lines.append(re.sub("<[^>]*>", "", progress(snapshot)))
    said = "\n".join(lines)
    assert f"0 of 4 images · loading {settings.diffusion_model}" in said
    assert re.search(r"0 of 4 images · denoising step \d+ of 24", said), said
    assert snapshot.progress.message == "", "nothing is said of a batch when the engine has left"


def test_through_the_api(settings: Settings, photo: Path, tmp_path: Path) -> None:
    with serving(settings, tmp_path / "gradio") as url:
        job = Client(url, verbose=False).submit(
            files=[handle_file(photo)],
            engine="diffusion",
            variations=4,
            strength="1",
            filters=False,
            api_name="/augment",
        )
        said = set()
        while not job.done():
            said |= {unit.desc for unit in job.status().progress_data or []}
            time.sleep(0.05)  # the server is in this process
        assert job.result()[2]["variations"] == 4
    assert any(str(words).startswith(("loading", "denoising step")) for words in said), said


def test_on_the_command_line(settings: Settings, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr("augmentai.cli.console.console", Console(file=shown, force_terminal=True, width=200))
    job = Job(gather([photo], limits(settings)), RECIPE, settings, [DiffusionEngine(settings)])
    assert run_on_command_line(job, tmp_path / "out", [photo]) == ALL_DONE
    assert f"loading {settings.diffusion_model}" in shown.getvalue() or "denoising step" in shown.getvalue()
