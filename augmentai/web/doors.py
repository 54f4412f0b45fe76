"""The two ways in, the page's button and the API: a form becomes a recipe, snapshots become components.

Both are generators, so that a closed tab or a cancelled call ends the work at the next picture.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from augmentai.dataset.write import OutputError
from augmentai.engines.base import Engine
from augmentai.engines.gan import GanEngine
from augmentai.engines.stability import estimate, visitor_settings
from augmentai.recipe import Recipe, RecipeError
from augmentai.settings import Settings
from augmentai.web import texts
from augmentai.web.costs import cost_line, count_pictures, own_key
from augmentai.web.janitor import still_needed
from augmentai.web.limits import LimitReachedError
from augmentai.web.runs import Snapshot, run
from augmentai.web.visitors import Visitors

_WINDOW = 24  # pictures shown while it works: a growing gallery costs more with every picture
_SHOWN_AT_MOST = 400  # of a finished job; the ZIP holds all
_PAUSE_SECONDS = 0.5  # between two looks at a running job
_NOTHING_CHOSEN = "No files were given. Choose at least one photo or ZIP, or load the samples."

_log = logging.getLogger(__name__)

_Form = dict[str, Any]  # keywords of a recipe


class Doors:
    """Handlers of the page and the API over one set of engines."""

    def __init__(self, settings: Settings, engines: Sequence[Engine]) -> None:
        self._settings, self._engines = settings, engines
        self._visitors = Visitors(settings)
        self._stops: dict[str, Event] = {}
        self._warmed = threading.Lock()

    def api(
        self,
        files: list[str] | None,
        prompt: str,
        negative_prompt: str,
        strength: float,
        variations: float,
        engine: str,
        seed: float,
        output_format: str,
        geometry: str,
        mirror: bool,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 (how Gradio hands it in)
    ) -> Iterator[tuple[Any, Any, Any]]:
        """Yields skips while it works and (gallery, zip_path, report) at the end."""
        form = _form(prompt, negative_prompt, strength, variations, engine, seed, output_format)
        form |= {"geometry": geometry, "mirror": mirror}
        for snapshot in self._run(files, form, Event(), request):
            if snapshot.report is None:
                if snapshot.expected:
                    progress((snapshot.done, snapshot.expected), desc="augmenting", unit="images")
                yield gr.skip(), gr.skip(), gr.skip()
            else:
                yield list(snapshot.pictures), snapshot.zip_path, snapshot.report

    def page(
        self,
        files: list[str] | None,
        prompt: str,
        negative_prompt: str,
        strength: float,
        variations: float,
        engine: str,
        seed: float,
        output_format: str,
        geometry: str,
        mirror: bool,
        key: str,
        request: gr.Request,
    ) -> Iterator[tuple[Any, ...]]:
        """Yields (status, download, gallery, problems, start, stop)."""
        form = _form(prompt, negative_prompt, strength, variations, engine, seed, output_format)
        form |= {"geometry": geometry, "mirror": mirror}
        session = request.session_hash or ""
        stop = self._stops.setdefault(session, Event())
        resting = self.rest()
        shown = 0.0
        try:
            for snapshot in self._run(files, form, stop, request, key, keep_full=False):
                if snapshot.report is not None:
                    yield *_finished(snapshot), *resting
                elif time.monotonic() - shown > _PAUSE_SECONDS:
                    yield _working(snapshot, first=not shown)
                    shown = time.monotonic()
                else:
                    yield (gr.skip(),) * 6  # only a point where a closed tab can end the work
        except gr.Error as error:
            yield texts.failed(str(error.message)), gr.skip(), gr.skip(), gr.skip(), *resting
        except Exception as error:  # a defect of ours: the visitor is told, and the page stays alive
            _log.exception("a job of the page ended in a fault")
            words = f"An unexpected fault ended this job ({type(error).__name__}). Try it again; please report it."
            yield texts.failed(words), gr.skip(), gr.skip(), gr.skip(), *resting
        finally:
            stop.set()
            if self._stops.get(session) is stop:
                del self._stops[session]

    def begin(self, request: gr.Request) -> tuple[Any, ...]:
        """At the click, before the job's turn comes: says so, and lets it be stopped while it waits."""
        self._stops[request.session_hash or ""] = Event()
        return texts.WAITING, gr.Button("Working", interactive=False), gr.Button("Stop", interactive=True)

    def rest(self) -> tuple[Any, Any]:
        """The two buttons when nothing runs; also after a fault of the server or a full queue."""
        return gr.Button("Augment", interactive=True), gr.Button("Stop", interactive=False)

    def leave(self, request: gr.Request) -> None:
        """The tab was closed: whatever it waits for ends at the next picture."""
        stop = self._stops.pop(request.session_hash or "", None)
        if stop is not None:
            stop.set()

    def stop(self, request: gr.Request) -> Any:
        """End this visitor's own job after the picture in hand; what is done is kept."""
        stop = self._stops.get(request.session_hash or "")
        if stop is None:
            return gr.Button("Stop", interactive=False)
        stop.set()
        return gr.Button("Stopping", interactive=False)

    def cost(self, files: list[str] | None, strength: float, variations: float, engine: str, key: str) -> str:
        """What pressing Augment would cost at most, as a line of HTML; never waits for the network."""
        try:
            recipe = Recipe(strength=strength, variations=variations, engine=engine)  # type: ignore[arg-type]
        except RecipeError:
            return ""
        settings = visitor_settings(self._settings, key or "")
        if estimate(settings, recipe, 1) is None:  # free of charge: the files need not be looked at
            return ""
        return cost_line(settings, recipe, count_pictures(files or []))

    def warm_up(self) -> None:
        """Load the local GAN while the visitor still looks at the settings. Once a process, in the background."""
        if self._warmed.acquire(blocking=False):
            for engine in self._engines:
                if isinstance(engine, GanEngine):
                    threading.Thread(target=engine.warm_up, name="warm-up", daemon=True).start()

    def _run(
        self,
        files: list[str] | None,
        form: _Form,
        stop: Event,
        request: gr.Request,
        key: str = "",
        keep_full: bool = True,
    ) -> Iterator[Snapshot]:
        if not files:
            raise gr.Error(_NOTHING_CHOSEN, title="No files", print_exception=False)
        if any(map(os.path.isdir, files)):  # Gradio lets the folder of everybody's uploads pass for a file
            raise gr.Error("A folder cannot be given. Upload its files, or a ZIP of it.", print_exception=False)
        ticket = self._visitors.ticket(request, own_key=bool((key or "").strip()))
        try:
            recipe = Recipe(**form)
            settings, engines = ticket.limited(*own_key(self._settings, self._engines, key))
            folder = Path(get_upload_folder())
            still_needed(files, folder)
            yield from run(files, recipe, settings, engines, folder, stop, keep_full, ticket.admit)
        except LimitReachedError as error:
            raise gr.Error(str(error), title="Limit reached", print_exception=False) from error
        except RecipeError as error:
            raise gr.Error(str(error), title="A setting cannot be used", print_exception=False) from error
        except OutputError as error:
            raise gr.Error(str(error), title="The result could not be written", print_exception=False) from error
        finally:
            ticket.settle()


