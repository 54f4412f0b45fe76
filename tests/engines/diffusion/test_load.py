"""Loading: other families of models, a single file, devices, dtypes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from augmentai.engines.base import EngineUnavailableError, JobView
from augmentai.engines.diffusion import DiffusionEngine
from augmentai.engines.diffusion.load import dtype_for, load
from augmentai.engines.diffusion.paint_request import ModelError
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
    """SDXL is saved and loaded like SD; the others, whose T5 tokenizer needs a vocabulary, are passed ready-made."""
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
    assert one.details["negative_prompt"] == ("ignored: guidance is off" if kind == "flux" else "text")


def test_a_single_safetensors_file(tmp_path: Path) -> None:
    """The same weights as a folder and as one file, the form of most models outside the hub, give the same image."""
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


def test_a_file_that_is_not_a_model(tmp_path: Path) -> None:
    file = tmp_path / "broken.safetensors"
    file.write_bytes(b"not at all")
    tasks = tasks_for([(32, 32)], Recipe(seed=3))
    with pytest.raises(EngineUnavailableError, match=r"broken\.safetensors could not be loaded"):
        list(DiffusionEngine(settings_for(file)).make(iter(tasks), JobView((), tasks[0].recipe, 10**8)))


def test_a_missing_gpu_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ModelError, match=r"no GPU cuda:2: torch finds 2.*AUGMENTAI_DIFFUSION_DEVICE"):
        load(settings_for(folder), "cuda:2")


def test_the_reason_for_not_compiling_is_recorded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("augmentai.engines.diffusion.load.place_weights", lambda *about: "parts")
    engine = DiffusionEngine(settings_for(folder, diffusion_compile=True))
    [result] = made(engine, tasks_for([(32, 32)], Recipe(seed=3, strength=0.3))).values()
    assert result.details["compiled"] == "no: the weights do not fit on the GPU"


def test_unsupported_pipelines_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr("augmentai.engines.diffusion.load.find_family", lambda *about: None)
    with pytest.raises(ModelError, match="does not support"):
        DiffusionEngine(settings_for(folder))._loaded()


@pytest.mark.parametrize(("kind", "vae"), [("build", "float16"), ("build_sdxl", "float32")])
def test_float16_vae_only_where_it_does_not_overflow(tmp_path: Path, kind: str, vae: str) -> None:
    """By diffusers' default every VAE overflows in float16, but only SDXL's really does."""
    pipe = getattr(tiny_pipeline, kind)(tmp_path / "parts")
    assert pipe.vae.config.force_upcast
    pipe.save_pretrained(tmp_path / "model", safe_serialization=True)
    model = DiffusionEngine(settings_for(tmp_path / "model", diffusion_dtype="float16"))._loaded()
    assert str(model.pipe.vae.dtype) == f"torch.{vae}"
    assert model.dtype == torch.float16


@pytest.mark.parametrize(
    ("pipeline", "bfloat16", "expected"),
    [
        ("StableDiffusionPipeline", True, "float16"),
        ("StableDiffusionImg2ImgPipeline", False, "float16"),
        ("StableDiffusionXLPipeline", True, "bfloat16"),
        ("StableDiffusion3Pipeline", True, "bfloat16"),
        ("FluxPipeline", True, "bfloat16"),
        ("FluxPipeline", False, "float16"),
        ("", True, "bfloat16"),
    ],
)
def test_dtype_on_a_gpu(monkeypatch: pytest.MonkeyPatch, pipeline: str, bfloat16: bool, expected: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: bfloat16)
    assert str(dtype_for("auto", "cuda", pipeline)) == f"torch.{expected}"
    assert str(dtype_for("float32", "cuda", pipeline)) == "torch.float32"
    monkeypatch.setattr("augmentai.engines.diffusion.load.has_bfloat16", lambda: False)
    assert str(dtype_for("auto", "cpu", pipeline)) == "torch.float32"


def test_a_cpu_that_computes_in_bfloat16_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("augmentai.engines.diffusion.load.has_bfloat16", lambda: True)
    assert str(dtype_for("auto", "cpu", "StableDiffusionPipeline")) == "torch.bfloat16"
    assert str(dtype_for("float32", "cpu", "StableDiffusionPipeline")) == "torch.float32"
