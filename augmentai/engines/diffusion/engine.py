"""The diffusion engine: tasks in, batches filled across sources, pictures of the source's exact size out."""

from __future__ import annotations

import contextvars
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillRunning
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from augmentai.engines.base import EngineOut, JobView, Made, Readiness, Refused, Task
from augmentai.engines.diffusion.batches import Batches
from augmentai.engines.diffusion.families import run_size
from augmentai.engines.diffusion.presence import gpu_is_lent, missing_libraries, no_cuda_because, no_model_because
from augmentai.prompts import negative_prompt_for, prompt_for
from augmentai.settings import Settings

if TYPE_CHECKING:
    from augmentai.engines.diffusion.model import Begun, Model, Painted, Pixels, Shot

BEST_STRENGTH = 0.3  # for "auto": a careful choice, not measured here; above 0.5 fine-grained labels are said to suffer
_IN_FLIGHT = 2  # batches: one on the GPU, one behind it, so that it never waits for files to be read or written
_FAILED_FOR_SECONDS = 300  # after this a new job may try again: the network is back, memory is free
_GLANCE_SECONDS = 0.2  # how long a stop may go unseen while a batch runs

OnProgress = Callable[[str, float], None]
Finish = Callable[[], "list[Painted]"]  # waits for a batch that was begun


