"""Downloading a model from the hub over HTTP: what is downloaded, what is reported, and what fails."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from augmentai.engines.base import EngineUnavailableError, JobView, Made, Refused, Task
from augmentai.engines.diffusion import DiffusionEngine
from augmentai.engines.diffusion.download import _Progress
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from tests.support import tiny_pipeline
from tests.support.diffusion_engine import made, tasks_for
from tests.support.model_hub import NEWEST, TAGGED, TOKEN, ModelHub, model_hub, use_hub

UNET = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny pipeline with 32-bit and 16-bit weights, among files that are not needed."""
    folder = tmp_path_factory.mktemp("repository")
    pipe = tiny_pipeline.build(folder / "parts")
    pipe.save_pretrained(folder, safe_serialization=True)
    pipe.to(dtype=torch.float16).save_pretrained(folder, safe_serialization=True, variant="fp16")
    for extra in ("unet/diffusion_pytorch_model.bin", "sd-turbo.safetensors", "preview.jpg", "unet/openvino.xml"):
        (folder / extra).write_bytes(b"not needed")
    return folder


@pytest.fixture
def hub(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelHub]:
    with model_hub() as hub:
        hub.load_folder(folder)
        use_hub(hub, monkeypatch, tmp_path / "cache")
        yield hub


def test_licence_and_memory_are_said_before_the_first_byte(hub: ModelHub) -> None:
    hub.licence = "apache-2.0"
    reported: list[tuple[str, float]] = []
    one_image(engine_for(hub), reported)
    words = [words for words, _ in reported]
    said = next(number for number, one in enumerate(words) if "is under the licence" in one)
    assert f"apache-2.0 (https://huggingface.co/{hub.name}); needs about 3 GB of GPU memory" in words[said]
    assert not any(one.startswith("downloading") for one in words[:said])
    assert any(one.startswith("painting on the CPU: about") for one in words)


def engine_for(hub: ModelHub, **changes: Any) -> DiffusionEngine:
    """In float32, whatever the CPU computes in."""
    settings = {"diffusion_model": hub.name, "diffusion_device": "cpu", "diffusion_dtype": "float32"}
    settings |= {"diffusion_batch": 4, "hf_token": ""}
    return DiffusionEngine(Settings(**(settings | changes)))


def one_task() -> list[Task]:
    return tasks_for([(32, 32)], Recipe(seed=3, strength=0.3))


def one_image(engine: DiffusionEngine, reported: list[tuple[str, float]] | None = None) -> Made:
    [result] = made(engine, one_task(), reported).values()
    return result


def failure_reason(engine: DiffusionEngine) -> str:
    tasks = one_task()
    with pytest.raises(EngineUnavailableError) as caught:
        list(engine.make(iter(tasks), JobView((), tasks[0].recipe, 10**8)))
    assert list(caught.value.unfinished) == tasks
    return caught.value.reason


def test_only_needed_files_are_downloaded_with_progress(hub: ModelHub) -> None:
    reported: list[tuple[str, float]] = []
    result = one_image(engine_for(hub), reported)
    assert result.model == f"{hub.name}@{NEWEST[:12]}"
    weights = {path for path in hub.downloads if not path.endswith(".json")}
    assert weights == {UNET, "vae/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors"}
    assert hub.tokens == {None}, "no token was set"
    shares = [share for words, share in reported if words.startswith(f"downloading {hub.name}: ")]
    assert len(shares) > 3
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert reported[0] == (f"loading {hub.name}", 0.0)


def test_half_precision_downloads_16_bit_weights(hub: ModelHub) -> None:
    one_image(engine_for(hub, diffusion_dtype="bfloat16"))
    weights = {path for path in hub.downloads if not path.endswith(".json")}
    assert weights
    assert all(path.endswith(".fp16.safetensors") for path in weights)


def test_half_precision_falls_back_to_32_bit_weights(hub: ModelHub) -> None:
    hub.files = {path: data for path, data in hub.files.items() if ".fp16." not in path}
    one_image(engine_for(hub, diffusion_dtype="bfloat16"))
    assert UNET in hub.downloads


