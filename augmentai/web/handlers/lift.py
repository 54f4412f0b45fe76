"""Handlers of the tab "Does it help?". They return {name of a component: its new value}."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import gradio as gr

from augmentai.dataset.readers.gather import Gathered
from augmentai.dataset.recipe_file import load_recipe
from augmentai.lift import LiftReport
from augmentai.recipe import Recipe, RecipeError
from augmentai.web import lift_texts, texts
from augmentai.web.access.visitors import address_of
from augmentai.web.components.lift_bars import lift_html
from augmentai.web.handlers.job_runner import no_files
from augmentai.web.handlers.lift_runner import MOST_RECIPES, LiftRunner
from augmentai.web.handlers.visitor import session_of
from augmentai.web.jobs.lift_job import LiftRequest, LiftSnapshot
from augmentai.web.jobs.lift_store import LiftStore
from augmentai.web.jobs.session_store import SessionStore
from augmentai.web.jobs.upload_places import Upload
from augmentai.web.jobs.uploads import INPUT_FOLDERS, link_uploads
from augmentai.web.lift_time import LiftSize, LiftTime
from augmentai.web.parsing.lanes import BusyError
from augmentai.web.parsing.pool import ParsingError, ParsingPool
from augmentai.web.recipe_files import recipe_of
from augmentai.web.views import Updates, download_view, report_view

_UPDATE_SECONDS = 0.5  # between two updates of the page
_MAX_SESSIONS = 10_000  # whose stop events are remembered
_LONGEST_NAME = 60
# What can be chosen beside the current settings: their title, and what they change.
QUICK: dict[str, dict[str, Any]] = {
    "With light geometry": {"geometry": "light"},
    "With strong geometry": {"geometry": "strong"},
    "Without geometry": {"geometry": "none"},
}

Saved = dict[str, Recipe]  # by name

_log = logging.getLogger(__name__)


class LiftHandlers:
    """Handlers that measure."""

    def __init__(self, runner: LiftRunner, sessions: SessionStore, store: LiftStore, parsing: ParsingPool) -> None:
        self._runner, self._sessions, self._store, self._parsing = runner, sessions, store, parsing
        self._times = LiftTime()
        self._stops: OrderedDict[str, Event] = OrderedDict()

    def forecast(
        self, upload_state: Mapping[str, Any], chosen: Sequence[str], form: Mapping[str, Any], saved: Saved
    ) -> str:
        """What *Measure* will do, as HTML."""
        try:
            recipes = self._recipes(chosen, form, saved)
            if recipes:
                self._runner.check(recipes)
        except gr.Error as error:
            return texts.warning(str(error.message))
        size = _size(upload_state, len(recipes))
        return lift_texts.forecast(size, self._times.seconds(size), _class_names(upload_state))

    def load(self, files: Sequence[str], chosen: Sequence[str], saved: Saved, request: gr.Request) -> Updates:
        """Add saved recipes to what can be chosen, and choose them."""
        visitor, found, faults = address_of(request, self._runner.jobs.visitors.proxies), dict(saved), []
        chosen = list(chosen)
        for file in files[:MOST_RECIPES]:
            name = Path(file).stem[:_LONGEST_NAME]
            try:
                recipe = self._parsing.run(visitor, load_recipe, Path(file))
            except (RecipeError, BusyError, ParsingError) as error:
                faults.append(str(error).replace(file, Path(file).name))
                continue
            found.pop(name, None)
            found[name] = recipe
            chosen += [name] if name not in chosen else []
        found = dict(list(found.items())[-MOST_RECIPES:])
        names = [lift_texts.CURRENT, *QUICK, *found]
        choices = gr.CheckboxGroup(choices=names, value=[name for name in names if name in chosen])
        return {
            "lift_saved": found,
            "lift_chosen": choices,
            "lift_load_message": texts.warning("; ".join(faults)) if faults else "",
        }

    def measure(
        self,
        uploads: Sequence[Upload],
        upload_state: Mapping[str, Any],
        chosen: Sequence[str],
        form: Mapping[str, Any],
        saved: Saved,
        request: gr.Request,
    ) -> Iterator[Updates]:
        """Measure, and yield what changes on the page. A generator, so that a closed tab ends it within a second."""
        session = session_of(request)
        stop = self._stops.setdefault(session, Event())
        snapshots: Iterator[LiftSnapshot] = iter(())
        try:
            if not uploads:
                raise no_files()
            recipes = self._recipes(chosen, form, saved)
            snapshots = self._runner.run(self._request(uploads, recipes, form, request), stop, request)
            for updates, report in self._shown(snapshots):
                if report is not None:
                    self._times.learn(_size(upload_state, len(recipes)), report.seconds)
                    updates = updates | self._keep(session, report, uploads, recipes)
                yield updates
        except gr.Error as error:
            message = lift_texts.STOPPED if stop.is_set() else texts.failed(str(error.message))
            yield {"lift_status": message, **self.idle()}
        except Exception as error:  # a defect of ours: the visitor is informed, and the page keeps working
            _log.exception("a measurement failed unexpectedly")
            message = f"The measurement failed unexpectedly ({type(error).__name__}). Please try again, and report it."
            yield {"lift_status": texts.failed(message), **self.idle()}
        finally:
            if isinstance(snapshots, Generator):
                snapshots.close()
            stop.set()
            if self._stops.get(session) is stop:
                del self._stops[session]

    def _shown(self, snapshots: Iterator[LiftSnapshot]) -> Iterator[tuple[Updates, LiftReport | None]]:
        started, last_update = time.monotonic(), 0.0
        for snapshot in snapshots:
            now, at = time.monotonic(), snapshot.progress
            if snapshot.report is not None:
                content = snapshot.report.as_dict()
                found = {"lift_result": lift_html(snapshot.report), "lift_save": lift_texts.save_link(content)}
                yield {"lift_status": lift_texts.done(snapshot.report), **found, **self.idle()}, snapshot.report
            elif now - last_update > _UPDATE_SECONDS:
                last_update = now
                yield {"lift_status": lift_texts.progress(at.words, at.share, now - started)}, None
            else:
                yield {}, None  # only so that a closed tab can end it here

    def _request(
        self, uploads: Sequence[Upload], recipes: Mapping[str, Recipe], form: Mapping[str, Any], request: gr.Request
    ) -> LiftRequest:
        layout = recipe_of(form).layout

        def read(folder: Path, stop: Event) -> Gathered:
            return self._runner.jobs.read(link_uploads(uploads, folder / INPUT_FOLDERS[0]), layout, stop, request)

        seed = recipe_of(form).seed or 1
        return LiftRequest(read, recipes, _name(uploads), seed=seed, needed=[path for _, path in uploads])

    def _keep(
        self, session: str, report: LiftReport, uploads: Sequence[Upload], recipes: Mapping[str, Recipe]
    ) -> Updates:
        """Store what was measured. If a job has made variations just so, its report and its ZIP say it from now on."""
        self._store.put(session, report, uploads, recipes)
        finished = self._sessions.get(session)
        if finished is None:
            return {}
        lift = self._store.of(session, finished.uploads, finished.plan.recipe)
        if lift is None:
            return {}
        finished.lift = lift
        return {**download_view(finished), "report": report_view(finished)}

    def _recipes(self, chosen: Sequence[str], form: Mapping[str, Any], saved: Saved) -> dict[str, Recipe]:
        """What is chosen, by name, in the order of the choices. Raises gr.Error for settings that cannot be used."""
        current = recipe_of(form)
        known = {lift_texts.CURRENT: current}
        known |= {name: replace(current, **changes) for name, changes in QUICK.items()}
        known |= {name: replace(recipe, layout=current.layout) for name, recipe in saved.items()}
        recipes: dict[str, Recipe] = {}
        for name, recipe in known.items():
            if name in chosen and recipe not in recipes.values():
                recipes[name] = recipe
        return recipes

    def queued(self, request: gr.Request) -> Updates:
        """At the click: show that it is queued, and allow stopping it before it starts."""
        self._stops[session_of(request)] = Event()
        if len(self._stops) > _MAX_SESSIONS:  # somebody makes them up
            self._stops.popitem(last=False)
        return {
            "lift_status": lift_texts.QUEUED,
            "lift_timer": gr.Timer(active=True),
            "lift_start": gr.Button("Measuring", interactive=False),
            "lift_stop": gr.Button("Stop", visible=True, interactive=True),
        }

    def idle(self) -> Updates:
        """The two buttons when nothing is measured."""
        start = gr.Button(lift_texts.START, interactive=True)
        return {"lift_start": start, "lift_stop": gr.Button("Stop", visible=False)}

    def rejected(self) -> Updates:
        """The queue is full, or the visitor has too many jobs queued; Gradio's own message says which."""
        return {"lift_status": texts.failed(texts.REJECTED), **self.idle()}

    def stop(self, request: gr.Request) -> Updates:
        """End this visitor's measurement."""
        stop = self._stops.get(session_of(request))
        if stop is not None:
            stop.set()
        return {"lift_stop": gr.Button("Stopping" if stop else "Stop", interactive=False)}

    def close_session(self, request: gr.Request) -> None:
        """The tab was closed: end its measurement, queued or running, and forget what it found."""
        session = session_of(request)
        self._store.discard(session)
        stop = self._stops.pop(session, None)
        if stop is not None:
            stop.set()


def _size(upload_state: Mapping[str, Any], recipes: int) -> LiftSize:
    by_cells = upload_state.get("by_cells", False)
    return LiftSize(upload_state.get("images", 0), upload_state.get("holdout", 0), recipes, by_cells)


def _class_names(upload_state: Mapping[str, Any]) -> list[str | None]:
    """The class of each group of images; none if their labels are in files, of which not enough is known here."""
    groups = upload_state.get("class_groups", ())
    in_files = upload_state.get("by_cells", False) or any(names for _, names, _ in groups)
    return [] if in_files else [label for label, _, _ in groups]


def _name(uploads: Sequence[Upload]) -> str:
    """What the visitor would call the set: the one archive or the one folder that was dropped."""
    tops = {str(place).split("/", 1)[0] for place, _ in uploads}
    return Path(tops.pop()).stem if len(tops) == 1 else "the uploaded images"
