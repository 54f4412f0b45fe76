"""The diffusion engine: tasks in, batches filled across sources, images of the source's exact size out."""

from __future__ import annotations

import contextvars
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from augmentai.engines.base import (
    Engine,
    EngineUnavailableError,
    JobView,
    Made,
    OnProgress,
    Readiness,
    Refused,
    Task,
    ignore_progress,
)
from augmentai.engines.diffusion.availability import model_problem, model_revision, on_zerogpu
from augmentai.engines.diffusion.devices import device_problem, find_device, why_no_openvino
from augmentai.engines.diffusion.earlier_model import other_model, other_numbers
from augmentai.engines.diffusion.known_models import cpu_seconds, is_editor
from augmentai.engines.diffusion.paint_request import ModelError, PaintRequest, PaintResult, StoppedError
from augmentai.engines.diffusion.run import NAME, BatchedRun, Wait, wait_unless_stopped
from augmentai.recipe import AUTO, Recipe
from augmentai.settings import Settings
from augmentai.system.cpu import usable_cores
from augmentai.system.extras import missing

if TYPE_CHECKING:
    from augmentai.engines.diffusion.model import Model
    from augmentai.engines.diffusion.pending_batch import PendingBatch

_RETRY_AFTER_SECONDS = 300  # after a failure: the network may be back by then, or memory free


