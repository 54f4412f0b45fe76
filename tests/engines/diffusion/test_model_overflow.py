"""Numbers of 16 bits in the diffusion engine: which, where, and what becomes of a picture whose numbers leave them."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from augmentai.engines.base import EngineUnavailableError, JobView, Made, Refused, Task
from augmentai.engines.diffusion import DiffusionEngine
from augmentai.engines.diffusion.load import dtype_for
from augmentai.recipe import Recipe
from tests.support import tiny_pipeline
from tests.support.diffusion_engine import difference, made, settings_for, stand_in_for_spaces, tasks_for


@pytest.fixture(scope="module")
def loud(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As happens with real models: the weights lie in the range of float16, what the VAE makes of them does not."""
    folder = tmp_path_factory.mktemp("model") / "sd-turbo-loud"
    pipe = tiny_pipeline.build(folder / "parts")
    pipe.vae.decoder.conv_in.weight.data *= 5e4
    pipe.save_pretrained(folder, safe_serialization=True)
    return folder


def half(model: Path, **changes: Any) -> DiffusionEngine:
    return DiffusionEngine(settings_for(model, diffusion_dtype="float16", **changes))


def variations(count: int, sizes: int = 1) -> list[Task]:
    return tasks_for([(32, 32), (40, 30)][:sizes], Recipe(seed=3, strength=0.3, variations=count))


def test_a_vae_that_overflows_is_widened_for_good(loud: Path) -> None:
    tasks = variations(2, sizes=2)
    wanted = made(DiffusionEngine(settings_for(loud)), tasks)
    engine = half(loud)
    found = made(engine, tasks)
    assert max(difference(wanted[key].image, found[key].image) for key in wanted) <= 4
    assert {(one.details["dtype"], one.details["vae_dtype"]) for one in found.values()} == {("float16", "float32")}
    runs: list[int] = []
    engine._loaded().pipe.unet.register_forward_pre_hook(lambda *about: runs.append(1))
    made(engine, tasks)
    assert len(runs) == 2, "once for each size: it is known by now that it overflows"


def test_only_what_overflowed_is_made_again(loud: Path) -> None:
    """And what is told of the others is what they were made with."""
    engine = half(loud)
    vae = engine._loaded().pipe.vae
    vae.decoder.conv_in.weight.data /= 5e4
    decode = vae.decode

    def overflowing(latents: Any, **options: Any) -> Any:
        images = decode(latents, **options)[0]
        if vae.dtype == torch.float16:
            images[2] = float("inf")
        return (images,)

    vae.decode = overflowing
    results = made(engine, variations(4))
    assert [one.details.get("vae_dtype") for one in results.values()] == [None, None, "float32", None]
    assert [one.details["batch"] for one in results.values()] == [4, 4, 1, 4]


def test_numbers_lost_before_the_vae_are_not_its_fault(loud: Path) -> None:
    engine = half(loud)
    model = engine._loaded()
    model.pipe.unet.conv_out.bias.data[:] = float("nan")
    tasks = variations(2)
    results = list(engine.make(iter(tasks), JobView((), tasks[0].recipe, 10**8)))
    assert [type(one) for one in results] == [Refused, Refused]
    assert model.pipe.vae.dtype == torch.float16


def test_a_source_that_overflows_on_its_way_in_is_the_vaes_fault(loud: Path) -> None:
    engine = half(loud)
    vae = engine._loaded().pipe.vae
    vae.decoder.conv_in.weight.data /= 5e4
    vae.encoder.conv_in.weight.data *= 2e5
    assert len(made(engine, variations(2))) == 2
    assert vae.dtype == torch.float32


def test_a_stop_while_batches_overflow_ends_the_job(loud: Path) -> None:
    engine = half(loud, diffusion_batch=2)
    stop = threading.Event()
    told: list[tuple[str, float]] = []
    tasks = variations(12)

    def taken() -> Iterator[Task]:
        for number, task in enumerate(tasks):
            if number == 5:  # two batches are in flight
                stop.set()
            yield task

    view = JobView((), tasks[0].recipe, 10**8, stop, on_progress=lambda *what: told.append(what))
    results = list(engine.make(taken(), view))
    assert len(results) < len(tasks)
    assert all(isinstance(one, Made) for one in results), "what was not made again is left undone, not refused"
    assert told[-1] == ("", 1.0)


def test_a_stop_is_seen_while_it_waits_to_be_made_again(loud: Path) -> None:
    """Behind another job's batch, say, which is being compiled."""
    engine = half(loud, diffusion_batch=2)
    engine._loaded()
    gate, stop = threading.Event(), threading.Event()
    tasks = variations(12)

    def taken() -> Iterator[Task]:
        for number, task in enumerate(tasks):
            if number == 3:  # one batch is handed over; what is made again of it will queue behind this
                engine._gpu.submit(gate.wait, 60)
                threading.Timer(0.5, stop.set).start()
            yield task

    results: list[Made | Refused] = []
    view = JobView((), tasks[0].recipe, 10**8, stop)
    job = threading.Thread(target=lambda: results.extend(engine.make(taken(), view)))
    job.start()
    job.join(30)
    ended = not job.is_alive()
    gate.set()
    job.join(30)
    assert ended
    assert results == []


