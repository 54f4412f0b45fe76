"""Runs a call of the API: a form becomes a recipe, the last snapshot the answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Event
from typing import Any

import gradio as gr

from augmentai.dataset.readers.gather import Gathered
from augmentai.engines import why_none_can_run
from augmentai.web.access.visitors import address_of
from augmentai.web.handlers.job_runner import JobRunner, no_files, refuse_folders
from augmentai.web.jobs.deliveries import Deliveries
from augmentai.web.jobs.run import JobRequest, read_uploads
from augmentai.web.recipe_files import recipe_of


class ApiHandler:
    """The endpoint `/augment`. A generator, so that a cancelled call ends the job within a second."""

    def __init__(self, runner: JobRunner, deliveries: Deliveries) -> None:
        self._runner, self._deliveries = runner, deliveries

    def augment(
        self,
        files: list[str] | None,
        form: Mapping[str, Any],
        request: gr.Request,
        progress: gr.Progress,
    ) -> Iterator[tuple[Any, Any, Any]]:
        """Run a job: yields skips while it works and (gallery, zip_path, report) at the end."""
        if not files:
            raise no_files()
        refuse_folders(files)
        recipe = recipe_of(form)
        if reason := why_none_can_run(self._runner.engines, recipe.engine):
            raise gr.Error(reason, title="No engine", print_exception=False)
        uploads = read_uploads(files, self._runner.settings, recipe.layout)

        def read(folder: Path, stop: Event) -> Gathered:
            self._runner.check_labels([Path(file) for file in files], recipe.layout, stop, request)
            return uploads(folder, stop)

        visitor = f"address {address_of(request, self._runner.visitors.proxies)}"
        job = JobRequest(read, recipe, visitor=visitor, needed=files)
        for snapshot in self._runner.run(job, Event(), request):
            if snapshot.result is None:
                if snapshot.expected:
                    message = snapshot.progress.message or "augmenting"
                    progress((snapshot.done, snapshot.expected), desc=message, unit="images")
                yield gr.skip(), gr.skip(), gr.skip()
            else:
                self._deliveries.announce(snapshot.result)
                yield list(snapshot.images), str(snapshot.result.zip_path), snapshot.result.report