def test_the_revision_is_respected(hub: ModelHub) -> None:
    assert one_image(engine_for(hub, diffusion_revision="v1")).model == f"{hub.name}@{TAGGED[:12]}"
    assert not any(f"/resolve/{NEWEST}/" in line for line in hub.requests)


def test_nothing_is_downloaded_twice(hub: ModelHub) -> None:
    one_image(engine_for(hub))
    hub.requests.clear()
    reported: list[tuple[str, float]] = []
    one_image(engine_for(hub), reported)
    assert not hub.downloads
    assert not any("downloading" in words for words, _ in reported)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_cache_is_used_while_the_hub_is_unreachable(
    hub: ModelHub, monkeypatch: pytest.MonkeyPatch, dtype: str
) -> None:
    from huggingface_hub import constants

    one_image(engine_for(hub))
    hub.status = 503
    one_image(engine_for(hub, diffusion_dtype=dtype))
    hub.requests.clear()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    engine = engine_for(hub, diffusion_dtype=dtype)
    assert engine.readiness().ready
    one_image(engine)
    assert not hub.requests, "offline means that the hub is not contacted"


def test_a_gated_model_needs_a_token(hub: ModelHub) -> None:
    hub.gated = True
    reason = failure_reason(engine_for(hub))
    assert f"{hub.name} is gated" in reason
    assert "set HF_TOKEN" in reason
    one_image(engine_for(hub, hf_token=TOKEN))
    assert f"Bearer {TOKEN}" in hub.tokens
    one_image(engine_for(hub, hf_token="hf_expired"))  # it is in the cache by now


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"diffusion_revision": "v9"}, "has no revision v9; correct AUGMENTAI_DIFFUSION_REVISION"),
        ({"diffusion_model": "maker/other"}, "no model maker/other, or HF_TOKEN may not read it"),
    ],
)
def test_missing_models_and_revisions_are_named(hub: ModelHub, changes: dict[str, Any], words: str) -> None:
    assert words in failure_reason(engine_for(hub, **changes))


def test_pickled_weights_are_not_downloaded(hub: ModelHub) -> None:
    hub.files = {path: data for path, data in hub.files.items() if not path.endswith(".safetensors")}
    for path in (UNET, "vae/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors"):
        hub.files[path.replace(".safetensors", ".bin")] = b"a pickle"
    assert "has no safetensors weights" in failure_reason(engine_for(hub))
    assert not any(path.endswith(".bin") for path in hub.downloads)


def test_an_unreachable_hub_is_reported(hub: ModelHub) -> None:
    hub.status = 503
    assert "could not be downloaded from huggingface.co; check the network" in failure_reason(engine_for(hub))


def test_an_interrupted_download_resumes(hub: ModelHub) -> None:
    hub.interrupted_once = {UNET}
    one_image(engine_for(hub))
    assert hub.downloads.count(UNET) > 1


def test_a_stop_during_the_download_ends_the_job_and_not_the_next(hub: ModelHub) -> None:
    hub.stalled_file = UNET
    engine = engine_for(hub)
    stop, downloading = threading.Event(), threading.Event()
    results: list[Made | Refused] = []

    def on_progress(words: str, share: float) -> None:
        if words.startswith("downloading"):
            downloading.set()

    def work() -> None:
        tasks = one_task()
        results.extend(engine.make(iter(tasks), JobView((), tasks[0].recipe, 10**8, stop, on_progress=on_progress)))

    job = threading.Thread(target=work)
    job.start()
    assert downloading.wait(30)
    stop.set()
    job.join(30)
    assert not job.is_alive(), "the job waits for a stalled download"
    assert not results
    assert engine.readiness().ready
    hub.stalled_file = ""
    hub.resume.set()
    one_image(engine)


@pytest.mark.parametrize("xet", [False, True])
def test_a_stop_ends_the_download_itself(hub: ModelHub, xet: bool) -> None:
    from huggingface_hub import try_to_load_from_cache

    hub.xet, hub.stalled_file = xet, UNET
    engine = engine_for(hub)
    stop = threading.Event()

    def on_progress(words: str, share: float) -> None:
        if words.startswith("downloading"):
            stop.set()

    tasks = one_task()
    assert list(engine.make(iter(tasks), JobView((), tasks[0].recipe, 10**8, stop, on_progress=on_progress))) == []
    hub.resume.set()
    engine._gpu.submit(bool).result(timeout=30)  # the download thread is free again
    assert engine._model is None
    assert engine.readiness().ready
    assert try_to_load_from_cache(hub.name, UNET) is None, "the download was not stopped"
    one_image(engine)


