"""Overflow in float16: which images are painted again, with what, and what else goes wrong then."""

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
from augmentai.recipe import Recipe
from tests.support import tiny_pipeline
from tests.support.diffusion_engine import difference, made, settings_for, stand_in_for_spaces, tasks_for


@pytest.fixture(scope="module")
def loud(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As with some real models: the weights fit into float16, the VAE's activations do not."""
    folder = tmp_path_factory.mktemp("model") / "sd-turbo-loud"
    pipe = tiny_pipeline.build(folder / "parts")
    pipe.vae.decoder.conv_in.weight.data *= 5e4
    pipe.save_pretrained(folder, safe_serialization=True)
    return folder


def half(model: Path, **changes: Any) -> DiffusionEngine:
    return DiffusionEngine(settings_for(model, diffusion_dtype="float16", **changes))


def variations(count: int, sizes: int = 1) -> list[Task]:
    return tasks_for([(32, 32), (40, 30)][:sizes], Recipe(seed=3, strength=0.3, variations=count))


def test_a_vae_that_overflows_stays_in_float32(loud: Path) -> None:
    tasks = variations(2, sizes=2)
    expected = made(DiffusionEngine(settings_for(loud)), tasks)
    engine = half(loud)
    found = made(engine, tasks)
    assert max(difference(expected[key].image, found[key].image) for key in expected) <= 4
    assert {(one.details["dtype"], one.details["vae_dtype"]) for one in found.values()} == {("float16", "float32")}
    runs: list[int] = []
    engine._loaded().pipe.unet.register_forward_pre_hook(lambda *about: runs.append(1))
    made(engine, tasks)
    assert len(runs) == 2, "once for each size: the overflow is known by now"


def test_only_images_that_overflowed_are_painted_again(loud: Path) -> None:
    """And the details of the others say what they were painted with."""
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


def test_overflow_before_the_vae_does_not_change_it(loud: Path) -> None:
    engine = half(loud)
    model = engine._loaded()
    model.pipe.unet.conv_out.bias.data[:] = float("nan")
    tasks = variations(2)
    results = list(engine.make(iter(tasks), JobView((), tasks[0].recipe, 10**8)))
    assert [type(one) for one in results] == [Refused, Refused]
    assert model.pipe.vae.dtype == torch.float16


def test_overflow_while_encoding_changes_the_vae(loud: Path) -> None:
    engine = half(loud)
    vae = engine._loaded().pipe.vae
    vae.decoder.conv_in.weight.data /= 5e4
    vae.encoder.conv_in.weight.data *= 2e5
    assert len(made(engine, variations(2))) == 2
    assert vae.dtype == torch.float32


def test_a_stop_while_batches_overflow_ends_the_job(loud: Path) -> None:
    engine = half(loud, diffusion_batch=2)
    stop = threading.Event()
    progress: list[tuple[str, float]] = []
    tasks = variations(12)

    def task_stream() -> Iterator[Task]:
        for number, task in enumerate(tasks):
            if number == 5:  # two batches are in flight
                stop.set()
            yield task

    view = JobView((), tasks[0].recipe, 10**8, stop, on_progress=lambda *what: progress.append(what))
    results = list(engine.make(task_stream(), view))
    assert len(results) < len(tasks)
    assert all(isinstance(one, Made) for one in results), (
        "images that were not painted again are left open, not refused"
    )
    assert progress[-1] == ("", 1.0)


def test_a_stop_is_noticed_while_repainting_is_queued(loud: Path) -> None:
    """For example behind another job's batch that is being compiled."""
    engine = half(loud, diffusion_batch=2)
    engine._loaded()
    gate, stop = threading.Event(), threading.Event()
    tasks = variations(12)

    def task_stream() -> Iterator[Task]:
        for number, task in enumerate(tasks):
            if number == 3:  # one batch is submitted; repainting will queue behind this
                engine._gpu.submit(gate.wait, 60)
                threading.Timer(0.5, stop.set).start()
            yield task

    results: list[Made | Refused] = []
    view = JobView((), tasks[0].recipe, 10**8, stop)
    job = threading.Thread(target=lambda: results.extend(engine.make(task_stream(), view)))
    job.start()
    job.join(30)
    ended = not job.is_alive()
    gate.set()
    job.join(30)
    assert ended
    assert results == []


def test_a_failed_conversion_leaves_a_working_model(loud: Path) -> None:
    engine = half(loud)
    block = engine._loaded().pipe.vae.decoder.mid_block
    convert, crowded = block._apply, [True]

    def cramped(change: Any, *about: Any) -> Any:
        if crowded and change(torch.zeros(1, dtype=torch.float16)).dtype == torch.float32:
            crowded.pop()
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return convert(change, *about)

    block._apply = cramped
    tasks = variations(2)
    results = list(engine.make(iter(tasks), JobView((), tasks[0].recipe, 10**8)))
    assert [type(one) for one in results] == [Refused, Refused]
    assert {one.details["vae_dtype"] for one in made(engine, tasks).values()} == {"float32"}


def test_closing_the_generator_while_batches_overflow(loud: Path) -> None:
    engine = half(loud, diffusion_batch=2)
    tasks = variations(8)
    results = engine.make(iter(tasks), JobView((), tasks[0].recipe, 10**8))
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert len(made(engine, tasks)) == 8


def test_no_memory_for_a_float32_vae_makes_the_engine_unavailable(loud: Path) -> None:
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
    reported: list[tuple[str, float]] = []
    results = made(engine, variations(3, sizes=2), reported)
    assert {one.details["vae_dtype"] for one in results.values()} == {"float32"}
    compiled = [words for words, _ in reported if words.startswith("compiling")]
    assert 2 < len(compiled) <= 4, "compiling again is reported again"


def test_on_zerogpu_the_float32_vae_is_remembered_between_calls(loud: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a stand-in for `spaces` that restores the model after each call, as with its forked process."""

    def gpu(duration: Callable[..., int]) -> Callable[..., Any]:
        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            def call(key: str, requests: Any) -> Any:
                from augmentai.engines.diffusion import zerogpu

                shared = zerogpu._models[key]
                vae = {name: tensor.clone() for name, tensor in shared.pipe.vae.state_dict().items()}
                float32_vae = shared.float32_vae
                results = pickle.loads(pickle.dumps(function(key, requests)))
                shared.pipe.vae.half().load_state_dict(vae)
                shared.float32_vae = float32_vae
                return results

            return call

        return decorate

    stand_in_for_spaces(monkeypatch, gpu)
    engine = half(loud, zero_gpu=True, diffusion_batch=2)
    runs: list[int] = []
    engine._loaded().pipe.unet.register_forward_pre_hook(lambda *about: runs.append(1))
    results = made(engine, variations(6))
    assert {one.details["vae_dtype"] for one in results.values()} == {"float32"}
    assert len(runs) == 4, "twice for the first of three batches"
