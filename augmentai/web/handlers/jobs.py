"""Starts the jobs of the page's buttons: a form becomes a recipe, snapshots become page updates.

They are generators, so that a closed tab ends the job within a second.
"""

from __future__ import annotations

import logging
import secrets
import shutil
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from augmentai.dataset.checkpoint import Checkpoint
from augmentai.dataset.readers.gather import Gathered
from augmentai.recipe import Recipe
from augmentai.web import texts
from augmentai.web.estimates import TimeEstimator
from augmentai.web.handlers.interrupted import inputs_of, offered_view
from augmentai.web.handlers.job_runner import JobRunner, no_files
from augmentai.web.handlers.visitor import session_of, visitor_of
from augmentai.web.jobs.cleanup import JOBS_FOLDER
from augmentai.web.jobs.finished_job import FinishedJob
from augmentai.web.jobs.paid_jobs import InterruptedJob, interrupted_job
from augmentai.web.jobs.run import JobRequest
from augmentai.web.jobs.session_store import SessionStore
from augmentai.web.jobs.snapshot import JobResult, ResultRow, Snapshot
from augmentai.web.jobs.uploads import INPUT_FOLDERS, Upload, link_uploads
from augmentai.web.recipe_files import recipe_of
from augmentai.web.views import Updates, finished_view, working_view

_UPDATE_SECONDS = 0.5  # between two updates of the page while a job works
_MAX_SESSIONS = 10_000  # whose stop events are remembered
_MORE = 4  # variations that "More like this" adds

_log = logging.getLogger(__name__)


