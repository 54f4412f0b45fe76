"""One job on the model: tasks to batches, batches to images of the sources' exact sizes."""

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
from augmentai.engines.diffusion.families import working_size
from augmentai.engines.diffusion.paint_request import ModelError, PaintRequest, PaintResult, Pixels, StoppedError
from augmentai.engines.editing import MOST_SHIFT, has_moved, measured_shift, why_not_edited
from augmentai.engines.prompts import negative_prompt_of, prompt_of
from augmentai.images.fine_detail import enlarge, loses_detail
from augmentai.system.cpu import usable_cores

if TYPE_CHECKING:
    from augmentai.engines.diffusion.model import Model

NAME = "diffusion"
# For "auto": a cautious choice, not measured here; above 0.5 fine-grained labels are reported to suffer.
BEST_STRENGTH = 0.3
_BEST_IN_PART = 0.85  # likewise, where labels keep their own pixels: less leaves the scene as it is
_MAX_PENDING = 2  # batches: one on the GPU and one behind it, so that it never waits for files to be read or written
_POLL_SECONDS = 0.2  # how long a stop may go unnoticed while a batch runs

# Threads: an image of a megapixel takes some 60 ms of a core to be restored to its size, the GPU 13 ms to paint it.
_MAX_THREADS = 8

T = TypeVar("T")
Wait = Callable[[], "list[PaintResult]"]  # waits for a batch that was submitted
Submit = Callable[[list[PaintRequest], Callable[[], bool]], Future[Wait]]


@dataclass(frozen=True)
class _Waiting:
    """A task on its way to a batch. pixels: the source at the working size."""

    task: Task
    size_wh: tuple[int, int]
    pixels: Future[Pixels]


@dataclass
class BatchedRun:
    """One call of `make`: takes tasks when there is room, keeps the GPU busy, and yields results as they finish.

    Args:
        model: The loaded model.
        tasks: Taken one by one.
        job: The job's view.
        submit: Submits requests of one size and strength to the GPU's thread.
    """

    model: Model
    tasks: Iterator[Task]
    job: JobView
    submit: Submit
    _unanswered: dict[int, Task] = field(default_factory=dict)  # by id, in the order taken
    _answers: deque[Made | Refused] = field(default_factory=deque)
    _pending: deque[tuple[list[_Waiting], Future[Wait]]] = field(default_factory=deque)
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(_threads(), "diffusion-pixels"))
    _closed: threading.Event = field(default_factory=threading.Event)
    _last: tuple[str, Any] = ("", None)  # sha256 of the last source, and its pixels

    def __post_init__(self) -> None:
        self._batches: Batches[_Waiting] = Batches(self.model.batch)

    @property
    def unfinished(self) -> tuple[Task, ...]:
        """Tasks that were taken and not answered."""
        return tuple(self._unanswered.values())

    def close(self) -> None:
        """Drop what is pending. Waits for the running step, so that no work continues behind the caller's back."""
        self._closed.set()
        for _, future in self._pending:
            future.cancel()
        self._pool.shutdown(wait=True, cancel_futures=True)
        for _, future in self._pending:
            if not future.cancelled() and future.exception() is None:
                with suppress(ModelError, StoppedError):
                    future.result()()

    def results(self) -> Iterator[Made | Refused]:
        """Yield one answer for each task, in order of completion.

        Raises:
            ModelError: The model cannot continue; `unfinished` has the open tasks.
            StoppedError: The job was stopped.
        """
        exhausted = False
        while True:
            while not exhausted and len(self._pending) < _MAX_PENDING and len(self._answers) < 2 * self.model.batch:
                exhausted = not self._take_task()
            while exhausted and len(self._pending) < _MAX_PENDING and (batch := self._batches.pop_rest()):
                self._send(batch)
            while self._answers:
                answer = self._answers.popleft()
                self._unanswered.pop(id(answer.task), None)
                yield answer
            if self._pending and (exhausted or len(self._pending) == _MAX_PENDING):
                batch, future = self._pending[0]
                results = wait_unless_stopped(future, self._is_stopped)()
                self._pending.popleft()
                self._answers.extend(self._pool.map(partial(_to_answer, model=self.model), batch, results))
            elif exhausted and not self._pending:
                return

    def _take_task(self) -> bool:
        """Take a task, and send a batch if one is full now. False if there are no more tasks."""
        task = next(self.tasks, None)
        if task is None:
            return False
        self._unanswered[id(task)] = task
        photo = task.photo
        if task.recipe.strength == 0:
            details = {"steps": 0, "effective_steps": 0}
            self._answers.append(Made(task, NAME, photo.rgb, self.model.name, 0.0, "", False, details))
            return True
        if self.model.family.edits and (reason := why_not_edited(task)):
            self._answers.append(Refused(task, reason))
            return True
        size_wh = working_size(photo.size_wh, self.model.area_px, self.model.grid_px)
        if self._last[0] != task.source.sha256:  # the variations of a source follow one another
            self._last = (task.source.sha256, self._pool.submit(_reduce, task, size_wh))
        megapixels = photo.size_wh[0] * photo.size_wh[1] / 1e6
        self._batches.size = self.model.batch
        key = (size_wh, _strength(task))
        self._batches.add(key, _Waiting(task, size_wh, self._last[1]), megapixels)
        if batch := self._batches.pop_full():
            self._send(batch)
        return True

    def _send(self, batch: list[_Waiting]) -> None:
        sent, requests = [], []
        for waiting in batch:
            task = waiting.task
            try:
                pixels = waiting.pixels.result()
            except (MemoryError, OSError, ValueError) as error:
                self._answers.append(Refused(task, f"the image could not be reduced ({str(error)[:200]})"))
                continue
            mask = None if task.region is None else _reduced_mask(task.region.painted, waiting.size_wh)
            requests.append(PaintRequest(task.source.sha256, pixels, *_prompts(task), _strength(task), task.seed, mask))
            sent.append(waiting)
        if requests:
            self._pending.append((sent, self.submit(requests, self._is_stopped)))

    def _is_stopped(self) -> bool:
        return self._closed.is_set() or self.job.stop.is_set()


