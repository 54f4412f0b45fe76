"""The two ways in, the page's button and the API: a form becomes a recipe, snapshots become what is shown.

Both are generators, so that a closed tab or a cancelled call ends the work within a second.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from augmentai.balance import wanted_of
from augmentai.dataset.held import Held
from augmentai.dataset.read import Gathered, gather
from augmentai.dataset.write import OutputError
from augmentai.engines.base import Engine
from augmentai.engines.gan import GanEngine
from augmentai.job import limits
from augmentai.recipe import Recipe, RecipeError, strength_of
from augmentai.settings import Settings
from augmentai.web import texts
from augmentai.web.costs import Pace, own_key, price, used
from augmentai.web.janitor import still_needed
from augmentai.web.limits import LimitReachedError
from augmentai.web.runs import Given, Snapshot, run, uploaded
from augmentai.web.shelf import Finished, Shelf
from augmentai.web.uploads import Entry, lay_out, look, samples
from augmentai.web.views import Shown, finished_view, working_view
from augmentai.web.visitors import Visitors

_PAUSE_SECONDS = 0.5  # between two pictures of a running job
_MOST_SESSIONS = 10_000  # whose click is remembered
_MORE = 4  # variations that "more like this" adds
_NOTHING_CHOSEN = "No files were given. Choose at least one photo or ZIP, or load the samples."

_log = logging.getLogger(__name__)


class Doors:
    """Handlers of the page and the API over one set of engines.

    Those of the page give {name of a part: what it shows}.
    """

    def __init__(self, settings: Settings, engines: Sequence[Engine]) -> None:
        self._settings, self._engines = settings, engines
        self._visitors = Visitors(settings)
        self._stops: dict[str, Event] = {}
        self._warmed = threading.Lock()
        self._pace = Pace()
        self.shelf = Shelf()

    def api(
        self,
        files: list[str] | None,
        prompt: str,
        negative_prompt: str,
        strength: str | float | None,
        variations: float,
        engine: str,
        seed: float,
        output_format: str,
        geometry: str,
        mirror: bool,
        layout: str,
        to: str,
        originals: str,
        splits: str,
        filters: bool,
        per_class: float,
        balance: bool,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 (how Gradio hands it in)
    ) -> Iterator[tuple[Any, Any, Any]]:
        """Yields skips while it works and (gallery, zip_path, report) at the end."""
        form = {
            "prompt": prompt,
            "negative_prompt": negative_prompt,
            "strength": strength,
            "variations": variations,
            "engine": engine,
            "seed": seed,
            "output_format": output_format,
            "geometry": geometry,
            "mirror": mirror,
            "layout": layout,
            "to": to,
            "originals": originals,
            "splits": splits,
            "filters": filters,
            "per_class": per_class or 0,
            "balance": balance,
        }
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
                    progress((snapshot.done, snapshot.expected), desc="augmenting", unit="images")
                yield gr.skip(), gr.skip(), gr.skip()
            else:
                yield list(snapshot.pictures), snapshot.zip_path, snapshot.report

    def look(self, entries: list[Entry]) -> Shown:
        """What was dropped, at once: counts, classes, thumbnails, and what is refused and why."""
        self.warm_up()
        found = look(entries, self._settings)
        return {"files": gr.update(about=found.as_props()), "given": found.as_state()}

    def samples(self) -> Shown:
        """The bundled photos, as if they had been dropped."""
        self.warm_up()
        found = look(entries := samples(), self._settings)
        return {"files": gr.update(value=entries, about=found.as_props()), "given": found.as_state()}

    def foretell(
        self, given: Mapping[str, Any], key: str, form: Mapping[str, Any], request: gr.Request | None = None
    ) -> str:
        """What the button would do, cost and take, and what its visitor may still have, as HTML.

        Never waits for the network.
        """
        try:
            recipe = recipe_of(form)
        except gr.Error as error:
            return texts.warning(str(error.message))
        settings, engines = own_key(self._settings, self._engines, key)
        first, ready = used(engines, recipe.engine)
        balanced = recipe.balance or recipe.per_class
        wanted = wanted_of(given.get("classes", {}) if balanced else {"": given.get("pictures", 0)}, recipe)
        seconds = self._pace.seconds(first, wanted, given.get("pixels", 0)) if first and wanted else 0.0
        cost = price(settings, recipe, wanted) if first == "stability" else None
        told = texts.foretold(given.get("pictures", 0), wanted, first, cost, seconds)
        left = texts.line(self._visitors.left(request)) if request else ""
        return told + left + texts.engines(ready, first, recipe.engine)

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
            zip_path, place = Path(last.zip_path), Path(last.place)
            rows, report = list(last.rows), last.report
            return Finished(recipe, kept[0], self._settings, place, zip_path, zip_path, rows, report, last.classes)

        def start(stop: Event) -> Iterator[Snapshot]:
            if not entries:
                raise _no_files()
            still_needed([path for _, path in entries], Path(get_upload_folder()))
            return self._run(read, recipe_of(form), stop, request, key, keep_full=False)

        yield from self._told(start, finish, session_of(request), [])

    def again(self, key: str, request: gr.Request) -> Iterator[Shown]:
        """Try what failed, and what a stop left undone, once more; the results join those that are there."""
        finished = self.shelf.get(session_of(request))
        if finished is None:
            yield {"status": texts.failed(texts.GONE), **self.rest()}
            return
        tried = [source.path for source in finished.missing()]
        yield from self._added(finished, finished.recipe, 1, finished.made(), tried, key, request)

    def more(self, file: str, key: str, request: gr.Request) -> Iterator[Shown]:
        """Four more of one variation's source, by the same engine, as strong, with the numbers that follow."""
        finished = self.shelf.get(session_of(request))
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
        held: Held,
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
                    self.shelf.put(session, finished)
                    yield {**finished_view(finished), **self.rest()}
                elif time.monotonic() - shown > _PAUSE_SECONDS:
                    yield working_view(snapshot, first=not shown, before=before)
                    shown = time.monotonic()
                else:
                    yield {}  # only a point where a closed tab can end the work
        except gr.Error as error:
            yield {"status": texts.failed(str(error.message)), **self.rest()}
        except Exception as error:  # a defect of ours: the visitor is told, and the page stays alive
            _log.exception("a job of the page ended in a fault")
            words = f"An unexpected fault ended this job ({type(error).__name__}). Try it again; please report it."
            yield {"status": texts.failed(words), **self.rest()}
        finally:
            if isinstance(snapshots, Generator):
                snapshots.close()
            stop.set()
            if self._stops.get(session) is stop:
                del self._stops[session]

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

    def turned_away(self) -> Shown:
        """The queue was full, or the visitor has jobs waiting: Gradio's message says which, and the page lives on."""
        return {"status": texts.failed(texts.TURNED_AWAY), **self.rest()}

    def leave(self, request: gr.Request) -> None:
        """The tab was closed: whatever it waits for ends, and what it had is forgotten."""
        session = session_of(request)
        self.shelf.drop(session)
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

    def warm_up(self) -> None:
        """Load the local GAN while the visitor still looks at the settings. Once a process, in the background."""
        if self._warmed.acquire(blocking=False):
            for engine in self._engines:
                if isinstance(engine, GanEngine):
                    threading.Thread(target=engine.warm_up, name="warm-up", daemon=True).start()

    def _run(
        self,
        given: Given,
        recipe: Recipe,
        stop: Event,
        request: gr.Request,
        key: str = "",
        keep_full: bool = True,
        first_index: int = 1,
        held: Held | None = None,
    ) -> Iterator[Snapshot]:
        ticket = self._visitors.ticket(request, own_key=bool((key or "").strip()))
        try:
            settings, engines = ticket.limited(*own_key(self._settings, self._engines, key))
            folder = Path(get_upload_folder())
            yield from run(given, recipe, settings, engines, folder, stop, keep_full, first_index, held, ticket.admit)
        except LimitReachedError as error:
            raise gr.Error(str(error), title="Limit reached", print_exception=False) from error
        except RecipeError as error:
            raise _wrong_setting(error) from error
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


def recipe_of(form: Mapping[str, Any]) -> Recipe:
    """The recipe that a form asks for; what was left empty is as usual. Raises gr.Error."""
    usual = Recipe()
    filled = {name: getattr(usual, name) if value is None else value for name, value in form.items()}
    try:
        return Recipe(**filled | {"strength": strength_of(filled.get("strength", usual.strength))})
    except RecipeError as error:
        raise _wrong_setting(error) from error


def _wrong_setting(error: RecipeError) -> gr.Error:
    return gr.Error(str(error), title="A setting cannot be used", print_exception=False)


def _no_files() -> gr.Error:
    return gr.Error(_NOTHING_CHOSEN, title="No files", print_exception=False)
