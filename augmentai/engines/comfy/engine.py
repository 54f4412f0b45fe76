"""The engine: what it states of itself, and how it answers a task."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np

from augmentai.engines.base import Engine, EngineUnavailableError, JobView, Made, Readiness, Refused, Task
from augmentai.engines.canvas import AnswerError, Canvas, prepare, prepare_mask, restore
from augmentai.engines.circuit_breaker import CircuitBreaker
from augmentai.engines.comfy.server import RefusedError, Server, UnreachableError, WorkflowRefusedError
from augmentai.engines.comfy.workflow import Filling, Workflow, WorkflowError
from augmentai.engines.concurrency import AdaptiveConcurrency
from augmentai.engines.prompts import negative_prompt_of, prompt_of
from augmentai.engines.request_threads import Problem, RequestThreads, TaskReturnedError
from augmentai.recipe import AUTO, Recipe
from augmentai.settings import Settings

_IN_QUEUE = 2  # the server works on one; the next is there when it has finished
_FAULTS = 3  # in a row, after which the server is left alone for a while
_REST_SECONDS = 30.0
CANVAS = Canvas(max_aspect=4.0, pixels=1_048_576)


class ComfyEngine(Engine):
    """Variations by a workflow of the user's own."""

    name = "comfy"
    title = "ComfyUI"
    blurb = "your own workflow, only when named"
    changes = "Whatever your workflow does."
    setup_hint = "To use ComfyUI, set `AUGMENTAI_COMFY_WORKFLOW` to a workflow that was exported for the API."
    repaints = True
    may_differ = "the server's models, nodes and GPU decide the pixels"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.file, self.url, self.seconds = settings.comfy_workflow, settings.comfy_url, settings.comfy_total_seconds
        self.places = AdaptiveConcurrency(_IN_QUEUE)
        self.breaker = CircuitBreaker(_FAULTS, _REST_SECONDS, "ComfyUI")
        if not self._fault:
            self.reads_prompt = self.workflow.reads_prompt
            self.repaints_in_part = self.workflow.has_mask

    @cached_property
    def workflow(self) -> Workflow:
        """Read once. Raises WorkflowError."""
        return Workflow.read(Path(self.file))

    @cached_property
    def _fault(self) -> str:
        if not self.file:
            return "AUGMENTAI_COMFY_WORKFLOW is not set"
        try:
            _ = self.workflow
        except WorkflowError as error:
            return str(error)
        return ""

    def readiness(self) -> Readiness:
        """Never goes online."""
        if self._fault:
            return Readiness(False, self._fault, configured=bool(self.file))
        if reason := self.breaker.open_reason:
            return Readiness(False, reason, for_good=False)
        return Readiness(True)

    def model_version(self) -> str:
        return f"workflow {self.workflow.version}" if not self._fault else super().model_version()

    def unused_settings(self, recipe: Recipe) -> tuple[str, ...]:
        unused = super().unused_settings(recipe)
        if recipe.strength not in {AUTO, 0} and not self._fault and not self.workflow.has_strength:
            unused += ("ComfyUI: no sampler of the workflow has a denoise, so the strength has no effect",)
        return unused

    def make(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
        run = _Run(self, job)
        try:
            yield from run.results(tasks)
        finally:
            run.close()


class _Run(RequestThreads):
    def __init__(self, engine: ComfyEngine, job: JobView) -> None:
        super().__init__(engine.name, engine.places, engine.breaker, job)
        self._engine = engine
        self._server = Server(engine.url, engine.seconds)

    def answer(self, task: Task) -> Made | Refused:
        source, engine = task.photo.flattened(), self._engine
        if task.recipe.strength == 0:
            return engine.made(task, source.copy(), repainted=False, details={"note": "strength 0: nothing was asked"})
        begun = time.perf_counter()
        self._place()
        try:
            return self._painted(task, begun)
        except (RefusedError, AnswerError) as error:
            return self._refuse(task, Problem("fault", f"ComfyUI: {error}"), 0.0)
        except WorkflowRefusedError as error:
            raise EngineUnavailableError(f"ComfyUI cannot run {engine.file}: {error}", for_good=True) from error
        except UnreachableError as error:
            reason = (
                f"ComfyUI at {self._server.shown} cannot be reached ({error}); start it, or set AUGMENTAI_COMFY_URL"
            )
            engine.breaker.trip(reason)
            raise EngineUnavailableError(reason) from error
        finally:
            engine.places.release()

    def _painted(self, task: Task, begun: float) -> Made:
        engine, server, source = self._engine, self._server, task.photo.flattened()
        prepared, prompt = prepare(source, CANVAS), prompt_of(task)
        mask = b""
        if task.region is not None or engine.workflow.has_mask:  # its own file may not be on the server
            whole = np.ones(source.size[::-1], bool)
            mask = prepare_mask(whole if task.region is None else task.region.painted, prepared)
        strength = task.recipe.strength
        filling = Filling(
            server.upload(_name_of(prepared.data), prepared.data, prepared.media_type),
            prompt.text,
            negative_prompt_of(task),
            task.seed,
            strength if isinstance(strength, float) else None,
            server.upload(_name_of(mask), mask) if mask else "",
        )
        number = server.queue(engine.workflow.filled(filling))
        images = None
        try:
            images = server.wait(number, lambda: self._closed.is_set() or self._job.stop.is_set())
        finally:
            if images is None:
                server.drop(number)
        if images is None:
            raise TaskReturnedError
        image, detailed = restore(server.view(images[0]), prepared, source)
        engine.breaker.success()
        details = prompt.as_details() | ({"fine_detail": "of the source"} if detailed else {})
        seconds, text = time.perf_counter() - begun, prompt.text if engine.reads_prompt else ""
        return engine.made(task, image, seconds=seconds, prompt=text, details=details)


def _name_of(data: bytes) -> str:
    """The same for the same file, so that a thousand variations of an image are one upload."""
    ending = "png" if data.startswith(b"\x89PNG") else "jpg"
    return f"{hashlib.sha256(data).hexdigest()[:32]}.{ending}"