def wait_unless_stopped(future: Future[T], stopped: Callable[[], bool]) -> T:
    """Wait for work in another thread.

    Raises:
        StoppedError: `stopped()` became true; the work itself is not interrupted.
    """
    while True:
        try:
            return future.result(timeout=_POLL_SECONDS)
        except StillRunning:
            if future.done():  # the work itself raised a time-out
                raise
            if stopped():
                raise StoppedError from None


def _threads() -> int:
    return min(_MAX_THREADS, max(2, usable_cores()))


def _strength(task: Task) -> float:
    return task.recipe.strength_or(BEST_STRENGTH if task.region is None else _BEST_IN_PART)


def _reduced_mask(painted: np.ndarray[Any, Any], size_wh: tuple[int, int]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """What is to be painted anew at the working size: every pixel with any of it, since what is kept is laid back."""
    levels = Image.fromarray(painted.astype(np.uint8) * 255).resize(size_wh, Image.Resampling.BOX)
    return np.asarray(levels) > 0


def _prompts(task: Task) -> tuple[str, str]:
    """The prompt and the negative prompt of one variation."""
    return prompt_of(task).text, negative_prompt_of(task)


def _reduce(task: Task, size_wh: tuple[int, int]) -> Pixels:
    """The source at the working size: uint8 (H, W, 3)."""
    return np.asarray(task.photo.flattened().resize(size_wh, Image.Resampling.LANCZOS), np.uint8)


def _to_answer(waiting: _Waiting, result: PaintResult, model: Model) -> Made | Refused:
    """Restore a painted image to its source's size."""
    task = waiting.task
    if result.pixels is None:
        return Refused(task, result.reason)
    details = _details(waiting, result, model)
    try:
        reduced = Image.fromarray(waiting.pixels.result())
        if model.family.edits:
            details["shift"] = measured_shift(reduced, Image.fromarray(result.pixels))
            if details["shift"] > MOST_SHIFT:
                return Refused(task, has_moved(details["shift"]))
        image = enlarge(Image.fromarray(result.pixels), reduced, task.photo.flattened())
    except MemoryError:
        return Refused(task, "not enough memory to restore the source's size; downscale the source")
    return Made(task, NAME, image, model.name, result.seconds, _prompts(task)[0], True, details, _strength(task))


def _details(waiting: _Waiting, result: PaintResult, model: Model) -> dict[str, Any]:
    """How a variation was painted, for the manifest."""
    task, (width, height) = waiting.task, waiting.size_wh
    planned = model.sampling_plan(_strength(task))
    details: dict[str, Any] = {
        "family": model.family.name,
        "steps": planned.steps,
        "effective_steps": result.steps,
        "guidance": model.guidance,
        "scheduler": type(model.pipe.scheduler).__name__,
        "batch": result.batch,
        "dtype": str(model.dtype).removeprefix("torch."),
        "device": model.device,
        "size_run": f"{width}x{height}",
        **prompt_of(task).as_details(),
    }
    if loses_detail(task.photo.size_wh, waiting.size_wh):
        details["fine_detail"] = "of the source"
    if result.vae_dtype != details["dtype"]:
        details["vae_dtype"] = result.vae_dtype
    if planned.timesteps is not None:
        details["timesteps"] = list(planned.timesteps)
    if model.backend is not None:
        details |= {"backend": str(model.backend), "dtype": model.backend.dtype}
    elif model.not_converted:
        details["backend"] = model.not_converted
    if model.in_place_of:
        details["in_place_of"] = model.in_place_of
    if model.placement != "whole":
        details["offload"] = model.placement
    if model.compiled or model.not_compiled:
        details["compiled"] = model.not_compiled or True
    if negative_prompt := _prompts(task)[1]:
        details["negative_prompt"] = negative_prompt if model.reads_negative_prompt else "ignored: guidance is off"
    return details
