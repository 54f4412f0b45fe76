"""Images of an earlier run: whether the settings of now would make them again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from augmentai.engines.diffusion import DiffusionEngine, earlier_model
from augmentai.engines.diffusion.availability import model_revision
from augmentai.engines.diffusion.earlier_model import other_model, other_numbers
from augmentai.engines.diffusion.known_models import DEFAULT_MODEL, SUBSTITUTES
from augmentai.settings import Settings
from tests.support.diffusion_engine import settings_for

PINNED = model_revision(Settings()) or ""


@pytest.mark.parametrize(
    ("model", "says"),
    [
        pytest.param(f"{DEFAULT_MODEL}@{PINNED[:12]}", "", id="the same"),
        pytest.param("", "", id="not known"),
        pytest.param(
            f"{SUBSTITUTES[0]}@0123456789ab",
            f"{SUBSTITUTES[0]}, commit 0123456789ab; to make them again, set AUGMENTAI_DIFFUSION_MODEL to it",
            id="a substitute of the default",
        ),
        pytest.param("my-folder", "painted by my-folder; to make them again, set", id="a folder"),
        pytest.param(
            f"{DEFAULT_MODEL}@0123456789ab",
            f"commit 0123456789ab, and it is {PINNED[:12]} now; to make them again, set AUGMENTAI_DIFFUSION_REVISION",
            id="another commit",
        ),
    ],
)
def test_another_model_is_demanded(model: str, says: str) -> None:
    found = DiffusionEngine(Settings()).differs_from(model)
    assert says in found
    assert bool(found) == bool(says)


def test_a_folder_is_known_by_its_name(folder: Path) -> None:
    assert not other_model(settings_for(folder), "sd-turbo-tiny")
    assert "painted by another" in other_model(settings_for(folder), "another")


@pytest.mark.parametrize(
    ("changes", "details", "says"),
    [
        ({}, {"dtype": "bfloat16", "device": "cpu"}, ""),
        ({}, {"dtype": "float32", "device": "cpu"}, "now bfloat16; set AUGMENTAI_DIFFUSION_DTYPE=float32"),
        ({"diffusion_dtype": "float32"}, {"dtype": "float32", "device": "cpu"}, ""),
        ({"diffusion_device": "cuda"}, {"dtype": "float16", "device": "cuda"}, ""),
        ({}, {"steps": 0}, ""),
        (
            {},
            {"dtype": "bfloat16", "backend": "openvino 2026.1 in bfloat16"},
            "set AUGMENTAI_DIFFUSION_BACKEND=openvino",
        ),
        ({"diffusion_backend": "openvino"}, {"dtype": "bfloat16"}, "set AUGMENTAI_DIFFUSION_BACKEND=torch"),
        ({"diffusion_backend": "openvino"}, {"dtype": "bfloat16", "backend": "openvino 2026.1 in bfloat16"}, ""),
    ],
)
def test_other_numbers_are_said(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], details: dict[str, Any], says: str
) -> None:
    monkeypatch.setattr(earlier_model, "has_bfloat16", lambda: True)
    settings = Settings(**{"diffusion_device": "cpu", **changes})
    found = other_numbers(settings, settings.diffusion_device, details)
    assert says in found
    assert bool(found) == bool(says)