class DiffusionEngine(Engine):
    """Diffusers image-to-image. Not ready unless there is a GPU, or the device setting is cpu.

    Results do not depend on the batch, up to rounding. The noise of a variation comes from its seed alone and is
    exactly the same. In float32 on a CPU pixels differ by at most one level of 255; in other dtypes a variation from a
    batch is at most twice as far from float32 as one painted alone, plus one level.
    """

    name = NAME
    title = "Diffusion"
    blurb = "this GPU"
    changes = "Repaints the scene as your prompt says, on your own graphics card."
    reads_prompt = True
    repaints = True
    repaints_in_part = True
    may_differ = "another GPU, CPU or driver may give other pixels"
    auto_rank = 20

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._settings = settings
        self._model: Model | None = None
        self._failure = ("", 0.0)  # reason, and when by time.monotonic
        # One thread for everything that touches the model: parallel jobs take turns, batch by batch.
        self._gpu = ThreadPoolExecutor(1, "diffusion")
        self._zerogpu = on_zerogpu(settings)
        if self._zerogpu:  # `spaces` must be imported, and its function decorated, before the page is launched
            from augmentai.engines.diffusion import zerogpu  # noqa: F401

    def readiness(self) -> Readiness:
        """Whether it can run now. Cheap: torch is not imported, and nothing is downloaded."""
        configured = self._settings.diffusion_device != "auto"
        if reason := missing("diffusion"):
            return Readiness(False, reason, configured=configured)
        if not self._zerogpu and (reason := device_problem(self._device())):
            return Readiness(False, reason, configured=configured)
        if self._model is None and (reason := model_problem(self._settings)):
            return Readiness(False, reason)
        reason, since = self._failure
        if reason and time.monotonic() - since < _RETRY_AFTER_SECONDS:
            return Readiness(False, reason)
        return Readiness(True)

    def model_version(self) -> str:
        model = self._settings.diffusion_model
        name = Path(model).name if Path(model).exists() else model
        revision = model_revision(self._settings)
        return f"{name} {revision}" if revision else name

    def unused_settings(self, recipe: Recipe) -> tuple[str, ...]:
        unused = super().unused_settings(recipe)
        if self._edits() and recipe.strength not in {AUTO, 0}:
            name = self._settings.diffusion_model
            unused += (f"{name} is an editor and has no strength, so yours has no effect; say in the prompt how much",)
        reason = why_no_openvino(self._settings, self._device())
        return (*unused, reason) if reason else unused

    def differs_from(self, model: str) -> str:
        return "" if missing("diffusion") else other_model(self._settings, model)

    def differs_in(self, details: Mapping[str, Any]) -> str:
        return other_numbers(self._settings, self._device(), details)

    def _edits(self) -> bool:
        """Whether the model edits by instructions, as far as that is known before it is loaded."""
        if self._model is not None:
            return self._model.family.edits
        return is_editor(self._settings.diffusion_model)

    def seconds_per_image(self, pixels: float) -> float:
        on_gpu = 0.8 + 0.2 * pixels / 1e6  # measured on one small GPU
        return on_gpu if self._device() != "cpu" else on_gpu + cpu_seconds(self._settings) / usable_cores()

    def make(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
        first = next(tasks, None)
        if first is None:
            return  # loading takes too long to do it for nothing
        run: BatchedRun | None = None
        try:
            run = BatchedRun(
                self._loaded(job.on_progress, job.stop.is_set),
                chain([first], tasks),
                job,
                partial(self._submit, job.on_progress),
            )
            if self._device() == "cpu":
                width, height = first.photo.size_wh
                job.on_progress(
                    f"painting on the CPU: about {self.seconds_per_image(width * height):.0f} s an image", 0.0
                )
            yield from run.results()
        except StoppedError:
            return
        except ModelError as error:
            self._failure = (str(error), time.monotonic())
            raise EngineUnavailableError(str(error), run.unfinished if run else [first]) from error
        finally:
            if run:
                run.close()
            job.on_progress("", 1.0)

    def _device(self) -> str:
        return find_device(self._settings.diffusion_device)

    def _loaded(self, on_progress: OnProgress = ignore_progress, stopped: Callable[[], bool] = lambda: False) -> Model:
        """The model, loaded once. Raises ModelError and StoppedError."""
        return wait_unless_stopped(self._gpu.submit(self._load, on_progress, stopped), stopped)

    def _load(self, on_progress: OnProgress, stopped: Callable[[], bool]) -> Model:
        from augmentai.engines.diffusion.substitute import load_or_substitute

        if self._model is None:
            if stopped():  # while another job's batch ran, or while it loaded
                raise StoppedError
            reason, since = self._failure
            if reason and time.monotonic() - since < _RETRY_AFTER_SECONDS:
                raise ModelError(reason)  # a second job waited while the first one failed
            self._model = load_or_substitute(self._settings, self._device(), on_progress, stopped)
            self._failure = ("", 0.0)
        return self._model

    def _submit(
        self,
        on_progress: OnProgress,
        requests: list[PaintRequest],
        stopped: Callable[[], bool],
        float32_vae: bool = False,
    ) -> Future[Wait]:
        # ZeroGPU finds the visitor whose quota it uses in the context of the call.
        context = contextvars.copy_context()
        return self._gpu.submit(context.run, self._start, on_progress, requests, stopped, float32_vae)

    def _start(
        self, on_progress: OnProgress, requests: list[PaintRequest], stopped: Callable[[], bool], float32_vae: bool
    ) -> Wait:
        """Submit a batch to the GPU. The returned function waits for its results, while the next batch is submitted.

        float32_vae: with a VAE in float32; if that is not possible, there are no results.
        """
        assert self._model is not None
        if stopped():
            raise StoppedError
        with self._as_model_errors():
            if self._zerogpu:
                on_progress("waiting for a GPU from ZeroGPU", 0.0)
                results = self._paint_on_zerogpu(self._model, requests)
                return lambda: results
            if float32_vae and not self._model.use_float32_vae():
                return list
            if self._model.needs_compiling(requests):
                height, width = requests[0].pixels.shape[:2]
                on_progress(f"compiling {self._model.name} for {width} x {height} px (once per size)", 0.0)
            pending = self._model.submit(requests, stopped, partial(_report_step, on_progress))
            return partial(self._wait, pending, on_progress, requests, stopped)

    def _wait(
        self,
        pending: PendingBatch,
        on_progress: OnProgress,
        requests: list[PaintRequest],
        stopped: Callable[[], bool],
    ) -> list[PaintResult]:
        """Wait for a batch; images that overflowed in the VAE are painted again with a float32 VAE."""
        with self._as_model_errors():  # errors on the GPU surface where it is waited for
            results = pending.wait()
        overflowed = [row for row, result in enumerate(results) if result.overflowed]
        if overflowed:
            if stopped():  # what would be painted again is not refused but left open
                raise StoppedError
            again = self._submit(on_progress, [requests[row] for row in overflowed], stopped, float32_vae=True)
            try:
                repainted = wait_unless_stopped(again, stopped)()
            except StoppedError:
                if not again.cancel():
                    wait([again])  # for the running step: no work continues behind the caller's back
                raise
            for row, result in zip(overflowed, repainted, strict=False):
                results[row] = result
        return results

    @contextmanager
    def _as_model_errors(self) -> Iterator[None]:
        """Turn any error into a ModelError: after a dead driver or a missing kernel no batch would fare better."""
        assert self._model is not None
        try:
            yield
        except (ModelError, StoppedError):
            raise
        except Exception as error:
            first_line = (str(error).strip().splitlines() or [""])[0]
            raise ModelError(f"{self._model.name} failed ({type(error).__name__}: {first_line[:200]})") from error

    def _paint_on_zerogpu(self, model: Model, requests: list[PaintRequest]) -> list[PaintResult]:
        from augmentai.engines.diffusion import zerogpu

        results = zerogpu.paint(zerogpu.register(model), requests)
        if isinstance(results, str):
            raise ModelError(results)
        if any(result.vae_dtype != str(model.pipe.vae.dtype).removeprefix("torch.") for result in results):
            model.float32_vae = True  # the process that found this out is gone
        return results


def _report_step(on_progress: OnProgress, done: int, total: int) -> None:
    on_progress(f"denoising step {done} of {total}", done / total)
