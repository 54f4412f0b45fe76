"""The diffusion engine's model from the hub, over HTTP: what is fetched, what is told, and what goes wrong."""

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
from augmentai.engines.diffusion.weight_files import chosen, variant_of
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from tests.support import tiny_pipeline
from tests.support.diffusion_engine import made, tasks_for
from tests.support.model_hub import NEWEST, TAGGED, TOKEN, ModelHub, model_hub

UNET = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny pipeline with weights of 32 and of 16 bits, among files that are not for us."""
    folder = tmp_path_factory.mktemp("repository")
    pipe = tiny_pipeline.build(folder / "parts")
    pipe.save_pretrained(folder, safe_serialization=True)
    pipe.to(dtype=torch.float16).save_pretrained(folder, safe_serialization=True, variant="fp16")
    for extra in ("unet/diffusion_pytorch_model.bin", "sd-turbo.safetensors", "picture.jpg", "unet/openvino.xml"):
        (folder / extra).write_bytes(b"not for us")
    return folder


@pytest.fixture
def hub(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelHub]:
    from huggingface_hub import constants, hf_api

    with model_hub() as hub:
        hub.hold_folder(folder)
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        template = f"{hub.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(hf_api.api, "endpoint", hub.url)
        yield hub


def engine_for(hub: ModelHub, **changes: Any) -> DiffusionEngine:
    settings = {"diffusion_model": hub.name, "diffusion_device": "cpu", "diffusion_batch": 4, "hf_token": ""}
    return DiffusionEngine(Settings(**(settings | changes)))


def one_task() -> list[Task]:
    return tasks_for([(32, 32)], Recipe(seed=3, strength=0.3))


def one_picture(engine: DiffusionEngine, said: list[tuple[str, float]] | None = None) -> Made:
    [result] = made(engine, one_task(), said).values()
    return result


def why_out(engine: DiffusionEngine) -> str:
    tasks = one_task()
    with pytest.raises(EngineUnavailableError) as caught:
        list(engine.make(iter(tasks), JobView((), tasks[0].recipe, 10**8)))
    assert list(caught.value.unfinished) == tasks
    return caught.value.reason


def test_only_what_is_loaded_is_fetched_and_progress_is_told(hub: ModelHub) -> None:
    said: list[tuple[str, float]] = []
    result = one_picture(engine_for(hub), said)
    assert result.model == f"{hub.name}@{NEWEST[:12]}"
    weights = {path for path in hub.downloads if not path.endswith(".json")}
    assert weights == {UNET, "vae/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors"}
    assert hub.tokens == {None}, "no token was set"
    shares = [share for words, share in said if words.startswith(f"downloading {hub.name}: ")]
    assert len(shares) > 3
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert said[0] == (f"loading {hub.name}", 0.0)


def test_half_precision_fetches_half_the_bytes(hub: ModelHub) -> None:
    one_picture(engine_for(hub, diffusion_dtype="bfloat16"))
    weights = {path for path in hub.downloads if not path.endswith(".json")}
    assert weights
    assert all(path.endswith(".fp16.safetensors") for path in weights)


def test_half_precision_takes_plain_weights_where_there_are_no_others(hub: ModelHub) -> None:
    hub.files = {path: data for path, data in hub.files.items() if ".fp16." not in path}
    one_picture(engine_for(hub, diffusion_dtype="bfloat16"))
    assert UNET in hub.downloads


def test_a_revision_is_pinned(hub: ModelHub) -> None:
    assert one_picture(engine_for(hub, diffusion_revision="v1")).model == f"{hub.name}@{TAGGED[:12]}"
    assert not any(f"/resolve/{NEWEST}/" in line for line in hub.asked)


def test_the_second_time_nothing_is_fetched(hub: ModelHub) -> None:
    one_picture(engine_for(hub))
    hub.asked.clear()
    said: list[tuple[str, float]] = []
    one_picture(engine_for(hub), said)
    assert not hub.downloads
    assert not any("downloading" in words for words, _ in said)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_what_was_fetched_is_used_while_the_hub_is_away(
    hub: ModelHub, monkeypatch: pytest.MonkeyPatch, dtype: str
) -> None:
    from huggingface_hub import constants

    one_picture(engine_for(hub))
    hub.status = 503
    one_picture(engine_for(hub, diffusion_dtype=dtype))
    hub.asked.clear()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    engine = engine_for(hub, diffusion_dtype=dtype)
    assert engine.readiness().ready
    one_picture(engine)
    assert not hub.asked, "offline means that the hub is not asked"


def test_a_gated_model_wants_a_token(hub: ModelHub) -> None:
    hub.gated = True
    reason = why_out(engine_for(hub))
    assert f"{hub.name} is gated" in reason
    assert "set HF_TOKEN" in reason
    one_picture(engine_for(hub, hf_token=TOKEN))
    assert f"Bearer {TOKEN}" in hub.tokens
    one_picture(engine_for(hub, hf_token="hf_expired"))  # what was given once lies in the cache


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"diffusion_revision": "v9"}, "has no revision v9; correct AUGMENTAI_DIFFUSION_REVISION"),
        ({"diffusion_model": "maker/other"}, "no model maker/other, or HF_TOKEN may not read it"),
    ],
)
def test_what_is_not_there_is_named(hub: ModelHub, changes: dict[str, Any], words: str) -> None:
    assert words in why_out(engine_for(hub, **changes))


def test_weights_that_can_hide_programs_are_not_even_fetched(hub: ModelHub) -> None:
    hub.files = {path: data for path, data in hub.files.items() if not path.endswith(".safetensors")}
    for path in (UNET, "vae/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors"):
        hub.files[path.replace(".safetensors", ".bin")] = b"a pickle"
    assert "has no safetensors weights" in why_out(engine_for(hub))
    assert not any(path.endswith(".bin") for path in hub.downloads)


def test_a_hub_that_is_down_is_told(hub: ModelHub) -> None:
    hub.status = 503
    assert "could not be fetched from huggingface.co; check the network" in why_out(engine_for(hub))


def test_a_connection_that_breaks_is_taken_up_again(hub: ModelHub) -> None:
    hub.cut = {UNET}
    one_picture(engine_for(hub))
    assert hub.downloads.count(UNET) > 1


def test_a_stop_during_the_download_ends_the_job_and_not_the_next(hub: ModelHub) -> None:
    hub.held = UNET
    engine = engine_for(hub)
    stop, heard = threading.Event(), threading.Event()
    results: list[Made | Refused] = []

    def tell(words: str, share: float) -> None:
        if words.startswith("downloading"):
            heard.set()

    def work() -> None:
        tasks = one_task()
        results.extend(engine.make(iter(tasks), JobView((), tasks[0].recipe, 10**8, stop, on_progress=tell)))

    job = threading.Thread(target=work)
    job.start()
    assert heard.wait(30)
    stop.set()
    job.join(30)
    assert not job.is_alive(), "the job waits for a download that stands still"
    assert not results
    assert engine.readiness().ready
    hub.held = ""
    hub.go_on.set()
    one_picture(engine)


@pytest.mark.parametrize("xet", [False, True])
def test_a_stop_ends_the_download_itself(hub: ModelHub, xet: bool) -> None:
    from huggingface_hub import try_to_load_from_cache

    hub.xet, hub.held = xet, UNET
    engine = engine_for(hub)
    stop = threading.Event()

    def tell(words: str, share: float) -> None:
        if words.startswith("downloading"):
            stop.set()

    tasks = one_task()
    assert list(engine.make(iter(tasks), JobView((), tasks[0].recipe, 10**8, stop, on_progress=tell))) == []
    hub.go_on.set()
    engine._gpu.submit(bool).result(timeout=30)  # the thread that downloads is free again
    assert engine._model is None
    assert engine.readiness().ready
    assert try_to_load_from_cache(hub.name, UNET) is None, "it came all the same"
    one_picture(engine)


def test_large_files_come_by_plain_http(hub: ModelHub) -> None:
    """Also where Xet is offered, whose downloads cannot be stopped; afterwards it is as it was for everything else."""
    from huggingface_hub import constants

    hub.xet = True
    before = constants.HF_HUB_DISABLE_XET
    one_picture(engine_for(hub))
    assert before == constants.HF_HUB_DISABLE_XET
    assert UNET in hub.downloads
    assert not any("xet" in line for line in hub.asked)


def test_a_commit_that_came_by_its_hash_is_known_by_its_branch(hub: ModelHub) -> None:
    one_picture(engine_for(hub, diffusion_revision=NEWEST))
    hub.asked.clear()
    assert one_picture(engine_for(hub)).model == f"{hub.name}@{NEWEST[:12]}"
    assert not [path for path in hub.downloads if path.endswith(".safetensors")]


def test_a_variant_that_came_in_part_does_not_stand_in_the_way(hub: ModelHub, tmp_path: Path) -> None:
    one_picture(engine_for(hub))
    half = UNET.replace(".safetensors", ".fp16.safetensors")
    [snapshot] = (tmp_path / "cache").glob("models--*/snapshots/*")
    (snapshot / half).write_bytes(hub.files[half])
    hub.status = 503
    one_picture(engine_for(hub, diffusion_dtype="bfloat16"))


@pytest.mark.parametrize("lost", [UNET, "tokenizer/tokenizer.json", "text_encoder/config.json"])
@pytest.mark.parametrize("offline", [False, True])
def test_what_came_in_part_is_not_taken_for_the_whole(
    hub: ModelHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: str, offline: bool
) -> None:
    from huggingface_hub import constants

    one_picture(engine_for(hub))
    [snapshot] = (tmp_path / "cache").glob("models--*/snapshots/*")
    (snapshot / lost).unlink()
    hub.status = 503
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
    words = "HF_HUB_OFFLINE forbids it" if offline else "could not be fetched from huggingface.co; check the network"
    assert words in why_out(engine_for(hub))


def test_files_that_are_refused_are_told_as_that(hub: ModelHub) -> None:
    hub.closed = True
    assert "will not give maker/tiny-turbo to this HF_TOKEN" in why_out(engine_for(hub))


def test_received_and_written_bytes_are_not_added_up() -> None:
    said: list[tuple[str, float]] = []
    bars = _Progress("maker/tiny", 4_000_000, lambda *what: said.append(what), lambda: False).bars()
    written, received, files = bars(unit="B"), bars(unit="B"), bars(unit="it")
    for bar in (written, received, files, written):
        bar.update(1_000_000)
    assert [share for _, share in said] == [0.25, 0.25, 0.25, 0.5]
    assert said[-1][0] == "downloading maker/tiny: 2 MB of 4 MB"


def test_a_repository_of_another_kind_is_named(hub: ModelHub) -> None:
    del hub.files["model_index.json"]
    assert "has no model_index.json: it is no pipeline of diffusers" in why_out(engine_for(hub))


def test_a_token_that_may_not_is_named(hub: ModelHub) -> None:
    hub.status = 403
    assert "will not give maker/tiny-turbo to this HF_TOKEN" in why_out(engine_for(hub))


@pytest.mark.parametrize(
    ("half", "expected"),
    [
        (
            True,
            ["unet/m.fp16-00001-of-00002.safetensors", "unet/m.fp16-00002-of-00002.safetensors"],
        ),
        (False, ["unet/m-00001-of-00002.safetensors", "unet/m-00002-of-00002.safetensors"]),
    ],
)
def test_weights_in_several_files(half: bool, expected: list[str]) -> None:
    parts = [f"unet/m{kind}-0000{part}-of-00002.safetensors" for kind in ("", ".fp16") for part in (1, 2)]
    others = ["unet/m.non_ema.safetensors", "unet/sub/x.json", "vae_1_0/config.json", "m.safetensors", "unet/m.bin"]
    indices = ["unet/m.safetensors.index.json", "unet/m.safetensors.index.fp16.json"]
    files = chosen([*parts, *others, *indices, "unet/config.json", "unet/m.bin.index.json"], {"unet"}, half)
    assert files == sorted([*expected, indices[half], "unet/config.json"])
    assert variant_of(files) == ("fp16" if half else None)


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
    one_picture(engine)