def _form(
    prompt: str,
    negative_prompt: str,
    strength: float,
    variations: float,
    engine: str,
    seed: float,
    output_format: str,
) -> _Form:
    """What both doors have always asked for; fields that were left empty become what an untouched form says."""
    return {
        "prompt": prompt or "",
        "negative_prompt": negative_prompt or "",
        "strength": strength,
        "variations": variations,
        "engine": engine,
        "seed": seed or 0,
        "output_format": output_format,
    }


def _working(snapshot: Snapshot, first: bool) -> tuple[Any, ...]:
    bar = texts.progress(snapshot.done, len(snapshot.failures), snapshot.expected, snapshot.seconds)
    gallery = gr.Gallery(list(snapshot.previews[-_WINDOW:]), visible=bool(snapshot.previews))
    problems = texts.troubles(None, snapshot.failures)
    running = (gr.Button("Working", interactive=False), gr.Button("Stop", interactive=True) if first else gr.skip())
    return bar, gr.DownloadButton(visible=False) if first else gr.skip(), gallery, problems, *running


def _finished(snapshot: Snapshot) -> tuple[Any, Any, Any, Any]:
    assert snapshot.report is not None
    assert snapshot.zip_path is not None
    megabytes = os.path.getsize(snapshot.zip_path) / 1e6
    label = f"Download ZIP ({snapshot.done} images, {megabytes:.1f} MB)"
    told = snapshot.done > 0 or bool(snapshot.failures)  # where nothing could be made, the manifest says why
    download = gr.DownloadButton(label, value=snapshot.zip_path, visible=told)
    gallery = gr.Gallery(list(snapshot.previews[:_SHOWN_AT_MOST]), visible=bool(snapshot.previews))
    return texts.summary(snapshot.report), download, gallery, texts.troubles(snapshot.report, snapshot.failures)
