"""The events of files and settings: inspected uploads, the forecast, calls to copy, saved settings."""

from __future__ import annotations

from typing import Any

import gradio as gr

from augmentai.web.code_snippets import snippets
from augmentai.web.form import Form, as_form, as_recipe
from augmentai.web.handlers.preview import PreviewHandlers
from augmentai.web.handlers.visitor import session_of
from augmentai.web.jobs.session_store import SessionStore
from augmentai.web.jobs.visitor_jobs import VisitorJobs
from augmentai.web.recipe_files import saved
from augmentai.web.wiring import UNQUEUED, Components, in_order_of

NO_UPLOADS = {"images": 0, "pixels": 0}


def wire_settings(
    page: gr.Blocks,
    handlers: PreviewHandlers,
    components: Components,
    form: Form,
    code: gr.HTML,
    user: str,
    sessions: SessionStore,
    jobs: VisitorJobs,
) -> tuple[Any, ...]:
    """Returns the events after which other images are there."""
    names, controls = list(form.fields), list(form.fields.values())
    uploaded, forecasts = ("files", "upload_state"), ("forecast", "start")
    forecast_components = [components[name] for name in forecasts]
    uploaded_components = [components[name] for name in uploaded]

    def inspect(uploads: Any, layout: str, request: gr.Request) -> Any:
        return in_order_of(uploaded)(handlers.inspect(uploads, layout, request))

    def load_samples(uploads: Any, layout: str, request: gr.Request, event: gr.EventData) -> Any:
        others = list(uploads or ()) if event.add else []
        return in_order_of(uploaded)(handlers.samples(others, layout, request))

    def compare(uploads: Any, layout: str, request: gr.Request) -> Any:
        return in_order_of(("files",))(handlers.compare(uploads, layout, request))[0]

    def forecast(upload_state: Any, key: str, request: gr.Request, *values: Any) -> Any:
        filled = as_recipe(dict(zip(names, values, strict=True)))
        updates = handlers.before_click(upload_state or NO_UPLOADS, key, filled, request)
        sessions.set_start_label(session := session_of(request), updates["start"])
        if (job := jobs.shown(session)) is not None and job.is_live:
            del updates["start"]  # it says that a job runs
        return in_order_of(forecasts)(updates)

    def check_key(key: str, request: gr.Request) -> str:
        return handlers.check_key(key, request)

    def show_code(request: gr.Request, *values: Any) -> str:
        return snippets(as_recipe(dict(zip(names, values, strict=True))), _address(request), user)

    def save(*values: Any) -> str:
        return saved(as_recipe(dict(zip(names, values, strict=True))))

    def load(file: str, request: gr.Request) -> Any:
        values, message = handlers.load_recipe(file, {*names, "balance"}, request)
        values = as_form(values)
        return [*(values.get(name, gr.skip()) for name in names), message]

    layout = form.fields["layout"]
    triggers = [components["files"].upload, layout.input]
    inspected = gr.on(triggers, inspect, [components["files"], layout], uploaded_components, **UNQUEUED)
    sampled = components["files"].select(load_samples, [components["files"], layout], uploaded_components, **UNQUEUED)
    components["files"].compare(compare, [components["files"], layout], components["files"], **UNQUEUED)
    changes = [control.change for control in controls]
    inputs = [components["upload_state"], form.key, *controls]
    checking: dict[str, Any] = {**UNQUEUED, "show_progress": "minimal"}
    checked = gr.on([form.key.blur, form.key.submit], check_key, form.key, form.key_state, **checking)
    gr.on(changes, forecast, inputs, forecast_components, **UNQUEUED)
    for event in (inspected, sampled, checked):
        event.then(forecast, inputs, forecast_components, **UNQUEUED)
    gr.on([page.load, *changes], show_code, controls, code, **UNQUEUED)
    gr.on([page.load, *changes], save, controls, form.save, **UNQUEUED)
    form.load.upload(load, form.load, [*controls, form.load_message], **UNQUEUED)
    return inspected, sampled


def _address(request: gr.Request) -> str:
    """The page's address as the visitor's browser has it."""
    page = request.headers.get("referer") or request.headers.get("origin") or "http://127.0.0.1:7860"
    return page.split("?")[0].split("#")[0].rstrip("/") + "/"
