"""Starts the jobs of the page's buttons: a form becomes a recipe, snapshots become page updates.

They are generators: the queue runs them to their end, also when the tab that started them was closed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import gradio as gr

from augmentai.dataset.checkpoint import Checkpoint
from augmentai.dataset.lift_file import LiftFile
from augmentai.dataset.readers.gather import Gathered
from augmentai.engines import why_none_can_run, with_key
from augmentai.lift import LiftReport
from augmentai.recipe import Recipe
from augmentai.web import texts
from augmentai.web.estimates import TimeEstimator
from augmentai.web.handlers.interrupted import inputs_of
from augmentai.web.handlers.job_runner import JobRunner, no_files
from augmentai.web.handlers.returning import ReturnHandlers
from augmentai.web.handlers.visitor import session_of, visitor_of
from augmentai.web.jobs.finished_job import MORE, FinishedJob
from augmentai.web.jobs.lift_store import LiftStore
from augmentai.web.jobs.paid_jobs import InterruptedJob
from augmentai.web.jobs.run import JobRequest
from augmentai.web.jobs.session_store import SessionStore
from augmentai.web.jobs.snapshot import JobResult, ResultRow, Snapshot
from augmentai.web.jobs.upload_places import Upload
from augmentai.web.jobs.uploads import INPUT_FOLDERS, link_uploads
from augmentai.web.jobs.visitor_jobs import JobState, VisitorJob, VisitorJobs
from augmentai.web.recipe_files import recipe_of
from augmentai.web.views import Updates, finished_view, idle_view, tab_view, waiting_view, working_view

_UPDATE_SECONDS = 0.5  # between two updates of the page while a job works
_log = logging.getLogger(__name__)


class JobHandlers:
    """Handlers that run jobs. They return {name of a component: its new value}."""

    def __init__(
        self,
        runner: JobRunner,
        times: TimeEstimator,
        sessions: SessionStore,
        jobs: VisitorJobs,
        returning: ReturnHandlers,
        lifts: LiftStore,
    ) -> None:
        self._runner, self._settings, self._engines = runner, runner.settings, runner.engines
        self._times, self._sessions, self._jobs, self._returning = times, sessions, jobs, returning
        self._lifts = lifts

    def make(
        self,
        uploads: list[Upload],
        key: str,
        form: Mapping[str, Any],
        upload_state: Mapping[str, Any],
        token: str,
        request: gr.Request,
    ) -> Iterator[Updates]:
        """Run the job of the form and yield what changes on the page. token: see `ReturnHandlers.greet`."""
        visitor = visitor_of(token, request)

        def read(folder: Path, stop: Event) -> Gathered:
            return self._runner.read(
                link_uploads(uploads, folder / INPUT_FOLDERS[0]), recipe_of(form).layout, stop, request
            )

        def start(stop: Event) -> Iterator[Snapshot]:
            if not uploads:
                raise no_files()
            recipe, needed = recipe_of(form), [path for _, path in uploads]
            if reason := why_none_can_run(with_key(self._engines, key or ""), recipe.engine):
                raise gr.Error(reason, title="No engine", print_exception=False)
            lift = LiftFile.of(found.as_dict()) if (found := measured(recipe)) is not None else None
            job = JobRequest(read, recipe, False, visitor=visitor, has_inputs=True, needed=needed, lift=lift)
            job = replace(job, refuse_nothing=texts.nothing_to_make(recipe))
            return self._runner.run(job, stop, request, key)

        def measured(recipe: Recipe) -> LiftReport | None:
            return self._lifts.of(session_of(request), uploads, recipe)

        def finish(result: JobResult, last: Snapshot) -> FinishedJob:
            self._learn_speed(result, last.seconds, upload_state)
            finished = FinishedJob.of(result, last.rows, self._settings)
            finished.uploads, finished.lift = tuple(uploads), measured(result.plan.recipe)
            finished.zipped_lift = finished.lift if result.report["lift"] is not None else None
            return finished

        yield from self._show(start, finish, session_of(request), [], visitor, key)

    def _learn_speed(self, result: JobResult, seconds: float, upload_state: Mapping[str, Any]) -> None:
        """A job of one engine shows how fast that engine is on this server."""
        engines = result.report["engines"]
        if len(engines) == 1:
            (engine, count), *_ = engines.items()
            self._times.learn(engine, count, upload_state.get("pixels", 0), seconds)

    def resume(self, key: str, token: str, request: gr.Request) -> Iterator[Updates]:
        """Make the variations that failed or were not reached before a stop, and add them to the results."""
        finished = self._sessions.get(session_of(request))
        interrupted = self._sessions.offered(session_of(request))
        recipe = interrupted.recipe() if interrupted is not None else None
        if interrupted is not None and recipe is not None:
            yield from self._finish_interrupted(interrupted, recipe, key, visitor_of(token, request), request)
            return
        if finished is None:
            yield {"status": texts.failed(texts.EXPIRED), **self._idle(session_of(request))}
            return
        retried = [source.path for source in finished.incomplete_sources()]
        visitor = visitor_of(token, request)
        yield from self._add(finished, finished.plan.recipe, 1, finished.checkpoint(), retried, key, visitor, request)

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
            key,
        )

    def more_like_this(self, file: str, key: str, token: str, request: gr.Request) -> Iterator[Updates]:
        """Make four more variations of one source, by the same engine at the same strength, with the next indices."""
        finished = self._sessions.get(session_of(request))
        row = finished.row(file) if finished else None
        if finished is None or row is None:
            yield {"status": texts.failed(texts.EXPIRED), **self._idle(session_of(request))}
            return
        recipe = replace(
            finished.plan.recipe,
            engine=row.engine,
            strength=row.strength,
            prompt=row.prompt or finished.plan.recipe.prompt,
            variations=MORE,
            per_class=0,
            balance=False,
        )
        first = finished.next_index(row)
        checkpoint = finished.checkpoint_for_more(row, first, MORE)
        yield from self._add(finished, recipe, first, checkpoint, [], key, visitor_of(token, request), request)

    def _add(
        self,
        finished: FinishedJob,
        recipe: Recipe,
        first_index: int,
        checkpoint: Checkpoint,
        retried: Sequence[str],
        key: str,
        visitor: str,
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
            lambda stop: self._runner.run(job, stop, request, key),
            finish,
            session_of(request),
            finished.rows,
            visitor,
            key,
        )

    def _show(
        self,
        start: Callable[[Event], Iterator[Snapshot]],
        finish: Callable[[JobResult, Snapshot], FinishedJob],
        session: str,
        earlier: Sequence[ResultRow],
        visitor: str,
        key: str,
    ) -> Iterator[Updates]:
        """Run a job and show it in the tab that started it, however it ends; the buttons are always restored."""
        job = self._jobs.live(session) or self._jobs.begin(visitor, session)
        job.state, last_update = JobState.RUNNING, 0.0
        snapshots: Iterator[Snapshot] = iter(())
        try:
            snapshots = start(job.stop)
            for snapshot in snapshots:
                job.snapshot = snapshot
                if snapshot.result is not None:
                    finished = finish(snapshot.result, snapshot)
                    finished.price_rest(with_key(self._engines, key or ""))
                    before = job.before
                    job.end(finished)
                    yield self._ended(job, session, before)
                elif time.monotonic() - last_update > _UPDATE_SECONDS:
                    tab = tab_view(job, self._jobs.closed_tab_seconds)
                    yield {**working_view(snapshot, first=not last_update, earlier=earlier), "tab": tab}
                    last_update = time.monotonic()
                else:
                    yield {}  # only so that a job that is cut off can end here
        except gr.Error as error:
            yield self._failed(job, session, str(error.message))
        except Exception as error:  # a defect of ours: the visitor is informed, and the page keeps working
            _log.exception("a job of the page failed unexpectedly")
            message = f"The job failed unexpectedly ({type(error).__name__}). Please try again, and report it."
            yield self._failed(job, session, message)
        finally:
            if isinstance(snapshots, Generator):
                snapshots.close()
            job.stop.set()
            if job.is_live:
                job.end(None, texts.CUT_OFF)

    def _ended(self, job: VisitorJob, session: str, before: VisitorJob | None) -> Updates:
        """The results of a job, in the tab that started it if that is still open. before: what that showed."""
        if self._jobs.shown(session) is not job or job.finished is None:
            return {}
        earlier = self._sessions.get(session)
        if job.finished.report["variations"] or before is None or before.finished is not earlier or earlier is None:
            self._sessions.put(session, job.finished)
            updates = {**finished_view(job.finished), **self._idle(session), "tab": tab_view(job)}
        else:  # nothing was made, and what was made before stays
            self._jobs.show(session, before)
            updates = {**finished_view(earlier), **self._idle(session), "tab": tab_view(before)}
            updates["status"] = texts.nothing_made(job.finished.report) + str(updates["status"])
            updates["problems"] = texts.problems(job.finished.report["failures"], job.finished.report)
        return {**updates, **self._returning.earlier(job.visitor, session)}

    def _failed(self, job: VisitorJob, session: str, message: str) -> Updates:
        """Why a job could not run; the results that the tab showed before it remain."""
        before = job.before
        job.end(None, message)
        if self._jobs.shown(session) is not job:
            return {}
        kept = self._returning.offer(job.visitor, session)
        if before is not None and not kept:
            self._jobs.show(session, before)
        updates = {**self._previous(session), **kept, "status": texts.failed(message) + kept.get("status", "")}
        tab = tab_view(self._jobs.shown(session))
        return {**updates, **self._idle(session), "tab": tab, **self._returning.earlier(job.visitor, session)}

    def _idle(self, session: str) -> Updates:
        return idle_view(self._sessions.start_label(session))

    def _previous(self, session: str) -> Updates:
        """The results of the previous job, which remain when a later one fails."""
        finished = self._sessions.get(session)
        return finished_view(finished) if finished else {}

    def queued(self, token: str, request: gr.Request) -> Updates:
        """At the click: the job gets its address, waits for its turn, and can be stopped before it starts."""
        visitor, session = visitor_of(token, request), session_of(request)
        job = self._jobs.begin(visitor, session)
        return {**waiting_view(job), **self._returning.earlier(visitor, session)}

    def queued_again(self, token: str, request: gr.Request) -> Updates:
        """At a click that adds to the results that are shown: likewise, at the same address."""
        job = self._jobs.shown(session_of(request))
        if job is None or job.is_live or self._sessions.get(session_of(request)) is not job.finished:
            return self.queued(token, request)
        self._jobs.again(job, session_of(request))
        return {**waiting_view(job), **self._returning.earlier(job.visitor, job.session)}

    def rejected(self, goes_on: bool, request: gr.Request) -> Updates:
        """The connection was lost, and the job goes on; or the queue is full, or the visitor has too many jobs queued.
        Gradio's own message says which."""
        session = session_of(request)
        job = self._jobs.live(session)
        if job is not None and goes_on:
            return self._returning.follow(job, session)
        if job is not None:
            before = job.before
            job.end(None, texts.REJECTED)
            if job.finished is None:
                self._jobs.forget(job)
                self._jobs.show(session, before)
        tab = tab_view(self._jobs.shown(session))
        return {**self._previous(session), "status": texts.failed(texts.REJECTED), **self._idle(session), "tab": tab}

    def stop(self, request: gr.Request) -> Updates:
        """End the job that the tab shows, after the current image; finished images are kept."""
        job = self._jobs.shown(session_of(request))
        if job is not None:
            job.stop.set()
        return {"stop": gr.Button("Stopping" if job else "Stop", interactive=False)}
