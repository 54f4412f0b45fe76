"""What the page shows before the click: the uploads, and the job's expected variations, cost and time."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from augmentai.backbone import BackboneError
from augmentai.dataset.recipe_file import load_recipe
from augmentai.engines import with_key
from augmentai.engines.base import Engine
from augmentai.plurals import counted
from augmentai.recipe import AUTO, RecipeError
from augmentai.settings import Settings
from augmentai.web import texts
from augmentai.web.access.public import without_secrets
from augmentai.web.access.visitor_keys import VisitorKeys
from augmentai.web.access.visitors import Visitors, address_of
from augmentai.web.estimates import TimeEstimator, first_ready
from augmentai.web.forecast import forecast
from augmentai.web.jobs.samples import samples
from augmentai.web.jobs.upload_check import MOST_SECONDS_COMPARING
from augmentai.web.jobs.upload_places import Upload
from augmentai.web.jobs.uploads import UploadSummary, inspect_uploads
from augmentai.web.parsing.labels import are_photos
from augmentai.web.parsing.lanes import BusyError
from augmentai.web.parsing.pool import ParsingError, ParsingPool
from augmentai.web.recipe_files import as_settings, recipe_of
from augmentai.web.views import Updates

_AGAIN_SECONDS = 2.0  # for the others, once if a file has taken all the time
_LEFT_OUT = 2  # of an upload, files that take too much to inspect the rest without them


class PreviewHandlers:
    """Handlers of the page before a job. Only the check of a key waits for the network."""

    def __init__(
        self,
        settings: Settings,
        engines: Sequence[Engine],
        visitors: Visitors,
        times: TimeEstimator,
        parsing: ParsingPool,
        keys: VisitorKeys | None = None,
    ) -> None:
        self._settings, self._engines, self._keys = settings, engines, keys or VisitorKeys(engines)
        self._visitors, self._times, self._parsing = visitors, times, parsing
        self._warmed_up = threading.Lock()

    def inspect(self, uploads: Sequence[Upload], layout: str | None, request: gr.Request) -> Updates:
        """Inspect what was uploaded: counts, classes, thumbnails, and what is refused and why. Raises gr.Error."""
        self._warm_up()
        summary = self._inspected(list(uploads or ()), layout or AUTO, request)
        return {"files": gr.update(summary=summary.as_props()), "upload_state": summary.as_state()}

    def _inspected(self, uploads: list[Upload], layout: str, request: gr.Request) -> UploadSummary:
        """The summary; a file that takes too much time or memory is refused, and the others are inspected."""
        if not uploads:
            return UploadSummary()
        visitor, settings = address_of(request, self._visitors.proxies), without_secrets(self._settings)
        left_out: list[dict[str, str]] = []
        begun, more_seconds, is_last = time.monotonic(), 0.0, False
        while True:
            try:
                light = are_photos(Path(path) for _, path in uploads)
                arguments = (uploads, settings, layout)
                summary = self._parsing.run(
                    visitor, inspect_uploads, *arguments, light=light, more_seconds=more_seconds
                )
            except BusyError as error:
                raise gr.Error(str(error), title="Not inspected", print_exception=False) from error
            except ParsingError as error:
                left_out.append({"file": error.name or counted(len(uploads), "file"), "reason": error.reason})
                rest = [upload for upload in uploads if upload[1] != error.file]
                if len(rest) < len(uploads) and len(left_out) <= _LEFT_OUT and not is_last:
                    uploads = rest
                    left = settings.parse_seconds - (time.monotonic() - begun)
                    is_last = left < _AGAIN_SECONDS
                    more_seconds = max(left, _AGAIN_SECONDS) - settings.parse_seconds
                    continue
                summary = UploadSummary()
            summary.refused += left_out
            return summary

    def compare(self, uploads: Sequence[Upload], layout: str | None, request: gr.Request) -> Updates:
        """Compare the images of an upload by a pretrained network. Why it cannot be done is shown on the page."""
        if not uploads:
            return {}
        visitor, settings = address_of(request, self._visitors.proxies), without_secrets(self._settings)
        arguments = (list(uploads or ()), settings, layout or AUTO, True)
        try:
            summary = self._parsing.run(visitor, inspect_uploads, *arguments, more_seconds=MOST_SECONDS_COMPARING)
        except (BackboneError, BusyError, ParsingError) as error:
            return {"files": gr.update(similar={"error": str(error)})}
        return {"files": gr.update(similar=summary.check["similar"])}

    def samples(self, others: Sequence[Upload], layout: str | None, request: gr.Request) -> Updates:
        """Load the bundled photos as if they had been uploaded. others: files that stay."""
        uploads = [*others, *(one for one in samples() if one not in others)]
        updates = self.inspect(uploads, layout, request)
        return {**updates, "files": gr.update(value=uploads, summary=updates["files"]["summary"])}

    def load_recipe(self, file: str, shown: Collection[str], request: gr.Request) -> tuple[dict[str, Any], str]:
        """Read a file of settings: see `as_settings`; no fields if it cannot be read."""
        visitor = address_of(request, self._visitors.proxies)
        try:
            return as_settings(self._parsing.run(visitor, load_recipe, Path(file)), shown)
        except RecipeError as error:
            return {}, texts.warning(str(error).replace(file, Path(file).name))
        except (BusyError, ParsingError) as error:
            return {}, texts.warning(str(error))

    def forecast(
        self, upload_state: Mapping[str, Any], key: str, form: Mapping[str, Any], request: gr.Request | None = None
    ) -> str:
        """The job's expected variations, cost and time, and its visitor's remaining limit, as HTML."""
        return str(self.before_click(upload_state, key, form, request)["forecast"])

    def before_click(
        self, upload_state: Mapping[str, Any], key: str, form: Mapping[str, Any], request: gr.Request | None = None
    ) -> Updates:
        """The forecast, and in "start" what the button says: a click that may spend has its price on it."""
        images = upload_state.get("images", 0)
        try:
            recipe = recipe_of(form)
            plan = forecast(upload_state, recipe, self._engines)
        except gr.Error as error:
            return {"forecast": texts.warning(str(error.message)), "start": texts.START}
        except RecipeError as error:  # no classes to balance, or nothing to do
            return {"forecast": texts.warning(str(error)), "start": texts.START}
        active, ready = first_ready(with_key(self._engines, key or ""), recipe.engine)
        if refused := self._keys.refused(key or "", recipe.engine):
            return {"forecast": texts.warning(refused), "start": texts.START}
        total = plan.total
        if images and not total:
            chips = texts.engines(ready, active, recipe.engine)
            return {"forecast": texts.warning(texts.nothing_to_make(recipe)) + chips, "start": texts.START}
        seconds = self._times.seconds(active.name, total, upload_state.get("pixels", 0)) if active and total else 0.0
        cost = active.estimate(recipe, total) if active and total else None
        notices = plan.own_notices if active is None else (*plan.own_notices, *active.unused_settings(recipe))
        hints = "".join(texts.hint(notice) for notice in notices)
        remaining = texts.line(self._visitors.remaining(request)) if request else ""
        line = texts.forecast(images, total, active, cost, seconds)
        html = line + hints + remaining + texts.engines(ready, active, recipe.engine)
        return {"forecast": html, "start": texts.start_label(cost)}

    def check_key(self, key: str, request: gr.Request) -> str:
        """What the service says of a key that was pasted, as HTML; nothing for none."""
        account = self._keys.check(key or "", address_of(request, self._visitors.proxies))
        return texts.key_state(account) if (key or "").strip() else ""

    def _warm_up(self) -> None:
        """Load what the first job needs while the visitor chooses settings. Once per process, in the background."""
        if self._warmed_up.acquire(blocking=False):
            for engine in self._engines:
                threading.Thread(target=engine.warm_up, name="warm-up", daemon=True).start()