class JobHandlers:
    """Handlers that run jobs. They return {name of a component: its new value}."""

    def __init__(self, runner: JobRunner, times: TimeEstimator, sessions: SessionStore) -> None:
        self._runner, self._settings, self._engines = runner, runner.settings, runner.engines
        self._times, self._sessions = times, sessions
        self._stops: dict[str, Event] = {}

    def make(
        self,
        uploads: list[Upload],
        key: str,
        form: Mapping[str, Any],
        upload_state: Mapping[str, Any],
        token: str,
        request: gr.Request,
    ) -> Iterator[Updates]:
        """Run the job of the form and yield what changes on the page. token: the browser's, see `greet`."""
        visitor = visitor_of(token, request)

        def read(folder: Path, stop: Event) -> Gathered:
            return self._runner.read(
                link_uploads(uploads, folder / INPUT_FOLDERS[0]), recipe_of(form).layout, stop, request
            )

        def start(stop: Event) -> Iterator[Snapshot]:
            if not uploads:
                raise no_files()
            needed = [path for _, path in uploads]
            job = JobRequest(read, recipe_of(form), False, visitor=visitor, has_inputs=True, needed=needed)
            return self._runner.run(job, stop, request, key)

        def finish(result: JobResult, last: Snapshot) -> FinishedJob:
            self._learn_speed(result, last.seconds, upload_state)
            return FinishedJob.of(result, last.rows, self._settings)

        yield from self._show(start, finish, session_of(request), [], visitor)

    def _learn_speed(self, result: JobResult, seconds: float, upload_state: Mapping[str, Any]) -> None:
        """A job of one engine shows how fast that engine is on this server."""
        engines = result.report["engines"]
        if len(engines) == 1:
            (engine, count), *_ = engines.items()
            self._times.learn(engine, count, upload_state.get("pixels", 0), seconds)

    def greet(self, token: str, request: gr.Request) -> Updates:
        """When the page has loaded: give the browser a token that nobody can guess, and offer the job that was
        interrupted under it, in this tab or an earlier one."""
        if not token:
            return {"visitor": secrets.token_hex(16)}
        return self._offer(visitor_of(token, request), session_of(request))

    def _offer(self, visitor: str, session: str) -> Updates:
        root = Path(get_upload_folder())
        job = interrupted_job(root, root / JOBS_FOLDER, visitor)
        if job is None:
            return {}
        self._sessions.offer(session, job)
        return offered_view(job)

    def resume(self, key: str, token: str, request: gr.Request) -> Iterator[Updates]:
        """Make the variations that failed or were not reached before a stop, and add them to the results."""
        finished = self._sessions.get(session_of(request))
        interrupted = self._sessions.offered(session_of(request))
        recipe = interrupted.recipe() if interrupted is not None else None
        if interrupted is not None and recipe is not None:
            yield from self._finish_interrupted(interrupted, recipe, key, visitor_of(token, request), request)
            return
        if finished is None:
            yield {"status": texts.failed(texts.EXPIRED), **self.idle()}
            return
        retried = [source.path for source in finished.incomplete_sources()]
        yield from self._add(finished, finished.plan.recipe, 1, finished.checkpoint(), retried, key, request)

    def _finish_interrupted(
        self, interrupted: InterruptedJob, recipe: Recipe, key: str, visitor: str, request: gr.Request
    ) -> Iterator[Updates]:
        """Run an interrupted job again; what it has paid for is not bought again."""

        def read(folder: Path, stop: Event) -> Gathered:
            return self._runner.read(inputs_of(interrupted), recipe.layout, stop, request)

        job = JobRequest(
            read, recipe, keep_full=False, visitor=visitor, paid=interrupted.path, needed=[interrupted.inputs]
        )
        yield from self._show(
            lambda stop: self._runner.run(job, stop, request, key),
            lambda result, last: FinishedJob.of(result, last.rows, self._settings),
            session_of(request),
            [],
            visitor,
        )

    def more_like_this(self, file: str, key: str, request: gr.Request) -> Iterator[Updates]:
        """Make four more variations of one source, by the same engine at the same strength, with the next indices."""
        finished = self._sessions.get(session_of(request))
        row = finished.row(file) if finished else None
        if finished is None or row is None:
            yield {"status": texts.failed(texts.EXPIRED), **self.idle()}
            return
        recipe = replace(
            finished.plan.recipe,
            engine=row.engine,
            strength=row.strength,
            prompt=row.prompt or finished.plan.recipe.prompt,
            variations=_MORE,
            per_class=0,
            balance=False,
        )
        first = finished.next_index(row)
        checkpoint = finished.checkpoint_for_more(row, first, _MORE)
        yield from self._add(finished, recipe, first, checkpoint, [], key, request)

    def _add(
        self,
        finished: FinishedJob,
        recipe: Recipe,
        first_index: int,
        checkpoint: Checkpoint,
        retried: Sequence[str],
        key: str,
        request: gr.Request,
    ) -> Iterator[Updates]:
        """Run a job whose results are added to a finished one."""
        sources = finished.sources_for_rerun()
        paid = finished.paid if retried else None
        needed = [*finished.folders(), *finished.zips]
        job = JobRequest(lambda folder, stop: sources, recipe, False, first_index, checkpoint, paid=paid, needed=needed)

        def finish(result: JobResult, last: Snapshot) -> FinishedJob:
            finished.add(result, last.rows, retried)
            return finished

        yield from self._show(
            lambda stop: self._runner.run(job, stop, request, key), finish, session_of(request), finished.rows
        )

    def _show(
        self,
        start: Callable[[Event], Iterator[Snapshot]],
        finish: Callable[[JobResult, Snapshot], FinishedJob],
        session: str,
        earlier: Sequence[ResultRow],
        visitor: str = "",
    ) -> Iterator[Updates]:
        """Show a job on the page, however it ends; the buttons are always restored."""
        stop = self._stops.setdefault(session, Event())
        last_update = 0.0
        snapshots: Iterator[Snapshot] = iter(())
        try:
            snapshots = start(stop)
            for snapshot in snapshots:
                if snapshot.result is not None:
                    finished = finish(snapshot.result, snapshot)
                    finished.price_rest(self._engines)
                    self._sessions.put(session, finished)
                    yield {**finished_view(finished), **self.idle()}
                elif time.monotonic() - last_update > _UPDATE_SECONDS:
                    yield working_view(snapshot, first=not last_update, earlier=earlier)
                    last_update = time.monotonic()
                else:
                    yield {}  # only so that a closed tab can end the job here
        except gr.Error as error:
            kept = self._offer(visitor, session)
            status = texts.failed(str(error.message)) + kept.get("status", "")
            yield {**self._previous(session), **kept, "status": status, **self.idle()}
        except Exception as error:  # a defect of ours: the visitor is informed, and the page keeps working
            _log.exception("a job of the page failed unexpectedly")
            message = f"The job failed unexpectedly ({type(error).__name__}). Please try again, and report it."
            yield {**self._previous(session), "status": texts.failed(message), **self.idle()}
        finally:
            if isinstance(snapshots, Generator):
                snapshots.close()
            stop.set()
            if self._stops.get(session) is stop:
                del self._stops[session]

    def _previous(self, session: str) -> Updates:
        """The results of the previous job, which remain when a later one fails."""
        finished = self._sessions.get(session)
        return finished_view(finished) if finished else {}

    def queued(self, request: gr.Request) -> Updates:
        """At the click: show that the job is queued, and allow stopping it before it starts."""
        self._stops[session_of(request)] = Event()
        if len(self._stops) > _MAX_SESSIONS:  # somebody makes them up
            self._stops.pop(next(iter(self._stops)), None)
        return {
            "status": texts.QUEUED,
            "place_timer": gr.Timer(active=True),
            "start": gr.Button("Working", interactive=False),
            "stop": gr.Button("Stop", visible=True, interactive=True),
            "resume": gr.Button(visible=False),
        }

    def shown(self, request: gr.Request) -> Updates:
        """The browser has what a job yielded last: restore the buttons."""
        if (finished := self._sessions.get(session_of(request))) is not None:
            finished.fetched()
        return self.idle()

    def idle(self) -> Updates:
        """The two buttons when no job runs."""
        return {"start": gr.Button(texts.START, interactive=True), "stop": gr.Button("Stop", visible=False)}

    def rejected(self, request: gr.Request) -> Updates:
        """The queue is full, or the visitor has too many jobs queued; Gradio's own message says which."""
        return {**self._previous(session_of(request)), "status": texts.failed(texts.REJECTED), **self.idle()}

    def close_session(self, request: gr.Request) -> None:
        """The tab was closed: end its job, queued or running, and forget its results."""
        session = session_of(request)
        finished = self._sessions.get(session)
        if finished is not None and not finished.rows and not finished.report["failures"]:
            shutil.rmtree(finished.folder, ignore_errors=True)  # stopped before its first image
        self._sessions.discard(session)
        stop = self._stops.pop(session, None)
        if stop is not None:
            stop.set()

    def stop(self, request: gr.Request) -> Updates:
        """End this visitor's job after the current image; finished images are kept."""
        stop = self._stops.get(session_of(request))
        if stop is not None:
            stop.set()
        return {"stop": gr.Button("Stopping" if stop else "Stop", interactive=False)}