def test_a_widening_that_breaks_off_leaves_a_model_that_works(loud: Path) -> None:
    engine = half(loud)
    block = engine._loaded().pipe.vae.decoder.mid_block
    widen, crowded = block._apply, [True]

    def cramped(change: Any, *about: Any) -> Any:
        if crowded and change(torch.zeros(1, dtype=torch.float16)).dtype == torch.float32:
            crowded.pop()
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return widen(change, *about)

    block._apply = cramped
    tasks = variations(2)
    results = list(engine.make(iter(tasks), JobView((), tasks[0].recipe, 10**8)))
    assert [type(one) for one in results] == [Refused, Refused]
    assert {one.details["vae_dtype"] for one in made(engine, tasks).values()} == {"float32"}


def test_a_reader_who_leaves_while_batches_overflow(loud: Path) -> None:
    engine = half(loud, diffusion_batch=2)
    tasks = variations(8)
    results = engine.make(iter(tasks), JobView((), tasks[0].recipe, 10**8))
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert len(made(engine, tasks)) == 8


def test_no_room_for_a_wide_vae_is_the_engine_out(loud: Path) -> None:
    engine = half(loud, diffusion_batch=2)
    model = engine._loaded()
    decode = model.decode

    def crowded(*latents: Any) -> Any:
        if model.pipe.vae.dtype == torch.float32:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return decode(*latents)

    model.decode = crowded  # type: ignore[method-assign]
    tasks = variations(8)
    with pytest.raises(EngineUnavailableError, match="too little memory") as caught:
        list(engine.make(iter(tasks), JobView((), tasks[0].recipe, 10**8)))
    assert tasks[0] in caught.value.unfinished
    assert not engine.readiness().ready


def test_a_compiled_model_is_compiled_again(loud: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compile_it = torch.nn.Module.compile
    monkeypatch.setattr(
        torch.nn.Module, "compile", lambda network, mode, **options: compile_it(network, backend="eager", **options)
    )
    engine = half(loud, diffusion_compile=True, diffusion_batch=2)
    said: list[tuple[str, float]] = []
    results = made(engine, variations(3, sizes=2), said)
    assert {one.details["vae_dtype"] for one in results.values()} == {"float32"}
    compiled = [words for words, _ in said if words.startswith("compiling")]
    assert 2 < len(compiled) <= 4, "what is compiled again is told again"


def test_on_zero_gpu_it_is_remembered_from_call_to_call(loud: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a stand-in for `spaces` that gives each call a copy of the model, as its forked process has."""

    def gpu(duration: Callable[..., int]) -> Callable[..., Any]:
        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            def lent(key: str, shots: Any) -> Any:
                from augmentai.engines.diffusion import zerogpu as zero

                whole = zero._models[key]
                vae = {name: tensor.clone() for name, tensor in whole.pipe.vae.state_dict().items()}
                wide = whole.wide_vae
                painted = pickle.loads(pickle.dumps(function(key, shots)))
                whole.pipe.vae.half().load_state_dict(vae)
                whole.wide_vae = wide
                return painted

            return lent

        return decorate

    stand_in_for_spaces(monkeypatch, gpu)
    engine = half(loud, zero_gpu=True, diffusion_batch=2)
    runs: list[int] = []
    engine._loaded().pipe.unet.register_forward_pre_hook(lambda *about: runs.append(1))
    results = made(engine, variations(6))
    assert {one.details["vae_dtype"] for one in results.values()} == {"float32"}
    assert len(runs) == 4, "twice for the first of three batches"


@pytest.mark.parametrize(("kind", "vae"), [("build", "float16"), ("build_sdxl", "float32")])
def test_half_precision_where_the_vae_can_bear_it(tmp_path: Path, kind: str, vae: str) -> None:
    """diffusers' default says of every VAE that it cannot, but only SDXL's cannot."""
    pipe = getattr(tiny_pipeline, kind)(tmp_path / "parts")
    assert pipe.vae.config.force_upcast
    pipe.save_pretrained(tmp_path / "model", safe_serialization=True)
    model = half(tmp_path / "model")._loaded()
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
def test_numbers_of_16_bits_on_a_gpu(
    monkeypatch: pytest.MonkeyPatch, pipeline: str, bfloat16: bool, expected: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: bfloat16)
    assert str(dtype_for("auto", "cuda", pipeline)) == f"torch.{expected}"
    assert str(dtype_for("float32", "cuda", pipeline)) == "torch.float32"
    assert str(dtype_for("auto", "cpu", pipeline)) == "torch.float32"