class DiffusionEngine:
    """Diffusers image-to-image. Off unless there is a CUDA GPU, or the device setting says cpu.

    on_progress: told what is going on in words, and how much of it is done from 0 to 1; called from another thread.
    """

    name = "diffusion"

    def __init__(self, settings: Settings, on_progress: OnProgress | None = None) -> None:
        self._settings = settings
        self._on_progress = on_progress or (lambda words, share: None)
        self._model: Model | None = None
        self._failure = ("", 0.0)  # why, and when by time.monotonic
        # One thread for all that touches the model: jobs side by side take turns, batch by batch.
        self._gpu = ThreadPoolExecutor(1, "diffusion")
        self._lent = gpu_is_lent(settings)
        if self._lent:  # `spaces` must be imported, and its function known, before the page is launched
            from augmentai.engines.diffusion import zero  # noqa: F401

    def readiness(self) -> Readiness:
        """Cheap: torch is not imported for it, and nothing is fetched."""
        asked = self._settings.diffusion_device != "auto"
        if reason := missing_libraries():
            return Readiness(False, reason, configured=asked)
        if self._device() != "cpu" and not self._lent and (reason := no_cuda_because()):
            return Readiness(False, reason, configured=asked)
        if self._model is None and (reason := no_model_because(self._settings)):
            return Readiness(False, reason)
        reason, since = self._failure
        if reason and time.monotonic() - since < _FAILED_FOR_SECONDS:
            return Readiness(False, reason)
        return Readiness(True)

    def make(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
        from augmentai.engines.diffusion.model import ModelError, StoppedError

        first = next(tasks, None)
        if first is None:
            return  # loading takes too long to do it for nothing
        run: _Run | None = None
        try:
            run = _Run(self._loaded(), chain([first], tasks), job, self._submit)
            yield from run.results()
        except StoppedError:
            return
        except ModelError as out:
            self._failure = (str(out), time.monotonic())
            raise EngineOut(str(out), run.unfinished if run else [first]) from out
        finally:
            if run:
                run.close()

    def _device(self) -> str:
        return "cuda" if self._settings.diffusion_device == "auto" else self._settings.diffusion_device

    def _loaded(self) -> Model:
        """The model, loaded once. Raises ModelError."""
        return self._gpu.submit(self._load).result()

    def _load(self) -> Model:
        from augmentai.engines.diffusion.load import load
        from augmentai.engines.diffusion.model import ModelError

        if self._model is None:
            why, since = self._failure
            if why and time.monotonic() - since < _FAILED_FOR_SECONDS:
                raise ModelError(why)  # a second job waited while the first one failed
            self._model = load(self._settings, self._device(), lambda words: self._on_progress(words, 0.0))
            self._failure = ("", 0.0)
        return self._model

    def _submit(self, shots: list[Shot], stopped: Callable[[], bool]) -> Future[Finish]:
        # ZeroGPU finds the visitor, whose quota it is, in the context of the call.
        return self._gpu.submit(contextvars.copy_context().run, self._begin, shots, stopped)

    def _begin(self, shots: list[Shot], stopped: Callable[[], bool]) -> Finish:
        """Hand a batch to the GPU. What comes back waits for its results, while the next batch is handed over."""
        from augmentai.engines.diffusion.model import StoppedError

        assert self._model is not None
        if stopped():
            raise StoppedError
        with self._faults_in_words():
            if self._lent:
                painted = self._paint_on_lent_gpu(self._model, shots)
                return lambda: painted
            if self._model.compiles(shots):
                height, width = shots[0].pixels.shape[:2]
                self._on_progress(f"compiling {self._model.name} for {width} x {height} px, once", 0.0)
            begun = self._model.begin(shots, stopped, self._step_done)
            return partial(self._finish, begun)

    def _finish(self, begun: Begun) -> list[Painted]:
        with self._faults_in_words():  # what goes wrong on the GPU shows where it is waited for
            return begun.finish()

    @contextmanager
    def _faults_in_words(self) -> Iterator[None]:
        from augmentai.engines.diffusion.model import ModelError, StoppedError

        assert self._model is not None
        try:
            yield
        except (ModelError, StoppedError):
            raise
        except Exception as error:  # a driver that died, a kernel that is missing: no batch after it would do better
            first = (str(error).strip().splitlines() or [""])[0]
            raise ModelError(f"{self._model.name} failed ({type(error).__name__}: {first[:200]})") from error

    def _paint_on_lent_gpu(self, model: Model, shots: list[Shot]) -> list[Painted]:
        from augmentai.engines.diffusion import zero
        from augmentai.engines.diffusion.model import ModelError

        painted = zero.paint(zero.lend(model), shots)
        if isinstance(painted, str):
            raise ModelError(painted)
        return painted

    def _step_done(self, done: int, total: int) -> None:
        self._on_progress(f"step {done} of {total}", done / total)


@dataclass(frozen=True)
class _Waiting:
    """A task on its way to a batch. pixels: the source at the size of the run."""

    task: Task
    size_wh: tuple[int, int]
    pixels: Future[Pixels]


@dataclass
class _Run:
    """One call of `make`: pulls tasks when there is room, keeps the GPU fed, and gives results as they finish."""

    model: Model
    tasks: Iterator[Task]
    job: JobView
    submit: Callable[[list[Shot], Callable[[], bool]], Future[Finish]]
    _open: dict[int, Task] = field(default_factory=dict)  # taken and not answered, by id, in the order taken
    _answers: deque[Made | Refused] = field(default_factory=deque)
    _flight: deque[tuple[list[_Waiting], Future[Finish]]] = field(default_factory=deque)
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(2, "diffusion-pixels"))
    _cancelled: threading.Event = field(default_factory=threading.Event)
    _last: tuple[str, Any] = ("", None)

    def __post_init__(self) -> None:
        self._batches: Batches[_Waiting] = Batches(self.model.batch)

    @property
    def unfinished(self) -> tuple[Task, ...]:
        return tuple(self._open.values())

    def close(self) -> None:
        """Drop what has begun; the step that runs is waited for, so that nothing works behind the caller's back."""
        from augmentai.engines.diffusion.model import ModelError

        self._cancelled.set()
        for _, future in self._flight:
            future.cancel()
        self._pool.shutdown(wait=True, cancel_futures=True)
        for _, future in self._flight:
            if not future.cancelled() and future.exception() is None:
                with suppress(ModelError):
                    future.result()()

    def results(self) -> Iterator[Made | Refused]:
        exhausted = False
        while True:
            while not exhausted and len(self._flight) < _IN_FLIGHT and len(self._answers) < 2 * self.model.batch:
                exhausted = not self._take_one()
            while exhausted and len(self._flight) < _IN_FLIGHT and (batch := self._batches.rest()):
                self._send(batch)
            while self._answers:
                answer = self._answers.popleft()
                self._open.pop(id(answer.task), None)
                yield answer
            if self._flight and (exhausted or len(self._flight) == _IN_FLIGHT):
                batch, future = self._flight[0]
                painted = self._wait(future)
                self._flight.popleft()
                self._restore(batch, painted)
            elif exhausted and not self._flight:
                return

    def _take_one(self) -> bool:
        """Take a task and send a batch if it is full now. False where there are no more tasks."""
        task = next(self.tasks, None)
        if task is None:
            return False
        self._open[id(task)] = task
        photo = task.photo
        if task.recipe.strength == 0:
            details = {"steps": 0, "effective_steps": 0}
            self._answers.append(Made(task, DiffusionEngine.name, photo.rgb, self.model.name, 0.0, "", "part", details))
            return True
        size_wh = run_size(photo.size_wh, self.model.area_px, self.model.grid_px)
        if self._last[0] != task.source.sha256:  # a source's variations follow one another
            self._last = (task.source.sha256, self._pool.submit(_reduced, task, size_wh))
        megapixels = photo.size_wh[0] * photo.size_wh[1] / 1e6
        self._batches.size = self.model.batch
        self._batches.add(
            (size_wh, task.recipe.strength_or(BEST_STRENGTH)), _Waiting(task, size_wh, self._last[1]), megapixels
        )
        if batch := self._batches.full():
            self._send(batch)
        return True

    def _send(self, batch: list[_Waiting]) -> None:
        from augmentai.engines.diffusion.model import Shot

        sent, shots = [], []
        for one in batch:
            try:
                pixels = one.pixels.result()
            except (MemoryError, OSError, ValueError) as error:
                self._answers.append(Refused(one.task, f"the picture could not be reduced ({str(error)[:200]})"))
                continue
            task = one.task
            shots.append(
                Shot(task.source.sha256, pixels, *_words(task), task.recipe.strength_or(BEST_STRENGTH), task.seed)
            )
            sent.append(one)
        if shots:
            self._flight.append((sent, self.submit(shots, self._is_stopped)))

    def _is_stopped(self) -> bool:
        return self._cancelled.is_set() or self.job.stop.is_set()

    def _wait(self, future: Future[Finish]) -> list[Painted]:
        from augmentai.engines.diffusion.model import StoppedError

        while True:
            try:
                return future.result(timeout=_GLANCE_SECONDS)()
            except StillRunning:
                if self._is_stopped():
                    raise StoppedError from None

    def _restore(self, batch: list[_Waiting], painted: list[Painted]) -> None:
        restore = partial(_restored, model=self.model)
        self._answers.extend(self._pool.map(restore, batch, painted))