def test_large_files_are_downloaded_without_xet(hub: ModelHub) -> None:
    """Even where Xet is offered, whose downloads cannot be stopped; the setting is restored afterwards."""
    from huggingface_hub import constants

    hub.xet = True
    before = constants.HF_HUB_DISABLE_XET
    one_image(engine_for(hub))
    assert before == constants.HF_HUB_DISABLE_XET
    assert UNET in hub.downloads
    assert not any("xet" in line for line in hub.requests)


def test_a_commit_cached_by_hash_serves_its_branch(hub: ModelHub) -> None:
    one_image(engine_for(hub, diffusion_revision=NEWEST))
    hub.requests.clear()
    assert one_image(engine_for(hub)).model == f"{hub.name}@{NEWEST[:12]}"
    assert not [path for path in hub.downloads if path.endswith(".safetensors")]


def test_an_incomplete_variant_does_not_hide_a_complete_one(hub: ModelHub, tmp_path: Path) -> None:
    one_image(engine_for(hub))
    half = UNET.replace(".safetensors", ".fp16.safetensors")
    [snapshot] = (tmp_path / "cache").glob("models--*/snapshots/*")
    (snapshot / half).write_bytes(hub.files[half])
    hub.status = 503
    one_image(engine_for(hub, diffusion_dtype="bfloat16"))


@pytest.mark.parametrize("lost", [UNET, "tokenizer/tokenizer.json", "text_encoder/config.json"])
@pytest.mark.parametrize("offline", [False, True])
def test_an_incomplete_download_is_not_used(
    hub: ModelHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: str, offline: bool
) -> None:
    from huggingface_hub import constants

    one_image(engine_for(hub))
    [snapshot] = (tmp_path / "cache").glob("models--*/snapshots/*")
    (snapshot / lost).unlink()
    hub.status = 503
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
    words = "HF_HUB_OFFLINE forbids it" if offline else "could not be downloaded from huggingface.co; check the network"
    assert words in failure_reason(engine_for(hub))


def test_forbidden_files_are_reported(hub: ModelHub) -> None:
    hub.forbidden = True
    assert "denies this HF_TOKEN access to maker/tiny-turbo" in failure_reason(engine_for(hub))


def test_received_and_written_bytes_are_counted_once() -> None:
    reported: list[tuple[str, float]] = []
    bars = _Progress("maker/tiny", 4_000_000, lambda *what: reported.append(what), lambda: False).bars()
    written, received, files = bars(unit="B"), bars(unit="B"), bars(unit="it")
    for bar in (written, received, files, written):
        bar.update(1_000_000)
    assert [share for _, share in reported] == [0.25, 0.25, 0.25, 0.5]
    assert reported[-1][0] == "downloading maker/tiny: 2 MB of 4 MB"


def test_a_repository_that_is_not_a_pipeline(hub: ModelHub) -> None:
    del hub.files["model_index.json"]
    assert "has no model_index.json: it is not a diffusers pipeline" in failure_reason(engine_for(hub))


def test_a_token_without_access(hub: ModelHub) -> None:
    hub.status = 403
    assert "denies this HF_TOKEN access to maker/tiny-turbo" in failure_reason(engine_for(hub))


def test_a_folder_of_links_to_16_bit_weights(folder: Path, tmp_path: Path) -> None:
    for component in ("unet", "vae", "text_encoder"):
        (tmp_path / "there" / component).mkdir(parents=True)
        for path in (folder / component).iterdir():
            if path.suffix == ".json" or ".fp16." in path.name:
                (tmp_path / "there" / component / path.name).symlink_to(path)
        (tmp_path / "model").mkdir(exist_ok=True)
        (tmp_path / "model" / component).symlink_to(tmp_path / "there" / component)
    for name in ("tokenizer", "scheduler", "model_index.json"):
        (tmp_path / "model" / name).symlink_to(folder / name)
    engine = DiffusionEngine(Settings(diffusion_model=str(tmp_path / "model"), diffusion_device="cpu"))
    one_image(engine)
