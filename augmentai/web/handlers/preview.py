"""What a visitor is told before the click: what was dropped, what the button would do, cost and take."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from augmentai.engines.base import Engine
from augmentai.engines.gan import GanEngine
from augmentai.operations.auto_geometry import DatasetTraits, resolve_geometry
from augmentai.recipe import AUTO, RecipeError
from augmentai.settings import Settings
from augmentai.web import texts
from augmentai.web.access.visitors import Visitors
from augmentai.web.estimates import Pace, own_key, price, used
from augmentai.web.forecast import planned
from augmentai.web.jobs.uploads import Entry, look, samples
from augmentai.web.recipe_files import recipe_of
from augmentai.web.views import Shown


class PreviewHandlers:
    """Handlers over one set of engines. Nothing of them waits for the network."""

    def __init__(self, settings: Settings, engines: Sequence[Engine], visitors: Visitors, pace: Pace) -> None:
        self._settings, self._engines = settings, engines
        self._visitors, self._pace = visitors, pace
        self._warmed = threading.Lock()

    def look(self, entries: Sequence[Entry], layout: str | None = AUTO) -> Shown:
        """What was dropped, at once: counts, classes, thumbnails, and what is refused and why."""
        self._warm_up()
        found = look(entries or (), self._settings, layout or AUTO)
        return {"files": gr.update(about=found.as_props()), "given": found.as_state()}

    def samples(self, layout: str | None = AUTO) -> Shown:
        """The bundled photos, as if they had been dropped."""
        self._warm_up()
        found = look(entries := samples(), self._settings, layout or AUTO)
        return {"files": gr.update(value=entries, about=found.as_props()), "given": found.as_state()}

    def foretell(
        self, given: Mapping[str, Any], key: str, form: Mapping[str, Any], request: gr.Request | None = None
    ) -> str:
        """What the button would do, cost and take, and what its visitor may still have, as HTML."""
        pictures = given.get("pictures", 0)
        try:
            recipe = recipe_of(form)
            wanted = planned(given, recipe) if pictures else None
        except gr.Error as error:
            return texts.warning(str(error.message))
        except RecipeError as error:  # no classes to balance
            return texts.warning(str(error))
        settings, engines = own_key(self._settings, self._engines, key)
        first, ready = used(engines, recipe.engine)
        total = wanted.total if wanted else 0
        seconds = self._pace.seconds(first, total, given.get("pixels", 0)) if first and total else 0.0
        cost = price(settings, recipe, total) if first == "stability" else None
        told = texts.foretold(pictures, total, first, cost, seconds)
        seen = DatasetTraits(**given.get("seen", {}))
        told_too = (*(wanted.notices if wanted else ()), resolve_geometry(recipe, seen).notice)
        notices = "".join(texts.hint(notice) for notice in told_too if notice)
        left = texts.line(self._visitors.left(request)) if request else ""
        return told + notices + left + texts.engines(ready, first, recipe.engine)

    def _warm_up(self) -> None:
        """Load the local GAN while the visitor still looks at the settings. Once a process, in the background."""
        if self._warmed.acquire(blocking=False):
            for engine in self._engines:
                if isinstance(engine, GanEngine):
                    threading.Thread(target=engine.warm_up, name="warm-up", daemon=True).start()
