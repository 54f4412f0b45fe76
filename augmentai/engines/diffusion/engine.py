"""The diffusion engine: tasks in, batches filled across sources, pictures of the source's exact size out."""

from __future__ import annotations

import contextvars
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

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
from augmentai.engines.diffusion.availability import gpu_is_lent, no_cuda_because, no_model_because, revision_of
from augmentai.engines.diffusion.paint_request import ModelError, Painted, Shot, StoppedError
from augmentai.engines.diffusion.run import NAME, Finish, Run, waited_for
from augmentai.settings import Settings
from augmentai.system.extras import missing

if TYPE_CHECKING:
    from augmentai.engines.diffusion.model import Model
    from augmentai.engines.diffusion.pending_batch import Begun

_FAILED_FOR_SECONDS = 300  # after this a new job may try again: the network is back, memory is free


class DiffusionEngine(Engine):
    """Diffusers image-to-image. Off unless there is a CUDA GPU, or the device setting says cpu."""

    name = NAME
    title = "Diffusion"
    blurb = "this GPU"
    reads_prompt = True
    repaints = True
    may_differ = "another GPU or driver may give other pixels"
    auto_rank = 20

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._settings = settings
        self._model: Model | None = None
        self._failure = ("", 0.0)  # why, and when by time.monotonic
        # One thread for all that touches the model: jobs side by side take turns, batch by batch.
        self._gpu = ThreadPoolExecutor(1, "diffusion")
        self._lent = gpu_is_lent(settings)
        if self._lent:  # `spaces` must be imported, and its function known, before the page is launched
            from augmentai.engines.diffusion import zerogpu as zero  # noqa: F401

    def readiness(self) -> Readiness:
        """Cheap: torch is not imported for it, and nothing is fetched."""
        asked = self._settings.diffusion_device != "auto"
        if reason := missing("diffusion"):
            return Readiness(False, reason, configured=asked)
        if self._device() != "cpu" and not self._lent and (reason := no_cuda_because()):
            return Readiness(False, reason, configured=asked)
        if self._model is None and (reason := no_model_because(self._settings)):
            return Readiness(False, reason)
        reason, since = self._failure
        if reason and time.monotonic() - since < _FAILED_FOR_SECONDS:
            return Readiness(False, reason)
        return Readiness(True)

    def model_version(self) -> str:
        model = self._settings.diffusion_model
        name = Path(model).name if Path(model).exists() else model
        revision = revision_of(self._settings)
        return f"{name} {revision}" if revision else name

    def seconds_per_image(self, pixels: float) -> float:
        return 0.8 + 0.2 * pixels / 1e6  # measured on one small GPU

    def make(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
        first = next(tasks, None)
        if first is None:
            return  # loading takes too long to do it for nothing
        run: Run | None = None
        try:
            run = Run(
                self._loaded(job.on_progress, job.stop.is_set),
                chain([first], tasks),
                job,
                partial(self._submit, job.on_progress),
            )
            yield from run.results()
        except StoppedError:
            return
        except ModelError as out:
            self._failure = (str(out), time.monotonic())
            raise EngineUnavailableError(str(out), run.unfinished if run else [first]) from out
        finally:
            if run:
                run.close()
            job.on_progress("", 1.0)

    def _device(self) -> str:
        return "cuda" if self._settings.diffusion_device == "auto" else self._settings.diffusion_device

    def _loaded(self, tell: OnProgress = ignore_progress, stopped: Callable[[], bool] = lambda: False) -> Model:
        """The model, loaded once. Raises ModelError and StoppedError."""
        return waited_for(self._gpu.submit(self._load, tell, stopped), stopped)

    def _load(self, tell: OnProgress, stopped: Callable[[], bool]) -> Model:
        from augmentai.engines.diffusion.load import load

        if self._model is None:
            if stopped():  # while another job's batch ran, or its load
                raise StoppedError
            why, since = self._failure
            if why and time.monotonic() - since < _FAILED_FOR_SECONDS:
                raise ModelError(why)  # a second job waited while the first one failed
            self._model = load(self._settings, self._device(), tell, stopped)
            self._failure = ("", 0.0)
        return self._model

    def _submit(
        self, tell: OnProgress, shots: list[Shot], stopped: Callable[[], bool], wide: bool = False
    ) -> Future[Finish]:
        # ZeroGPU finds the visitor, whose quota it is, in the context of the call.
        return self._gpu.submit(contextvars.copy_context().run, self._begin, tell, shots, stopped, wide)

    def _begin(self, tell: OnProgress, shots: list[Shot], stopped: Callable[[], bool], wide: bool) -> Finish:
        """Hand a batch to the GPU. What comes back waits for its results, while the next batch is handed over.

        wide: with a VAE of 32 bits; where that cannot be, nothing comes of it.
        """
        assert self._model is not None
        if stopped():
            raise StoppedError
        with self._faults_in_words():
            if self._lent:
                tell("waiting for the GPU that the Space lends", 0.0)
                painted = self._paint_on_lent_gpu(self._model, shots)
                return lambda: painted
            if wide and not self._model.widen():
                return list
            if self._model.compiles(shots):
                height, width = shots[0].pixels.shape[:2]
                tell(f"compiling {self._model.name} for {width} x {height} px, once", 0.0)
            begun = self._model.begin(shots, stopped, partial(_step_done, tell))
            return partial(self._finish, begun, tell, shots, stopped)

    def _finish(self, begun: Begun, tell: OnProgress, shots: list[Shot], stopped: Callable[[], bool]) -> list[Painted]:
        with self._faults_in_words():  # what goes wrong on the GPU shows where it is waited for
            painted = begun.finish()
        lost = [row for row, one in enumerate(painted) if one.overflowed]
        if lost:
            if stopped():  # what would be made again is not refused: it is left undone
                raise StoppedError
            again = self._submit(tell, [shots[row] for row in lost], stopped, wide=True)
            try:
                made = waited_for(again, stopped)()
            except StoppedError:
                if not again.cancel():
                    wait([again])  # the step that runs: nothing works behind the caller's back
                raise
            for row, one in zip(lost, made, strict=False):
                painted[row] = one
        return painted

    @contextmanager
    def _faults_in_words(self) -> Iterator[None]:
        assert self._model is not None
        try:
            yield
        except (ModelError, StoppedError):
            raise
        except Exception as error:  # a driver that died, a kernel that is missing: no batch after it would do better
            first = (str(error).strip().splitlines() or [""])[0]
            raise ModelError(f"{self._model.name} failed ({type(error).__name__}: {first[:200]})") from error

    def _paint_on_lent_gpu(self, model: Model, shots: list[Shot]) -> list[Painted]:
        from augmentai.engines.diffusion import zerogpu as zero

        painted = zero.paint(zero.lend(model), shots)
        if isinstance(painted, str):
            raise ModelError(painted)
        if any(one.vae_dtype != str(model.pipe.vae.dtype).removeprefix("torch.") for one in painted):
            model.wide_vae = True  # the process that found it necessary is gone
        return painted


def _step_done(tell: OnProgress, done: int, total: int) -> None:
    tell(f"step {done} of {total} of this batch", done / total)
