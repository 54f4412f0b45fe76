"""What the page shows before the click: the uploads, and the job's expected variations, cost and time."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from augmentai.engines import with_key
from augmentai.engines.base import Engine
from augmentai.recipe import AUTO, RecipeError
from augmentai.settings import Settings
from augmentai.web import texts
from augmentai.web.access.visitors import Visitors
from augmentai.web.estimates import TimeEstimator, first_ready
from augmentai.web.forecast import forecast
from augmentai.web.jobs.uploads import Upload, inspect_uploads, samples
from augmentai.web.recipe_files import recipe_of
from augmentai.web.views import Updates


class PreviewHandlers:
    """Handlers of the page before a job. None of them waits for the network."""

    def __init__(self, settings: Settings, engines: Sequence[Engine], visitors: Visitors, times: TimeEstimator) -> None:
        self._settings, self._engines = settings, engines
        self._visitors, self._times = visitors, times
        self._warmed_up = threading.Lock()

    def inspect(self, uploads: Sequence[Upload], layout: str | None = AUTO) -> Updates:
        """Inspect what was uploaded: counts, classes, thumbnails, and what is refused and why."""
        self._warm_up()
        summary = inspect_uploads(uploads or (), self._settings, layout or AUTO)
        return {"files": gr.update(summary=summary.as_props()), "upload_state": summary.as_state()}

    def samples(self, layout: str | None = AUTO) -> Updates:
        """Load the bundled photos as if they had been uploaded."""
        uploads = samples()
        updates = self.inspect(uploads, layout)
        return {**updates, "files": gr.update(value=uploads, summary=updates["files"]["summary"])}

    def forecast(
        self, upload_state: Mapping[str, Any], key: str, form: Mapping[str, Any], request: gr.Request | None = None
    ) -> str:
        """The job's expected variations, cost and time, and its visitor's remaining limit, as HTML."""
        images = upload_state.get("images", 0)
        try:
            recipe = recipe_of(form)
            plan = forecast(upload_state, recipe)
        except gr.Error as error:
            return texts.warning(str(error.message))
        except RecipeError as error:  # no classes to balance
            return texts.warning(str(error))
        active, ready = first_ready(with_key(self._engines, key or ""), recipe.engine)
        total = plan.total
        seconds = self._times.seconds(active.name, total, upload_state.get("pixels", 0)) if active and total else 0.0
        cost = active.estimate(recipe, total) if active and total else None
        notices = plan.notices if active is None else (*plan.notices, *active.unused_settings(recipe))
        hints = "".join(texts.hint(notice) for notice in notices)
        remaining = texts.line(self._visitors.remaining(request)) if request else ""
        line = texts.forecast(images, total, active, cost, seconds)
        return line + hints + remaining + texts.engines(ready, active, recipe.engine)

    def _warm_up(self) -> None:
        """Load what the first job needs while the visitor chooses settings. Once per process, in the background."""
        if self._warmed_up.acquire(blocking=False):
            for engine in self._engines:
                threading.Thread(target=engine.warm_up, name="warm-up", daemon=True).start()
