"""Whether the diffusion engine is ready, and why not, found out without loading anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from augmentai.engines.diffusion import DiffusionEngine, availability
from augmentai.settings import Settings
from augmentai.system import extras
from tests.support.diffusion_engine import settings_for


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


def test_not_ready_without_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    readiness = DiffusionEngine(Settings()).readiness()
    assert not readiness.ready
    assert readiness.reason.startswith("no CUDA GPU")
    assert not readiness.configured
    asked = DiffusionEngine(Settings(diffusion_device="cuda")).readiness()
    assert not asked.ready
    assert asked.configured


def test_without_torch_the_driver_is_searched_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch")
    monkeypatch.setattr(availability, "_DEVICE_FILES", ())
    availability._driver_problem.cache_clear()
    assert availability.cuda_problem() == "no CUDA GPU on this machine (no NVIDIA device file found)"
    availability._driver_problem.cache_clear()


def test_missing_libraries_are_named(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setitem(extras.MODULES, "diffusion", ("diffusers", "no_such_library"))
    readiness = DiffusionEngine(settings_for(folder)).readiness()
    assert not readiness.ready
    assert "no_such_library not installed (extra augmentai[diffusion]); run pip install" in readiness.reason


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("/no/such/folder", "model /no/such/folder not found"),
        ("missing.safetensors", "model missing.safetensors not found"),
        ("{tmp}", "has no model_index.json"),
        ("{tmp}/weights.ckpt", "is not a .safetensors file"),
    ],
)
def test_unusable_models_are_explained(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "weights.ckpt").write_bytes(b"pickle")
    readiness = DiffusionEngine(settings_for(name.format(tmp=tmp_path))).readiness()
    assert not readiness.ready
    assert words in readiness.reason


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"diffusion_revision": "v1"}, "AUGMENTAI_DIFFUSION_REVISION applies to models of the hub"),
        ({"diffusion_config": "some/where"}, "AUGMENTAI_DIFFUSION_CONFIG applies to a single .safetensors file"),
    ],
)
def test_a_setting_without_effect_is_reported(folder: Path, changes: dict[str, str], words: str) -> None:
    readiness = DiffusionEngine(settings_for(folder, **changes)).readiness()
    assert not readiness.ready
    assert words in readiness.reason


def test_offline_mode_is_respected(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    readiness = DiffusionEngine(settings_for("nobody/no-such-model-here")).readiness()
    assert not readiness.ready
    assert "HF_HUB_OFFLINE" in readiness.reason


def test_the_default_model_is_pinned_and_another_is_not() -> None:
    assert len(availability.model_revision(Settings()) or "") == 40
    assert availability.model_revision(Settings(diffusion_revision="v2")) == "v2"
    assert availability.model_revision(Settings(diffusion_model="some/model")) is None


def test_ready_on_the_cpu_when_configured(engine: DiffusionEngine) -> None:
    assert engine.readiness().ready


def test_the_token_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", " hf_secret ")
    settings = Settings()
    assert settings.hf_token.get_secret_value() == "hf_secret"
    assert "hf_secret" not in repr(settings)
