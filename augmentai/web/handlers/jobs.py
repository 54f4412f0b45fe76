"""Jobs, by the page's button and by the API: a form becomes a recipe, snapshots become what is shown.

Both are generators, so that a closed tab or a cancelled call ends the work within a second.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from augmentai.dataset.checkpoint import Checkpoint
from augmentai.dataset.readers.gather import Gathered, gather
from augmentai.dataset.writers.base import OutputError
from augmentai.engines.base import Engine
from augmentai.pipeline.job import limits
from augmentai.recipe import Recipe, RecipeError
from augmentai.settings import Settings
from augmentai.web import texts
from augmentai.web.access.rate_limit import LimitReachedError
from augmentai.web.access.visitors import Visitors
from augmentai.web.estimates import Pace, own_key
from augmentai.web.jobs.cleanup import still_needed
from augmentai.web.jobs.run import Given, Snapshot, run, uploaded
from augmentai.web.jobs.session_store import Finished, SessionStore
from augmentai.web.jobs.uploads import Entry, lay_out
from augmentai.web.recipe_files import recipe_of, wrong_setting
from augmentai.web.views import Shown, finished_view, working_view

_PAUSE_SECONDS = 0.5  # between two pictures of a running job
_MOST_SESSIONS = 10_000  # whose click is remembered
_MORE = 4  # variations that "more like this" adds
_NOTHING_CHOSEN = "No files were given. Choose at least one photo or ZIP, or load the samples."

_log = logging.getLogger(__name__)


class JobHandlers:
    """Handlers of the page and the API over one set of engines.

    Those of the page give {name of a part: what it shows}.
    """

    def __init__(
        self, settings: Settings, engines: Sequence[Engine], visitors: Visitors, pace: Pace, shelf: SessionStore
    ) -> None:
        self._settings, self._engines = settings, engines
        self._visitors, self._pace, self._shelf = visitors, pace, shelf
        self._stops: dict[str, Event] = {}

    def api(
        self,
        files: list[str] | None,
        form: Mapping[str, Any],
        request: gr.Request,
        progress: gr.Progress,
    ) -> Iterator[tuple[Any, Any, Any]]:
        """Yields skips while it works and (gallery, zip_path, report) at the end."""
        if not files:
            raise _no_files()
        if any(map(os.path.isdir, files)):  # Gradio lets the folder of everybody's uploads pass for a file
            raise gr.Error("A folder cannot be given. Upload its files, or a ZIP of it.", print_exception=False)
        still_needed(files, Path(get_upload_folder()))
        recipe = recipe_of(form)
        given = uploaded(files, self._settings, recipe.layout)
        for snapshot in self._run(given, recipe, Event(), request):
            if snapshot.report is None:
                if snapshot.expected:
                    progress(
                        (snapshot.done, snapshot.expected), desc=snapshot.doing.words or "augmenting", unit="images"
                    )
                yield gr.skip(), gr.skip(), gr.skip()
            else:
                yield list(snapshot.pictures), snapshot.zip_path, snapshot.report

    def page(
        self,
        entries: list[Entry],
        key: str,
        form: Mapping[str, Any],
        given: Mapping[str, Any],
        request: gr.Request,
    ) -> Iterator[Shown]:
        """The big button. Yields what changes; ends with the results, or with words on why there are none."""
        kept: list[Gathered] = []

        def read(place: Path, stop: Event) -> Gathered:
            inputs = lay_out(entries, place / "in")
            bounds = limits(self._settings, self._settings.max_files)
            kept.append(gather(inputs, bounds, stop=stop, layout=recipe_of(form).layout))
            return kept[0]

        def finish(last: Snapshot) -> Finished:
            assert last.report is not None
            assert last.zip_path is not None
            assert last.place is not None
            for engine, count in last.report["engines"].items():
                if len(last.report["engines"]) == 1:
                    self._pace.learn(engine, count, given.get("pixels", 0), last.seconds)
            recipe = replace(recipe_of(form), seed=last.report["seed"])
            zips, rows = [Path(last.zip_path)], list(last.rows)
            return Finished(recipe, kept[0], self._settings, Path(last.place), zips, rows, last.report, last.classes)

        def start(stop: Event) -> Iterator[Snapshot]:
            if not entries:
                raise _no_files()
            still_needed([path for _, path in entries], Path(get_upload_folder()))
            return self._run(read, recipe_of(form), stop, request, key, keep_full=False)

        yield from self._told(start, finish, session_of(request), [])

    def again(self, key: str, request: gr.Request) -> Iterator[Shown]:
        """Try what failed, and what a stop left undone, once more; the results join those that are there."""
        finished = self._shelf.get(session_of(request))
        if finished is None:
            yield {"status": texts.failed(texts.GONE), **self.rest()}
            return
        tried = [source.path for source in finished.missing()]
        yield from self._added(finished, finished.recipe, 1, finished.made(), tried, key, request)

    def more(self, file: str, key: str, request: gr.Request) -> Iterator[Shown]:
        """Four more of one variation's source, by the same engine, as strong, with the numbers that follow."""
        finished = self._shelf.get(session_of(request))
        row = finished.row(file) if finished else None
        if finished is None or row is None:
            yield {"status": texts.failed(texts.GONE), **self.rest()}
            return
        recipe = replace(
            finished.recipe,
            engine=row.engine,
            strength=row.strength,
            prompt=row.prompt or finished.recipe.prompt,
            variations=_MORE,
            per_class=0,
            balance=False,
        )
        first = finished.next_index(row)
        yield from self._added(finished, recipe, first, finished.all_but(row, first, _MORE), [], key, request)

    def _added(
        self,
        finished: Finished,
        recipe: Recipe,
        first_index: int,
        held: Checkpoint,
        tried: Sequence[str],
        key: str,
        request: gr.Request,
    ) -> Iterator[Shown]:
        def start(stop: Event) -> Iterator[Snapshot]:
            again = finished.again()
            return self._run(lambda place, stop: again, recipe, stop, request, key, False, first_index, held)

        def finish(last: Snapshot) -> Finished:
            finished.add(last, tried)
            return finished

        yield from self._told(start, finish, session_of(request), finished.rows)

    def _told(
        self,
        start: Callable[[Event], Iterator[Snapshot]],
        finish: Callable[[Snapshot], Finished],
        session: str,
        before: Sequence[Any],
    ) -> Iterator[Shown]:
        """A job as the page shows it, whatever becomes of it; the buttons always come back."""
        stop = self._stops.setdefault(session, Event())
        shown = 0.0
        snapshots: Iterator[Snapshot] = iter(())
        try:
            snapshots = start(stop)
            for snapshot in snapshots:
                if snapshot.report is not None:
                    finished = finish(snapshot)
                    self._shelf.put(session, finished)
                    yield {**finished_view(finished), **self.rest()}
                elif time.monotonic() - shown > _PAUSE_SECONDS:
                    yield working_view(snapshot, first=not shown, before=before)
                    shown = time.monotonic()
                else:
                    yield {}  # only a point where a closed tab can end the work
        except gr.Error as error:
            yield {**self._as_before(session), "status": texts.failed(str(error.message)), **self.rest()}
        except Exception as error:  # a defect of ours: the visitor is told, and the page stays alive
            _log.exception("a job of the page ended in a fault")
            words = f"An unexpected fault ended this job ({type(error).__name__}). Try it again; please report it."
            yield {**self._as_before(session), "status": texts.failed(words), **self.rest()}
        finally:
            if isinstance(snapshots, Generator):
                snapshots.close()
            stop.set()
            if self._stops.get(session) is stop:
                del self._stops[session]

    def _as_before(self, session: str) -> Shown:
        """The results of an earlier job are still there when a later one comes to nothing."""
        finished = self._shelf.get(session)
        return finished_view(finished) if finished else {}

    def begin(self, request: gr.Request) -> Shown:
        """At the click, before the job's turn comes: says so, and lets it be stopped while it waits."""
        self._stops[session_of(request)] = Event()
        if len(self._stops) > _MOST_SESSIONS:  # somebody makes them up
            self._stops.pop(next(iter(self._stops)), None)
        return {
            "status": texts.WAITING,
            "start": gr.Button("Working", interactive=False),
            "stop": gr.Button("Stop", visible=True, interactive=True),
            "again": gr.Button(visible=False),
        }

    def rest(self) -> Shown:
        """The two buttons when nothing runs; also after a fault of the server or a full queue."""
        return {"start": gr.Button(texts.START, interactive=True), "stop": gr.Button("Stop", visible=False)}

    def turned_away(self, request: gr.Request) -> Shown:
        """The queue was full, or the visitor has jobs waiting: Gradio's message says which, and the page lives on."""
        return {**self._as_before(session_of(request)), "status": texts.failed(texts.TURNED_AWAY), **self.rest()}

    def leave(self, request: gr.Request) -> None:
        """The tab was closed: whatever it waits for ends, and what it had is forgotten."""
        session = session_of(request)
        self._shelf.drop(session)
        stop = self._stops.pop(session, None)
        if stop is not None:
            stop.set()

    def stop(self, request: gr.Request) -> Shown:
        """End this visitor's own job after the picture in hand; what is done is kept."""
        stop = self._stops.get(session_of(request))
        if stop is None:
            return {"stop": gr.Button("Stop", interactive=False)}
        stop.set()
        return {"stop": gr.Button("Stopping", interactive=False)}

    def _run(
        self,
        given: Given,
        recipe: Recipe,
        stop: Event,
        request: gr.Request,
        key: str = "",
        keep_full: bool = True,
        first_index: int = 1,
        held: Checkpoint | None = None,
    ) -> Iterator[Snapshot]:
        ticket = self._visitors.ticket(request, own_key=bool((key or "").strip()))
        try:
            settings, engines = ticket.limited(*own_key(self._settings, self._engines, key))
            folder = Path(get_upload_folder())
            yield from run(given, recipe, settings, engines, folder, stop, keep_full, first_index, held, ticket.admit)
        except LimitReachedError as error:
            raise gr.Error(str(error), title="Limit reached", print_exception=False) from error
        except RecipeError as error:
            raise wrong_setting(error) from error
        except OutputError as error:
            words = str(error).replace(
                f"{get_upload_folder()}{os.sep}", ""
            )  # where that is, is the server's own affair
            raise gr.Error(words, title="The result could not be written", print_exception=False) from error
        finally:
            ticket.settle()


def session_of(request: gr.Request) -> str:
    """Which tab it is; random, so nobody names another's."""
    return request.session_hash or ""


def _no_files() -> gr.Error:
    return gr.Error(_NOTHING_CHOSEN, title="No files", print_exception=False)