def _words(task: Task) -> tuple[str, str]:
    """The prompt of one variation, and what it should not show."""
    recipe, label = task.recipe, task.source.label
    return prompt_for(recipe.prompt, label, task.index), negative_prompt_for(recipe.negative_prompt, label)


def _reduced(task: Task, size_wh: tuple[int, int]) -> Pixels:
    """(H, W, 3) uint8 at the size of the run."""
    return np.asarray(task.photo.flattened().resize(size_wh, Image.Resampling.LANCZOS), np.uint8)


def _restored(waiting: _Waiting, painted: Painted, model: Model) -> Made | Refused:
    task = waiting.task
    if painted.pixels is None:
        return Refused(task, painted.reason)
    image = Image.fromarray(painted.pixels)
    if image.size != task.photo.size_wh:
        try:
            image = image.resize(task.photo.size_wh, Image.Resampling.LANCZOS)
        except MemoryError:
            return Refused(task, "there is too little memory to bring it back to the source's size; make it smaller")
    strength = task.recipe.strength_or(BEST_STRENGTH)
    planned = model.plan(strength)
    width, height = waiting.size_wh
    details: dict[str, Any] = {
        "family": model.family.name,
        "steps": planned.steps,
        "effective_steps": painted.steps,
        "guidance": model.guidance,
        "scheduler": type(model.pipe.scheduler).__name__,
        "batch": painted.batch,
        "dtype": str(model.dtype).removeprefix("torch."),
        "device": model.device,
        "size_run": f"{width}x{height}",
    }
    if planned.timesteps is not None:
        details["timesteps"] = list(planned.timesteps)
    if model.placement != "whole":
        details["offload"] = model.placement
    if model.compiled:
        details["compiled"] = True
    prompt, negative_prompt = _words(task)
    if negative_prompt:
        read = model.reads_negative_prompt
        details["negative_prompt"] = negative_prompt if read else "not read: guidance is off"
    return Made(task, DiffusionEngine.name, image, model.name, painted.seconds, prompt, "all", details, strength)
