"""Whether the diffusion engine is there, and why not, told without loading anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from augmentai.engines.diffusion import DiffusionEngine
from augmentai.engines.diffusion import availability as presence
from augmentai.engines.diffusion.load import load
from augmentai.engines.diffusion.paint_request import ModelError
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.system import extras
from tests.support.diffusion_engine import made, settings_for, tasks_for


def test_importing_the_engine_imports_no_heavy_library() -> None:
    """Nor does asking whether it is ready on a machine without a GPU."""
    code = """
import sys
from augmentai.engines.diffusion import DiffusionEngine
from augmentai.settings import Settings
ready = DiffusionEngine(Settings()).readiness()
heavy = ("torch", "diffusers", "transformers", "accelerate", "spaces", "scipy")
print([name for name in heavy if name in sys.modules], ready.ready)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("[]"), done.stdout


def test_off_without_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    readiness = DiffusionEngine(Settings()).readiness()
    assert not readiness.ready
    assert readiness.reason.startswith("no CUDA GPU")
    assert not readiness.configured
    asked = DiffusionEngine(Settings(diffusion_device="cuda")).readiness()
    assert not asked.ready
    assert asked.configured


def test_without_torch_the_driver_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch")
    monkeypatch.setattr(presence, "_DEVICE_FILES", ())
    presence._no_driver_because.cache_clear()
    assert presence.no_cuda_because() == "no CUDA GPU on this machine (there is no NVIDIA device file)"
    presence._no_driver_because.cache_clear()


def test_libraries_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setitem(extras.MODULES, "diffusion", ("diffusers", "no_such_library"))
    readiness = DiffusionEngine(settings_for(folder)).readiness()
    assert not readiness.ready
    assert "no_such_library not installed (extra augmentai[diffusion]); run pip install" in readiness.reason


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("/no/such/folder", "is not there"),
        ("missing.safetensors", "is not there"),
        ("{tmp}", "holds no model_index.json"),
        ("{tmp}/weights.ckpt", "is no .safetensors file"),
    ],
)
def test_models_that_cannot_be_had(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "weights.ckpt").write_bytes(b"pickle")
    readiness = DiffusionEngine(settings_for(name.format(tmp=tmp_path))).readiness()
    assert not readiness.ready
    assert words in readiness.reason


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"diffusion_revision": "v1"}, "AUGMENTAI_DIFFUSION_REVISION is for models of the hub"),
        ({"diffusion_config": "some/where"}, "AUGMENTAI_DIFFUSION_CONFIG is for a single .safetensors file"),
    ],
)
def test_a_setting_without_effect_is_told(folder: Path, changes: dict[str, str], words: str) -> None:
    readiness = DiffusionEngine(settings_for(folder, **changes)).readiness()
    assert not readiness.ready
    assert words in readiness.reason


def test_a_gpu_that_is_not_there_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ModelError, match=r"no GPU cuda:2: torch finds 2.*AUGMENTAI_DIFFUSION_DEVICE"):
        load(settings_for(folder), "cuda:2")


def test_compiling_that_cannot_be_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("augmentai.engines.diffusion.load._place", lambda *about: "parts")
    engine = DiffusionEngine(settings_for(folder, diffusion_compile=True))
    [result] = made(engine, tasks_for([(32, 32)], Recipe(seed=3, strength=0.3))).values()
    assert result.details["compiled"] == "no: the weights do not fit on the GPU as a whole"


def test_offline_mode_is_respected(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    readiness = DiffusionEngine(settings_for("nobody/no-such-model-here")).readiness()
    assert not readiness.ready
    assert "HF_HUB_OFFLINE" in readiness.reason


def test_the_default_model_is_pinned_and_another_is_not() -> None:
    assert len(presence.revision_of(Settings()) or "") == 40
    assert presence.revision_of(Settings(diffusion_revision="v2")) == "v2"
    assert presence.revision_of(Settings(diffusion_model="some/model")) is None


def test_ready_with_a_model_on_the_cpu_when_asked(engine: DiffusionEngine) -> None:
    assert engine.readiness().ready


def test_the_token_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", " hf_secret ")
    settings = Settings()
    assert settings.hf_token.get_secret_value() == "hf_secret"
    assert "hf_secret" not in repr(settings)
