"""Jobs of the engine of hosted providers, over small photos and an emulated provider."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from augmentai.dataset.readers.gather import gather
from augmentai.engines.base import Engine
from augmentai.engines.huggingface import HuggingFaceEngine, run
from augmentai.pipeline.job import Job, limits
from augmentai.recipe import Recipe
from augmentai.settings import EXAMPLES, Settings
from augmentai.types import Source
from tests.support.hosted_job import Ran, run_job
from tests.support.provider_emulator import MODEL, TOKEN, ProviderEmulator, provider

PRICE = 3.0
RECIPE = Recipe(seed=7, engine="huggingface", prompt="fog", filters=False)


@pytest.fixture(scope="module")
def served() -> Iterator[ProviderEmulator]:
    with provider() as emulator:
        yield emulator


@pytest.fixture
def emulator(served: ProviderEmulator, monkeypatch: pytest.MonkeyPatch) -> ProviderEmulator:
    from huggingface_hub import constants
    from huggingface_hub.hf_api import InferenceProviderMapping
    from huggingface_hub.inference._providers._common import HARDCODED_MODEL_INFERENCE_MAPPING

    served.reset()
    monkeypatch.setattr(constants, "INFERENCE_PROXY_TEMPLATE", f"{served.url}/{{provider}}")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    mapping = InferenceProviderMapping(
        provider="fal-ai", hf_model_id=MODEL, providerId=MODEL, status="live", task="image-to-image"
    )
    monkeypatch.setattr(run, "CANVAS", replace(run.CANVAS, pixels=120_000))  # which is sooner encoded
    monkeypatch.setitem(HARDCODED_MODEL_INFERENCE_MAPPING, "fal-ai", {MODEL: mapping})
    return served


def settings_with(**changes: Any) -> Settings:
    """Short waits."""
    asked = {
        "hf_token": TOKEN,
        "huggingface_provider": "fal-ai",
        "huggingface_model": MODEL,
        "huggingface_prices": {MODEL: PRICE},
        "huggingface_concurrency": 2,
        "huggingface_total_seconds": 20,
        "huggingface_wait_seconds": 0.2,
    }
    return Settings(**asked | changes)


def cat(size_wh: tuple[int, int] = (120, 80), turn: int = 0) -> bytes:
    buffer = io.BytesIO()
    Image.open(EXAMPLES / "chelsea.png").rotate(turn).resize(size_wh).save(buffer, "PNG")
    return buffer.getvalue()


def cats(count: int) -> list[Source]:
    return [Source.from_bytes(f"cats/{i}.png", cat(turn=20 * i), "cats") for i in range(count)]


def ran(settings: Settings, sources: list[Source], recipe: Recipe = RECIPE, engines: list[Engine] | None = None) -> Ran:
    return run_job(settings, sources, recipe, engines or [HuggingFaceEngine(settings)])


def photos_in(folder: Path, count: int) -> Path:
    (folder / "cats").mkdir(parents=True)
    for i in range(count):
        (folder / "cats" / f"{i}.png").write_bytes(cat(turn=20 * i))
    return folder


def job_over(photos: Path, settings: Settings, *more: Engine) -> Job:
    return Job(gather([photos], limits(settings)), RECIPE, settings, [HuggingFaceEngine(settings), *more])
