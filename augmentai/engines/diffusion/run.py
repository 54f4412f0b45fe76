"""One job's way through the model: tasks to batches, batches to pictures of the sources' exact sizes."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillRunning
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from PIL import Image

from augmentai.engines.base import JobView, Made, Refused, Task
from augmentai.engines.diffusion.batches import Batches
from augmentai.engines.diffusion.families import run_size
from augmentai.engines.diffusion.paint_request import ModelError, Painted, Pixels, Shot, StoppedError
from augmentai.engines.prompts import negative_prompt_for, prompt_for
from augmentai.images.fine_detail import enlarge, loses_detail
from augmentai.system.cpu import usable_cores

if TYPE_CHECKING:
    from augmentai.engines.diffusion.model import Model

NAME = "diffusion"
BEST_STRENGTH = 0.3  # for "auto": a careful choice, not measured here; above 0.5 fine-grained labels are said to suffer
_IN_FLIGHT = 2  # batches: one on the GPU, one behind it, so that it never waits for files to be read or written
_GLANCE_SECONDS = 0.2  # how long a stop may go unseen while a batch runs

# Threads: a picture of a megapixel takes some 60 ms of a core to be brought back to its size, the GPU 13 to be painted.
_MOST_THREADS = 8

T = TypeVar("T")
Finish = Callable[[], "list[Painted]"]  # waits for a batch that was begun


@dataclass(frozen=True)
class _Waiting:
    """A task on its way to a batch. pixels: the source at the size of the run."""

    task: Task
    size_wh: tuple[int, int]
    pixels: Future[Pixels]


@dataclass
class Run:
    """One call of `make`: pulls tasks when there is room, keeps the GPU fed, and gives results as they finish."""

    model: Model
    tasks: Iterator[Task]
    job: JobView
    submit: Callable[[list[Shot], Callable[[], bool]], Future[Finish]]
    _open: dict[int, Task] = field(default_factory=dict)  # taken and not answered, by id, in the order taken
    _answers: deque[Made | Refused] = field(default_factory=deque)
    _flight: deque[tuple[list[_Waiting], Future[Finish]]] = field(default_factory=deque)
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(_threads(), "diffusion-pixels"))
    _cancelled: threading.Event = field(default_factory=threading.Event)
    _last: tuple[str, Any] = ("", None)

    def __post_init__(self) -> None:
        self._batches: Batches[_Waiting] = Batches(self.model.batch)

    @property
    def unfinished(self) -> tuple[Task, ...]:
        return tuple(self._open.values())

    def close(self) -> None:
        """Drop what has begun; the step that runs is waited for, so that nothing works behind the caller's back."""
        self._cancelled.set()
        for _, future in self._flight:
            future.cancel()
        self._pool.shutdown(wait=True, cancel_futures=True)
        for _, future in self._flight:
            if not future.cancelled() and future.exception() is None:
                with suppress(ModelError, StoppedError):
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
                painted = waited_for(future, self._is_stopped)()
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
            self._answers.append(Made(task, NAME, photo.rgb, self.model.name, 0.0, "", False, details))
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

    def _restore(self, batch: list[_Waiting], painted: list[Painted]) -> None:
        restore = partial(_restored, model=self.model)
        self._answers.extend(self._pool.map(restore, batch, painted))


def waited_for(future: Future[T], stopped: Callable[[], bool]) -> T:
    """What comes of work in another thread. Raises StoppedError as soon as `stopped()` is true, and leaves it alone."""
    while True:
        try:
            return future.result(timeout=_GLANCE_SECONDS)
        except StillRunning:
            if future.done():  # it is the work itself that ran out of time
                raise
            if stopped():
                raise StoppedError from None


def _threads() -> int:
    return min(_MOST_THREADS, max(2, usable_cores()))


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
    try:
        reduced = Image.fromarray(waiting.pixels.result())
        image = enlarge(Image.fromarray(painted.pixels), reduced, task.photo.flattened())
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
    if loses_detail(task.photo.size_wh, waiting.size_wh):
        details["fine_detail"] = "of the source"
    if painted.vae_dtype != details["dtype"]:
        details["vae_dtype"] = painted.vae_dtype
    if planned.timesteps is not None:
        details["timesteps"] = list(planned.timesteps)
    if model.placement != "whole":
        details["offload"] = model.placement
    if model.compiled or model.not_compiled:
        details["compiled"] = model.not_compiled or True
    prompt, negative_prompt = _words(task)
    if negative_prompt:
        read = model.reads_negative_prompt
        details["negative_prompt"] = negative_prompt if read else "not read: guidance is off"
    return Made(task, NAME, image, model.name, painted.seconds, prompt, True, details, strength)
