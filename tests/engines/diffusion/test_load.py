"""Other families of models, and a single file."""

from __future__ import annotations

from pathlib import Path

import pytest

from augmentai.engines.base import EngineUnavailableError, JobView
from augmentai.engines.diffusion import DiffusionEngine
from augmentai.recipe import Recipe
from tests.support import tiny_pipeline
from tests.support.diffusion_engine import difference, made, settings_for, tasks_for


@pytest.mark.parametrize(
    ("kind", "family", "planned"),
    [("sdxl", "sdxl", (30, 3)), ("sd3", "sd3.5", (28, 3)), ("flux", "flux", (28, 3))],
)
def test_other_families(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, family: str, planned: tuple[int, int]
) -> None:
    """SDXL is saved and loaded like SD; the others, whose T5 tokenizer wants a vocabulary, are handed over built."""
    pipe = getattr(tiny_pipeline, f"build_{kind}")(tmp_path / "parts")
    if kind in {"sd3", "flux"}:
        monkeypatch.setattr("augmentai.engines.diffusion.load._pipeline", lambda *about: pipe)
        tmp_path.joinpath("model_index.json").write_text("{}")
    else:
        pipe.save_pretrained(tmp_path, safe_serialization=True)
    tasks = tasks_for([(40, 30), (32, 32)], Recipe(negative_prompt="text", seed=9, strength=0.1, variations=2))
    results = [made(DiffusionEngine(settings_for(tmp_path, diffusion_batch=batch)), tasks) for batch in (1, 4)]
    assert max(difference(results[0][key].image, results[1][key].image) for key in results[0]) <= 1
    one = results[0]["cats/0.png", 1]
    assert one.image.size == (40, 30)
    assert one.details["family"] == family
    assert (one.details["steps"], one.details["effective_steps"]) == planned
    assert one.details["negative_prompt"] == ("not read: guidance is off" if kind == "flux" else "text")


def test_a_single_safetensors_file(tmp_path: Path) -> None:
    """The same weights as a folder and as one file, as most models outside the hub come, give the same picture."""
    folder = tiny_pipeline.write(tmp_path / "folder")
    file = tiny_pipeline.write_single_file(tiny_pipeline.build(tmp_path / "again"), tmp_path / "tiny-turbo.safetensors")
    tasks = tasks_for([(40, 30)], Recipe(seed=9, strength=0.5))
    from_folder = made(DiffusionEngine(settings_for(folder)), tasks)
    engine = DiffusionEngine(settings_for(file, diffusion_config=str(folder)))
    assert engine.readiness().ready
    from_file = made(engine, tasks)
    key = ("cats/0.png", 1)
    assert from_file[key].model == "tiny-turbo.safetensors"
    assert from_file[key].details == from_folder[key].details
    assert difference(from_file[key].image, from_folder[key].image) <= 1


def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    file = tmp_path / "broken.safetensors"
    file.write_bytes(b"not at all")
    tasks = tasks_for([(32, 32)], Recipe(seed=3))
    with pytest.raises(EngineUnavailableError, match=r"broken\.safetensors could not be loaded"):
        list(DiffusionEngine(settings_for(file)).make(iter(tasks), JobView((), tasks[0].recipe, 10**8)))
