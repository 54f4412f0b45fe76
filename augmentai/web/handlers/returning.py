"""Handlers for visitors who come back to a job: by its address, from the list of jobs, after a lost connection."""

from __future__ import annotations

import secrets
from pathlib import Path

import gradio as gr
from gradio.utils import get_upload_folder

from augmentai.web import texts
from augmentai.web.handlers.interrupted import offered_view
from augmentai.web.handlers.visitor import is_token, session_of, visitor_of
from augmentai.web.jobs.cleanup import JOBS_FOLDER
from augmentai.web.jobs.paid_jobs import interrupted_job
from augmentai.web.jobs.session_store import SessionStore
from augmentai.web.jobs.visitor_jobs import JobState, VisitorJob, VisitorJobs
from augmentai.web.views import Updates, finished_view, idle_view, tab_view, waiting_view, working_view

PARAMETER = "job"  # of the page's address


class ReturnHandlers:
    """Handlers that show a job again. They return {name of a component: its new value}."""

    def __init__(self, sessions: SessionStore, jobs: VisitorJobs) -> None:
        self._sessions, self._jobs = sessions, jobs

    def greet(self, token: str, request: gr.Request) -> Updates:
        """When the page has loaded: give the browser a token that nobody can guess; open the job of the address; else
        offer the job that was interrupted under the token, in this tab or an earlier one."""
        updates: Updates = {}
        if not is_token(token):
            token = secrets.token_hex(16)
            updates = {"visitor": token}
        if named := str(request.query_params.get(PARAMETER, "")):
            return updates | self.open(named, token, request)
        visitor = visitor_of(token, request)
        return updates | self.offer(visitor, session_of(request)) | self.earlier(visitor, session_of(request))

    def open(self, job_id: str, token: str, request: gr.Request) -> Updates:
        """Show a job of this visitor, wherever it is. Of another visitor's nothing is revealed, not even that it is."""
        visitor, session = visitor_of(token, request), session_of(request)
        self._jobs.show(session, None)
        job = self._jobs.open(session, visitor, job_id)
        if job is None:
            offered = self.offer(visitor, session)
            status = texts.failed(texts.NOT_YOURS) + offered.get("status", "")
            return {**offered, "status": status, "tab": tab_view(None), **self.earlier(visitor, session)}
        return {**self._idle(session), **self._view(job, session), **self.earlier(visitor, session)}

    def _view(self, job: VisitorJob, session: str, first: bool = True) -> Updates:
        """A job as it is now, for a tab that did not start it."""
        state = job.check()
        if state is JobState.QUEUED:
            return waiting_view(job)
        if state is JobState.RUNNING:
            earlier = job.finished.rows if job.finished else []
            working = working_view(job.snapshot, first, earlier) if job.snapshot.expected or first else {}
            return {**waiting_view(job), **working, "tab": tab_view(job, self._jobs.closed_tab_seconds)}
        job.followers[session] = True
        timer = {"place_timer": gr.Timer(active=False), "place": "", "tab": tab_view(job)}
        if job.finished is not None:
            self._sessions.put(session, job.finished)
            return {**finished_view(job.finished), **self._idle(session), **timer}
        status = texts.failed(texts.EXPIRED if state is JobState.EXPIRED else job.message)
        return {"status": status, **self._idle(session), **timer}

    def _idle(self, session: str) -> Updates:
        return idle_view(self._sessions.start_label(session))

    def waiting(self, request: gr.Request) -> str:
        """The session whose place in the queue a tab shows: its own, or that of the tab that started the job."""
        job = self._jobs.shown(session_of(request))
        return job.session if job is not None else session_of(request)

    def poll(self, place: int | None, request: gr.Request) -> Updates:
        """Every other second while a tab waits: the place in the queue, and what a job does that another tab started.

        Args:
            place: how many jobs start before that of the tab (see `waiting`); None if none waits.
            request: of the tab.
        """
        session = session_of(request)
        job = self._jobs.shown(session)
        if job is None or session not in job.followers:
            if job is not None and place is not None:
                return {"place": texts.place(place), "tab": tab_view(job, self._jobs.closed_tab_seconds, place)}
            return {"place": "", "place_timer": gr.Timer(active=False)}
        job.present.add(session)
        if job.is_live:
            return {**self._view(job, session, first=False), "place": texts.place(place)}
        return {**self._view(job, session), **self.earlier(job.visitor, session)}

    def follow(self, job: VisitorJob, session: str) -> Updates:
        """The connection of a job was lost, and the job goes on: the tab asks for its progress from now on."""
        self._jobs.show(session, job)
        self._jobs.follow(job, session)
        return self._view(job, session)

    def fetched(self, request: gr.Request) -> None:
        """The browser has what it was sent last: a result that is shown there is handed over."""
        if (finished := self._sessions.get(session_of(request))) is not None:
            finished.fetched()

    def offer(self, visitor: str, session: str) -> Updates:
        """Offer the job of a visitor that was interrupted after it had paid for images."""
        root = Path(get_upload_folder())
        job = interrupted_job(root, root / JOBS_FOLDER, visitor)
        if job is None:
            return {}
        self._sessions.offer(session, job)
        return offered_view(job)

    def earlier(self, visitor: str, session: str) -> Updates:
        """The list of a visitor's jobs."""
        jobs = self._jobs.of(visitor)
        for job in jobs:
            job.check()
        return {"earlier": gr.HTML(texts.earlier_jobs(jobs, self._jobs.shown(session)), visible=bool(jobs))}

    def close(self, request: gr.Request) -> None:
        """The tab was closed, or its connection is lost. Its job goes on for as long as the settings say."""
        self._jobs.close(session_of(request))
