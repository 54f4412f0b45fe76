"""Runs one job within its visitor's limits; its errors become messages for the visitor."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event

import gradio as gr
from gradio.utils import get_upload_folder

from augmentai.dataset.readers.gather import Gathered, gather
from augmentai.dataset.writers.base import OutputError
from augmentai.engines import with_key
from augmentai.engines.base import Engine
from augmentai.pipeline.job import limits
from augmentai.recipe import RecipeError
from augmentai.settings import Settings
from augmentai.web import texts
from augmentai.web.access.rate_limit import LimitReachedError
from augmentai.web.access.visitor_keys import VisitorKeys
from augmentai.web.access.visitors import Visitors, address_of
from augmentai.web.handlers.running_jobs import RunningJobs
from augmentai.web.jobs.run import JobRequest, run_job
from augmentai.web.jobs.snapshot import Snapshot
from augmentai.web.parsing.labels import check_labels
from augmentai.web.parsing.pool import ParsingError, ParsingPool
from augmentai.web.recipe_files import wrong_setting


class JobRunner:
    """Runs the jobs of the page and of the API.

    Attributes:
        settings: those of the server.
        engines: in order of preference.
        visitors: what each of them has used.
        running_jobs: the jobs at work.
    """

    def __init__(
        self,
        settings: Settings,
        engines: Sequence[Engine],
        visitors: Visitors,
        parsing: ParsingPool,
        keys: VisitorKeys,
    ) -> None:
        self.settings, self.engines, self.visitors, self._parsing = settings, engines, visitors, parsing
        self._keys = keys
        self.running_jobs = RunningJobs()

    def read(self, files: Sequence[Path], layout: str, stop: Event, request: gr.Request) -> Gathered:
        """The sources in the inputs of a job of the page."""
        self.check_labels(files, layout, stop, request)
        return gather(files, limits(self.settings, self.settings.max_files), stop=stop, layout=layout)

    def check_labels(self, files: Sequence[Path], layout: str, stop: Event, request: gr.Request) -> None:
        """Read the labels of the inputs where that may be ended. Raises ParsingError."""
        visitor, bounds = address_of(request, self.visitors.proxies), limits(self.settings, self.settings.max_files)
        check_labels(self._parsing, visitor, files, bounds, layout, stop)

    def run(self, job: JobRequest, stop: Event, request: gr.Request, key: str = "") -> Iterator[Snapshot]:
        """Run a job.

        Args:
            job: what to make.
            stop: ends it after the current image.
            request: of the visitor.
            key: the visitor's own, if any.

        Raises:
            gr.Error: it cannot run; the message says why.
        """
        address = address_of(request, self.visitors.proxies)
        if refused := self._keys.refused_now(key or "", job.recipe.engine, address):
            raise gr.Error(refused, title="Key not accepted", print_exception=False)
        reservation = self.visitors.reservation(request)
        try:
            engines = reservation.limited(with_key(self.engines, key or ""))
            job = replace(job, admit=reservation.admit, ended=reservation.settle)
            job = self.running_jobs.tracked(job, stop)
            with self.running_jobs.running(stop):
                yield from run_job(job, self.settings, engines, Path(get_upload_folder()), stop)
        except LimitReachedError as error:
            raise gr.Error(str(error), title="Limit reached", print_exception=False) from error
        except RecipeError as error:
            raise wrong_setting(error) from error
        except ParsingError as error:
            raise gr.Error(str(error), title="A file could not be read", print_exception=False) from error
        except OutputError as error:
            message = str(error).replace(f"{get_upload_folder()}{os.sep}", "")  # the server's paths are not revealed
            raise gr.Error(message, title="The result could not be saved", print_exception=False) from error


def no_files() -> gr.Error:
    """Nothing was uploaded."""
    return gr.Error(texts.NO_FILES, title="No files", print_exception=False)


def refuse_folders(files: Sequence[str]) -> None:
    """Raise gr.Error if one of them is a folder: Gradio accepts the folder of everybody's uploads as a file."""
    if any(map(os.path.isdir, files)):
        raise gr.Error("Folders are not accepted. Upload the files, or a ZIP of the folder.", print_exception=False)
